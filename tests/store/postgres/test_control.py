"""The session: it hears, it tells of gaps, it holds locks, and it notices that it lost them."""

from __future__ import annotations

from typing import Any

from harvestd.store.postgres.clock_skew import ClockSkew
from servers import PostgresServer
from servers.pace import Pace
from tests.store.postgres.sessions import KEY, hearing
from tests.waiting import eventually


async def test_stop_frees_the_locks_and_sends_what_waits(sessions: Any, database_url: str) -> None:
    one, two = await sessions(database_url), await sessions(database_url)
    ear = await hearing(two)
    await one.locks.try_lock(KEY)
    await one.notifications.notify("news", "last words")
    await one.stop()
    assert not one.locks.holds(KEY) and not one.connected
    await eventually("the next has it", lambda: two.locks.try_lock(KEY), 5)
    await eventually("it was sent", lambda: ear.heard == ["last words"])


async def test_without_a_database_nothing_raises_and_no_lock_is_had(sessions: Any, tmp_path: Any) -> None:
    session = await sessions(f"postgresql://nobody@/nothing?host={tmp_path}", connect_timeout=0.1)
    assert not session.connected
    assert not await session.locks.try_lock(KEY)
    await session.locks.unlock(KEY)
    await session.notifications.notify("news", "hello")
    session.notifications.listen("news", print, print)()


async def test_a_server_that_goes_silent_is_noticed_and_its_locks_are_lost(
    sessions: Any, breakable: PostgresServer
) -> None:
    session = await sessions(breakable.url(), heartbeat=0.2, patience=0.3)
    lost: list[int] = []
    ear = await hearing(session)
    await session.locks.try_lock(KEY, lambda: lost.append(KEY))
    breakable.freeze()
    pace = Pace()
    await eventually("it is noticed", lambda: lost and not session.connected, 5)
    assert pace.seconds() < 1.5
    assert not await session.locks.try_lock(KEY)
    before = ear.gaps
    breakable.thaw()
    await eventually("it hears again", lambda: ear.gaps > before, 10)
    await eventually("the lock can be had again", lambda: session.locks.try_lock(KEY), 10)


async def test_stop_while_the_server_is_silent_is_bounded(sessions: Any, breakable: PostgresServer) -> None:
    session = await sessions(breakable.url(), patience=0.3)
    await session.locks.try_lock(KEY)
    breakable.freeze()
    await session.notifications.notify("news", "never sent")
    pace = Pace()
    await session.stop()
    assert pace.seconds() < 1.5


async def test_whoever_has_the_next_turn_may_close_the_connection_before_an_answer_is_read(
    sessions: Any, database_url: str
) -> None:
    """With it goes every cursor: what was answered is read before that, and another connection follows."""
    session = await sessions(database_url, heartbeat=0.05)
    ear, first = await hearing(session), session._link
    assert await session.locks.identity()
    release = session._turn.release

    def then_closed() -> None:
        session._turn.release = release
        first.close()
        release()

    session._turn.release = then_closed
    await eventually("another connection", lambda: session.connected and session._link is not first, 10)
    await eventually("it hears again", lambda: ear.gaps == 2, 10)
    await session.notifications.notify("news", "hello")
    await eventually("it is heard", lambda: ear.heard == ["hello"], 10)


async def test_a_fault_of_ours_costs_one_connection_and_not_all_of_them(
    sessions: Any, database_url: str, expected_errors: Any
) -> None:
    class Faulty(ClockSkew):
        faults = 1

        def compared(self, *times: Any) -> None:
            if self.faults:
                self.faults -= 1
                raise ZeroDivisionError
            super().compared(*times)

    session = await sessions(database_url, clock=Faulty())
    await eventually("the fault", lambda: not session.connected, 10)
    assert expected_errors(ZeroDivisionError)
    ear = await hearing(session)
    await session.notifications.notify("news", "hello")
    await eventually("it is heard", lambda: ear.heard == ["hello"], 10)
