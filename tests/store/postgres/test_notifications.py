"""What is said on one session is heard by all; gaps are told."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.notifications import MAX_PAYLOAD
from servers import PostgresServer
from servers.pace import Pace
from tests.contracts.topics import Ear
from tests.store.postgres.sessions import hearing
from tests.waiting import eventually


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
