"""The mutants are the small mistakes that they are meant to be, and a trial tells what the tests notice from what they do not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations import lock_trials, locks, mutants, selling

ROOT = Path(__file__).parents[1]
_LOCKED = re.compile(r"for (?:no key )?update|for (?:key )?share|pg_advisory\w*|skip locked")


@pytest.mark.parametrize(
    ("line", "mistakes"),
    [
        ("x = a < b", {"x = (a <= b)"}),
        ("x = a >= b", {"x = (a > b)"}),
        ("x = 1 <= a < 9", {"x = (1 < a < 9)", "x = (1 <= a <= 9)", "x = 2 <= a < 9", "x = 0 <= a < 9", "x = 1 <= a < 10", "x = 1 <= a < 8"}),
        ("x = a + b - c", {"x = (a + b + c)", "x = (a - b) - c"}),
        ("x = -a", {"x = (a)"}),
        ("x = a * b", {"x = (a // b)"}),
        ("x = a[:3]", {"x = a[:4]", "x = a[:2]"}),
        ("x = a and not b", {"x = (a or not b)", "x = a and (b)"}),
        ("x = True", {"x = False"}),
        ("x = Decimal('0.005')", {"x = (Decimal('0.006'))"}),
        ("x = max(a, b)", {"x = (min)(a, b)"}),
        ("x = a in b", {"x = (a not in b)"}),
        ("x += 1", {"x -= 1", "x += 2", "x += 0"}),
        ("def f(): return a", {"def f(): return None"}),
        ("def f(a: 'int | None') -> 'a + b': return None", set()),
        ("x = 'about 200'", set()),
        ("x = 0x200", set()),
        ("x = f'{a + 1}'", set()),
    ],
)  # fmt: skip
def test_each_is_one_small_mistake(tmp_path: Path, line: str, mistakes: set[str]) -> None:
    path = tmp_path / "m.py"
    path.write_text(f"# é\n{line}\n", encoding="utf-8")
    made = list(mutants.of(path, "m"))
    assert {one.became for one in made} == mistakes
    assert {(one.number, one.was) for one in made} <= {(2, line)}
    assert all(f"-{line}\n" in one.diff(path.read_text("utf-8")) for one in made)


@pytest.mark.timeout(120)
def test_a_trial_tells_what_the_tests_notice() -> None:
    """In a process of its own, which has read nothing of ours yet, as ``make mutations`` is."""
    script = """
from pathlib import Path
from tests.mutations import mutants, trial
trial.prepare(["pytest", "hypothesis.strategies"])
path = Path("harvestd/kernel/geography.py").absolute()
source = path.read_text()
for text in (source, source.replace("def distance_km(", "def distance(")):
    one = mutants.Mutant(path, "harvestd.kernel.geography", 1, "", "", text)
    trial.begin(one, [["tests/kernel/test_values.py"]])
    print(trial.ended()[1])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_every_lock_of_what_is_sold_has_a_row() -> None:
    """Or a reason to be kept without a test that could tell, or the word of somebody who owes one."""
    rooms = [ROOT / "harvestd/market" / room for room in locks.ROOMS]
    for file in [file for room in rooms for file in ([room] if room.is_file() else sorted(room.glob("*.py")))]:
        path, text = str(file.relative_to(ROOT / "harvestd/market")), file.read_text("utf-8")
        known = [was for lock in locks.LOCKS if lock.path == path for was, _ in lock.taken_away]
        for one in (*known, *(kept for where, kept in (*locks.KEPT, *locks.OWED) if where == path)):
            text = text.replace(one, "")
        left = [line.strip() for line in text.splitlines() if _LOCKED.search(line)]
        assert left == [], f"{path}: name the test that notices if this lock is taken away, in tests/mutations/locks.py"


@pytest.mark.parametrize("lock", (*locks.LOCKS, *selling.FAULTS), ids=lock_trials.named)
def test_each_lock_can_be_taken_away_and_its_tests_are_there(lock: locks.Lock) -> None:
    lock_trials.without(lock)
    for test in lock.tests:
        path, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text("utf-8"), f"{path} has no {name}"
