"""What is handed on goes to whoever waits, one after the other, however many wait and however soon each is done."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from harvestd.store.postgres.database import Database
from harvestd.store.postgres.share import Share
from harvestd.store.postgres.statements import Statement, scalar
from tests.waiting import eventually

CROWD = 2000
PID = Statement("pid", "select pg_backend_pid()", scalar)


def depth() -> int:
    """How many frames are on the stack."""
    frame, number = sys._getframe(), 0
    while frame is not None:
        frame, number = frame.f_back, number + 1  # type: ignore[assignment]
    return number


async def alone(connected: Any, database_url: str) -> Database:
    """A database with one connection, which is there."""
    database: Database = connected(database_url, size=1, wait=30.0)
    await eventually("it is connected", lambda: database.pool.state()["open"] == 1)
    return database


async def test_a_crowd_that_is_done_at_once_has_its_turns_on_a_stack_of_one(connected: Any, database_url: str) -> None:
    pool = (await alone(connected, database_url)).pool
    depths: list[int] = []

    async def one() -> None:
        link = await pool.take()
        depths.append(depth())
        pool.give(link)

    link = await pool.take()
    crowd = [Deferred.fromCoroutine(one()) for _ in range(CROWD)]
    pool.give(link)
    await gatherResults(crowd)
    assert len(depths) == CROWD and max(depths) == min(depths)
    assert pool.state() == {"open": 1, "active": 0, "waiting": 0}


async def test_a_crowd_of_statements_that_are_answered_at_once_is_answered(connected: Any, database_url: str) -> None:
    database = await alone(connected, database_url)
    found = await gatherResults([Deferred.fromCoroutine(database.row(PID)) for _ in range(CROWD)])
    assert len(found) == CROWD and len(set(found)) == 1


async def test_a_share_is_handed_on_in_the_same_way() -> None:
    share = Share(reactor, 1, 30.0)
    depths: list[int] = []

    async def one(who: str) -> None:
        assert await share.take(who)
        depths.append(depth())
        share.release(who)

    assert await share.take("first")
    crowd = [Deferred.fromCoroutine(one(str(n % 7))) for n in range(CROWD)]
    share.release("first")
    await gatherResults(crowd)
    assert len(depths) == CROWD and max(depths) == min(depths)
    assert await share.take("last"), "it is free again"


async def test_what_one_would_have_had_who_is_cancelled_meanwhile_the_next_has(
    connected: Any, database_url: str
) -> None:
    pool = (await alone(connected, database_url)).pool
    had: list[str] = []

    async def one(name: str) -> None:
        link = await pool.take()
        had.append(name)
        pool.give(link)
        if name == "first":
            second.cancel()

    link = await pool.take()
    first, second, third = (Deferred.fromCoroutine(one(name)) for name in ("first", "second", "third"))
    second.addErrback(lambda failure: failure.trap(CancelledError) and None)
    pool.give(link)
    await gatherResults([first, second, third])
    assert had == ["first", "third"]
    assert pool.state() == {"open": 1, "active": 0, "waiting": 0}
