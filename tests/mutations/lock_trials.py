"""``python -m tests.mutations.lock_trials``: takes away each lock and conditional update of ``locks.py``, one at a time, and says which tests notice; fails if any is not noticed.

Each is tried on a copy of the tree, by a pytest of its own, with the named tests alone. ``--only TEXT`` tries those whose name has it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from servers import shared
from tests.mutations.locks import KEPT, LOCKS, OWED, Lock

ROOT = Path(__file__).parents[2]
#: What of the tree a trial needs.
COPIED = ("harvestd", "tests", "servers", "pyproject.toml", "setup.cfg")
#: Seconds after which a trial counts as noticed: somebody waits for ever.
MAX = 300


def without(lock: Lock) -> str:
    """A module without a lock. Raises ``ValueError`` if it is not there just once."""
    text = (ROOT / "harvestd/market" / lock.path).read_text("utf-8")
    for was, became in lock.taken_away:
        if text.count(was) != 1:
            raise ValueError(f"{lock.path} has {text.count(was)} times {was!r}: locks.py has to follow")
        text = text.replace(was, became)
    return text


def notices(lock: Lock | None, tests: Sequence[str], folder: Path) -> list[str] | None:
    """The tests that fail without a lock, and what of; None where pytest did not come to an end."""
    tree = folder / "tree"
    try:
        copied(tree)
        if lock is not None:
            module = tree / "harvestd/market" / lock.path
            module.unlink()  # which is a link to the original
            module.write_text(without(lock), "utf-8")
        env = os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "250"}
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "-rfE", *tests]
        done = subprocess.run(words, cwd=tree, env=env, capture_output=True, text=True, timeout=MAX)
    except subprocess.TimeoutExpired:
        return ["no end"]
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    if done.returncode not in (0, 1):
        print(done.stdout[-3000:], done.stderr[-1000:])
        return None
    failed = [line.split(" ", 1)[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return [line.rpartition("::")[2][:200] for line in dict.fromkeys(failed)]


def copied(tree: Path) -> None:
    """Links cost nothing, and what was compiled of what they lead to is compiled; what is written anew is no link."""
    tree.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, copy_function=_link)
        else:
            _link(str(ROOT / name), str(tree / name))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def named(lock: Lock) -> str:
    """As it is called here."""
    return f"{lock.path}: {lock.what}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations.lock_trials", description=__doc__)
    parser.add_argument("--only", default="", help="those whose name has this text")
    chosen = [one for one in LOCKS if parser.parse_args().only in named(one)]
    shared.begin()
    unnoticed, began = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="harvest-locks-") as name:
        every = sorted({test for one in chosen for test in one.tests})
        if (failed := notices(None, every, Path(name))) != []:
            print(f"the tests fail with every lock: mend that first: {failed}")
            return 2
        for one in chosen:
            found = notices(one, one.tests, Path(name))
            unnoticed += not found
            print(
                f"{'noticed  ' if found else 'UNNOTICED'} {named(one)}",
                *(found or ["by nothing"]),
                sep="\n    ",
                flush=True,
            )
    print(f"{len(chosen) - unnoticed} of {len(chosen)} noticed in {time.monotonic() - began:.0f} s")
    for (path, text), why in KEPT.items():
        print(f"kept      {path}: {text}: {why}")
    for (path, text), what in OWED.items():
        module = ROOT / "harvestd/market" / path
        if module.exists() and text in module.read_text("utf-8"):
            print(f"untried   {path}: {what}")
    return 1 if unnoticed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
