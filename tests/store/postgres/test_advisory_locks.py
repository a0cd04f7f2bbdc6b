"""A session holds locks, and notices that it lost them."""

from __future__ import annotations

from typing import Any

from twisted.logger import formatEvent, globalLogPublisher

from servers import PostgresServer
from tests.store.postgres.sessions import KEY, end_sessions
from tests.waiting import eventually


async def test_one_session_has_a_lock_and_the_next_gets_it_when_it_is_freed(sessions: Any, database_url: str) -> None:
    one, two = await sessions(database_url), await sessions(database_url)
    assert await one.locks.try_lock(KEY) and one.locks.holds(KEY)
    assert not await two.locks.try_lock(KEY) and not two.locks.holds(KEY)
    assert await one.locks.try_lock(KEY), "asking again for what one has"
    await one.locks.unlock(KEY)
    assert not one.locks.holds(KEY)
    assert await two.locks.try_lock(KEY)
    assert not await one.locks.try_lock(KEY)


async def test_a_lock_that_goes_with_its_connection_is_told_once(sessions: Any, breakable: PostgresServer) -> None:
    session = await sessions(breakable.url())
    lost: list[int] = []
    assert await session.locks.try_lock(KEY, lambda: lost.append(KEY))
    end_sessions(breakable)
    await eventually("it is told", lambda: lost)
    assert not session.locks.holds(KEY)
    await eventually("it can be had again", lambda: session.locks.try_lock(KEY), 5)
    assert lost == [KEY]


async def test_a_stop_loses_no_lock_and_says_nothing_of_them(sessions: Any, database_url: str) -> None:
    session, told, lost = await sessions(database_url), [], []
    assert await session.locks.try_lock(KEY, lambda: lost.append(KEY))

    def observe(event: Any) -> None:
        told.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    try:
        await session.stop()
    finally:
        globalLogPublisher.removeObserver(observe)
    assert lost == [] and [line for line in told if "lock" in line] == []
