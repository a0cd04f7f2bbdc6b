"""``python -m tests.mutations``: prints each mutant that no test notices as a diff, and the rate; fails under 95 %."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests import pure
from tests.mutations import mutants, trial
from tests.mutations.equivalent import EQUIVALENT
from tests.mutations.mutants import Mutant

ROOT = Path(__file__).parents[2]
#: The share of their mutants that must be noticed.
MIN = 0.95
#: What the rules and their tests read of others.
LIBRARIES = ("attrs", "msgspec", "pytest", "hypothesis.strategies", "uuid", "decimal", "datetime", "zoneinfo", "babel.numbers",
             "babel.dates", "babel.units", "email_validator", "idna", "anyascii", "email.message")  # fmt: skip


def every(paths: Sequence[str]) -> list[Mutant]:
    """Those of the pure rules, or of what of them is at or below these paths."""
    files = [file for file in pure.modules() if not paths or any(file.is_relative_to(ROOT / path) for path in paths)]
    named = [(file, ".".join(file.relative_to(ROOT).with_suffix("").parts)) for file in files]
    return [one for file, module in named if file.name != "__init__.py" for one in mutants.of(file, module)]


def key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.module.removeprefix("harvestd."), mutant.was, mutant.became


def tried(chosen: Sequence[Mutant], jobs: int, until: float) -> tuple[list[Mutant], list[Mutant]]:
    """Those that were tried in the time, and those of them that no test noticed."""
    waiting, running = list(reversed(chosen)), dict[int, Mutant]()
    done: list[Mutant] = []
    unnoticed: list[Mutant] = []
    while running or (waiting and time.monotonic() < until):
        while waiting and len(running) < jobs and time.monotonic() < until:
            mutant = waiting.pop()
            running[trial.begin(mutant, trial.groups(mutant.module))] = mutant
        pid, noticed = trial.ended()
        mutant = running.pop(pid)
        done.append(mutant)
        if not noticed:
            unnoticed.append(mutant)
            print(mutant.diff(mutant.path.read_text("utf-8")), flush=True)
    return done, unnoticed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("paths", nargs="*", help="modules or folders of the pure rules")
    parser.add_argument("--seconds", type=float, default=900, help="begin no trial after so long (900)")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of the order in which they are tried"
    )
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="at once; as many as processors")
    given = parser.parse_args()
    os.chdir(ROOT)
    trial.prepare(LIBRARIES)
    all_of = every(given.paths)
    modules, known = {mutant.module.removeprefix("harvestd.") for mutant in all_of}, set(map(key, all_of))
    unknown = [entry for entry in EQUIVALENT if entry[0] in modules and entry not in known]
    chosen = [mutant for mutant in all_of if key(mutant) not in EQUIVALENT]
    random.Random(given.seed).shuffle(chosen)
    print(
        f"{len(chosen)} mutants, and {len(all_of) - len(chosen)} that are equivalent; --seed {given.seed}", flush=True
    )
    trial.begin(None, [[str(path) for path in pure.tests()]])
    if trial.ended()[1]:
        print("the tests fail without a mutant: mend that first")
        return 2
    done, unnoticed = tried(chosen, given.jobs, time.monotonic() + given.seconds)
    rate = 1 - len(unnoticed) / max(1, len(done))
    print(f"{len(done) - len(unnoticed)} of {len(done)} tried were noticed: {rate:.1%} (at least {MIN:.0%})")
    for entry in unknown:
        print(f"equivalent.py: no mutant is {entry} any more: delete it")
    return 0 if done and rate >= MIN and not unknown else 1


if __name__ == "__main__":
    sys.exit(main())
