"""Fail points: nothing unless a test arms them, and then exactly what was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError, Deferred

from harvestd.runtime.failpoints import POINTS, FailPointHit, arm, armed, disarm, failpoint, failpoint_here
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

TESTING = {"HARVEST_TESTING": "1"}
POINT = "order.before_commit"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    disarm()


async def test_unarmed_they_do_nothing() -> None:
    for name in POINTS:
        await failpoint(name)
        failpoint_here(name)


def test_without_the_word_of_the_environment_they_cannot_be_armed() -> None:
    for environment in ({}, {"HARVEST_TESTING": "0"}, {"HARVEST_TESTING": "true"}):
        with pytest.raises(ValueError, match="HARVEST_TESTING=1"):
            arm(f"{POINT}=error", environment)
    assert armed() == {}
    arm("", {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("order.befor_commit=kill", "there is no fail point 'order.befor_commit'; there are"),
        (POINT, "must be"),
        (f"{POINT}=explode", "must be"),
        (f"{POINT}=sleep", "must be"),
        (f"{POINT}=sleep:soon", "must be"),
        (f"{POINT}=kill:3", "must be"),
        (f"{POINT}=kill@x", "must be"),
        (f"{POINT}=kill@-1", "must be"),
    ],
)
def test_what_cannot_be_understood_is_refused_at_the_start(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        arm(text, TESTING)


async def test_error_raises_every_time_or_the_nth() -> None:
    arm(f"{POINT}=error, mail.after_send=error@2", TESTING)
    for _ in range(2):
        with pytest.raises(FailPointHit, match=POINT):
            await failpoint(POINT)
    failpoint_here("mail.after_send")
    with pytest.raises(FailPointHit, match=r"mail\.after_send"):
        failpoint_here("mail.after_send")
    failpoint_here("mail.after_send")
    await failpoint("mail.before_send")
    assert armed() == {POINT: 2, "mail.after_send": 3}


async def test_sleep_and_hang_wait() -> None:
    arm(f"{POINT}=sleep:0.05, write.before_answer=hang", TESTING)
    begun = time.monotonic()
    await failpoint(POINT)
    assert time.monotonic() - begun >= 0.05
    hanging = Deferred.fromCoroutine(failpoint("write.before_answer"))
    hanging.addErrback(lambda failure: failure.trap(CancelledError) and None)
    assert not hanging.called
    hanging.cancel()


def test_kill_is_sigkill_at_the_nth_time() -> None:
    script = (
        "from harvestd.runtime.failpoints import *\n"
        f"arm('{POINT}=kill@3')\n"
        f"for n in range(5): print(n, flush=True); failpoint_here('{POINT}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env={**os.environ, **TESTING}
    )
    assert (done.returncode, done.stdout.split()) == (-9, ["0", "1", "2"])


def test_a_name_that_is_not_in_the_table_is_found_when_it_is_passed() -> None:
    arm(f"{POINT}=error", TESTING)
    with pytest.raises(ValueError, match="enter it in"):
        failpoint_here("no.such.point")


def test_every_name_in_the_table_stands_somewhere_and_no_other() -> None:
    """A fail point that nobody passes would make its test prove nothing."""
    import re

    used = set()
    for path in (ROOT / "harvestd").rglob("*.py"):
        if path.name != "failpoints.py":
            used |= set(re.findall(r"failpoint(?:_here)?\(\s*[\"']([a-z._]+)[\"']\s*\)", path.read_text()))
    assert used == set(POINTS)


async def test_a_transaction_passes_one_before_and_one_after_its_commit(database: Database) -> None:
    make = Statement("make", "insert into inbox values ('tests', '01890a5d-ac96-774b-bcce-b302099a8057')", nothing)
    count = Statement("count", "select count(*) from inbox", scalar)

    async def work(tx: Transaction) -> None:
        await tx.run(make)

    arm("transaction.before_commit=error", TESTING)
    with pytest.raises(FailPointHit):
        await database.transaction(work)
    assert await database.row(count) == 0
    arm("transaction.after_commit=error", TESTING)
    with pytest.raises(FailPointHit):
        await database.transaction(work)
    assert await database.row(count) == 1
