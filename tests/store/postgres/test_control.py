"""The session: it hears, it tells of gaps, it holds locks, and it notices that it lost them."""

from __future__ import annotations

import time
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.logger import formatEvent, globalLogPublisher

from harvestd.store.postgres.clock_skew import ClockSkew, ahead_by
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.notifications import MAX_PAYLOAD
from servers import PostgresServer
from servers.pace import Pace
from tests.contracts.topics import Ear
from tests.waiting import eventually

KEY = 4711


@pytest_twisted.async_yield_fixture
async def sessions() -> Any:
    """Makes started sessions: ``await sessions(url, **more)``."""
    from twisted.internet import reactor

    made: list[ControlConnection] = []

    async def make(url: str, **more: Any) -> ControlConnection:
        session = ControlConnection(
            reactor, ConnectionSettings(url, connect_timeout=more.pop("connect_timeout", 5.0)), **more
        )
        made.append(session)
        await session.start()
        return session

    yield make
    for session in made:
        await Deferred.fromCoroutine(session.stop()).addTimeout(10, reactor)


async def hearing(session: ControlConnection, channel: str = "news") -> Ear:
    ear = Ear()
    session.notifications.listen(channel, ear.receive, ear.gap)
    await ear.ready()
    return ear


def end_sessions(server: PostgresServer) -> None:
    server.query(
        "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%-session'"
    )


async def test_a_notification_is_heard_by_all_sessions_soon(sessions: Any, database_url: str) -> None:
    one, two = await sessions(database_url), await sessions(database_url)
    ears = [await hearing(one), await hearing(two), await hearing(two)]
    pace = Pace()
    await one.notifications.notify("news", "hello")
    for ear in ears:
        await eventually("it is heard", lambda ear=ear: ear.heard == ["hello"])
    assert pace.seconds() < 1.0


async def test_equal_notifications_of_a_moment_are_one_and_different_ones_all_arrive_in_order(
    sessions: Any, database_url: str
) -> None:
    session = await sessions(database_url)
    ear = await hearing(session)
    for _ in range(100):
        await session.notifications.notify("news", "same")
    for n in range(2000):
        await session.notifications.notify("news", str(n))
    await eventually("all are heard", lambda: len(ear.heard) == 2001)
    assert ear.heard == ["same", *map(str, range(2000))]


async def test_who_unsubscribed_hears_no_more_and_may_come_back(sessions: Any, database_url: str) -> None:
    session = await sessions(database_url)
    other = await hearing(session, "other")
    ear = Ear()
    unsubscribe = session.notifications.listen("news", ear.receive, ear.gap)
    await ear.ready()
    unsubscribe()
    await session.notifications.notify("news", "missed")
    await session.notifications.notify("other", "mark")
    await eventually("the mark is heard", lambda: other.heard)
    again = await hearing(session)
    await session.notifications.notify("news", "heard")
    await eventually("it is heard", lambda: again.heard == ["heard"])
    assert ear.heard == []


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        ("news", "x" * (MAX_PAYLOAD + 1)),
        ("news", "\ud800"),
        ("news", "a\0b"),
        ('x"; drop table users; --', "x"),
        ("N" * 64, "x"),
    ],
)
async def test_what_cannot_be_sent_is_dropped_and_harms_nothing(
    sessions: Any, database_url: str, expected_errors: Any, channel: str, payload: str
) -> None:
    session = await sessions(database_url)
    ear = await hearing(session)
    await session.notifications.notify(channel, payload)
    await session.notifications.notify("news", "y" * MAX_PAYLOAD)
    await eventually("the longest that may be sent is heard", lambda: [len(p) for p in ear.heard] == [MAX_PAYLOAD])
    assert expected_errors()


def test_a_channel_that_needs_quoting_is_refused() -> None:
    session = ControlConnection(None, ConnectionSettings("postgresql://h/d"))
    with pytest.raises(ValueError, match="is no channel name"):
        session.notifications.listen('news"; drop table users', print, print)


