"""``python -m tests.mutations.selling_trials``: puts in each fault of ``selling.py``, one at a time, and says after how many runs the machine notices; fails if any is not noticed.

Each is tried on a copy of the tree. ``--only TEXT`` tries those whose name has it, ``--runs N`` with so many runs, ``--seed N`` with those of a seed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from servers import shared
from tests.mutations.lock_trials import copied, named, without
from tests.mutations.locks import Lock
from tests.mutations.selling import FAULTS, MACHINE

#: Seconds for a trial; what takes longer is not noticed.
MAX = 120


def tried(fault: Lock | None, runs: int, seed: int) -> tuple[str, str]:
    """The run that failed, and of what; nothing if all went well."""
    with tempfile.TemporaryDirectory(prefix="harvest-selling-") as name:
        tree = Path(name) / "tree"
        copied(tree)
        if fault is not None:
            module = tree / "harvestd/market" / fault.path
            module.unlink()  # which is a link to the original
            module.write_text(without(fault), "utf-8")
        env = os.environ | {"PYTHONPATH": str(tree), "HARVEST_RUNS": str(runs), "HARVEST_SEED": str(seed)}
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", MACHINE]
        try:
            done = subprocess.run(words, cwd=tree, env=env, capture_output=True, text=True, timeout=MAX)
        except subprocess.TimeoutExpired:
            return "", "no end"
    if not done.returncode:
        return "", ""
    run = re.search(r"seed \d+, run (\d+):", done.stdout)
    why = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("E  ")]
    return run[1] if run else "?", next((line for line in why if line.startswith("AssertionError")), done.stdout[-300:])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations.selling_trials", description=__doc__)
    parser.add_argument("--only", default="", help="those whose name has this text")
    parser.add_argument("--runs", type=int, default=60, help="how many each has (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the runs (1)")
    given = parser.parse_args()
    chosen = [one for one in FAULTS if given.only in named(one)]
    shared.begin()
    unnoticed = 0
    for one in chosen:
        began = time.monotonic()
        run, why = tried(one, given.runs, given.seed)
        unnoticed += not run
        said = f"noticed in run {run}" if run else "UNNOTICED"
        print(f"{said}, {time.monotonic() - began:.0f} s: {named(one)}\n    {why[:200]}", flush=True)
    print(f"{len(chosen) - unnoticed} of {len(chosen)} noticed")
    return 1 if unnoticed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