async def test_a_gap_is_told_after_each_reconnect_and_what_was_said_meanwhile_is_sent(
    sessions: Any, breakable: PostgresServer
) -> None:
    one, two = await sessions(breakable.url()), await sessions(breakable.url())
    own, ear = await hearing(one), await hearing(two)
    for times in (1, 2):
        before = ear.gaps
        breakable.stop("immediate")
        await eventually("both have noticed", lambda: not one.connected and not two.connected)
        await one.notifications.notify("news", f"kept {times}")
        breakable.begin()
        await eventually("a gap is told", lambda before=before: ear.gaps > before, 10)
        await eventually("both are back", lambda: one.connected and two.connected, 5)
        await eventually("what was kept is sent", lambda times=times: f"kept {times}" in own.heard)
        await one.notifications.notify("news", f"after {times}")
        await eventually("it hears", lambda times=times: f"after {times}" in ear.heard)


async def test_what_was_being_sent_when_the_connection_was_lost_is_sent_again(
    sessions: Any, breakable: PostgresServer
) -> None:
    session = await sessions(breakable.url(), patience=0.3)
    ear = await hearing(session)
    breakable.freeze()
    await session.notifications.notify("news", "once more")
    await eventually("it was sent, and not answered", lambda: not session.connected, 5)
    breakable.kill()
    breakable.begin()
    await eventually("it is heard", lambda: ear.heard == ["once more"], 10)


async def test_one_session_has_a_lock_and_the_next_gets_it_when_it_is_freed(sessions: Any, database_url: str) -> None:
    one, two = await sessions(database_url), await sessions(database_url)
    assert await one.locks.try_lock(KEY) and one.locks.holds(KEY)
    assert not await two.locks.try_lock(KEY) and not two.locks.holds(KEY)
    assert await one.locks.try_lock(KEY), "asking again for what one has"
    await one.locks.unlock(KEY)
    assert not one.locks.holds(KEY)
    assert await two.locks.try_lock(KEY)
    assert not await one.locks.try_lock(KEY)


async def test_stop_frees_the_locks_and_sends_what_waits(sessions: Any, database_url: str) -> None:
    one, two = await sessions(database_url), await sessions(database_url)
    ear = await hearing(two)
    await one.locks.try_lock(KEY)
    await one.notifications.notify("news", "last words")
    await one.stop()
    assert not one.locks.holds(KEY) and not one.connected
    await eventually("the next has it", lambda: two.locks.try_lock(KEY), 5)
    await eventually("it was sent", lambda: ear.heard == ["last words"])


async def test_a_lock_that_goes_with_its_connection_is_told_once(sessions: Any, breakable: PostgresServer) -> None:
    session = await sessions(breakable.url())
    lost: list[int] = []
    assert await session.locks.try_lock(KEY, lambda: lost.append(KEY))
    end_sessions(breakable)
    await eventually("it is told", lambda: lost)
    assert not session.locks.holds(KEY)
    await eventually("it can be had again", lambda: session.locks.try_lock(KEY), 5)
    assert lost == [KEY]


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


@pytest.mark.parametrize("off", [3600, -3600, 0])
async def test_a_clock_that_differs_from_postgresqls_is_told(sessions: Any, database_url: str, off: int) -> None:
    """In readiness, and in the log once a minute."""
    told: list[str] = []

    class Kept(ClockSkew):
        class log:
            @staticmethod
            def warn(_: str, what: str) -> None:
                told.append(what)

    clock = Kept(lambda: time.time() + off)
    session = await sessions(database_url, heartbeat=0.01, clock=clock)
    looks = 0

    def compared(*times: float) -> None:
        nonlocal looks
        looks += 1
        ClockSkew.compared(clock, *times)

    clock.compared = compared  # type: ignore[method-assign]
    await eventually("it is looked at again and again", lambda: looks > 5)
    condition = await session.clock.condition()
    assert clock.ahead == pytest.approx(off, abs=2)
    assert condition.state == ("degraded" if off else "ok")
    assert len(told) == (1 if off else 0) and all("NTP" in words for words in told)
    for words in (*told, *([condition.detail] if off else [])):
        assert ("ahead of" if off > 0 else "behind") in words


@pytest.mark.parametrize(
    ("asked", "server", "answered", "ahead"),
    [(0, 1, 2, 0), (0, 0, 0, 0), (10, 4, 12, 6), (10, 18, 12, -6), (0, 100, 200, 0)],
)
def test_of_an_answer_that_was_long_on_its_way_only_what_is_certain_counts(
    asked: float, server: float, answered: float, ahead: float
) -> None:
    assert ahead_by(asked, server, answered) == ahead


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
