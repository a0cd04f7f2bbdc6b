"""Sign-ins in memory, on PostgreSQL alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from harvestd.interfaces import ITopics
from harvestd.kernel.errors import Unavailable
from harvestd.market.accounts.sign_ins import LIVE, PostgresSignIns
from harvestd.market.accounts.sign_ins_near import CHANNEL, OUTAGE_PAUSE, NearSignIns
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.topics import PostgresTopics
from servers import PostgresServer
from tests.contracts.sign_ins import Line, Process, SessionsContract, World, new_id
from tests.waiting import eventually


@pytest_twisted.async_yield_fixture
async def topics(database_url: str) -> AsyncIterator[Callable[[], Awaitable[ITopics]]]:
    """Makes one more PostgresTopics, on a session of its own."""
    from twisted.internet import reactor

    made: list[tuple[ControlConnection, PostgresTopics]] = []

    async def make() -> ITopics:
        session = ControlConnection(reactor, ConnectionSettings(database_url))
        made.append((session, PostgresTopics(session)))
        await session.start()
        made[-1][1].start()
        await eventually("it hears", lambda: made[-1][1]._hearing)
        return made[-1][1]

    yield make
    for session, topics in made:
        topics.stop()
        await Deferred.fromCoroutine(session.stop()).addTimeout(10, reactor)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(database: Database, topics: Any, clock: Clock) -> World:
    async def process() -> Process:
        line = Line(database)
        sessions = NearSignIns(clock, await topics(), PostgresSignIns(line, lambda: datetime.now(UTC)), most=100)
        sessions.start()
        return Process(sessions, line)

    return World(database, process)


class TestPostgresSessions(SessionsContract):
    """The contract."""


async def test_what_is_known_is_asked_for_again_after_its_time(world: World, clock: Clock) -> None:
    """Should a message never arrive, that is how long an ended sign-in is believed."""
    process, ada = await world.process(), await world.user()
    session = await world.signed_in(ada)
    assert await process.alive(ada, session)
    await world.revoke(ada)
    clock.advance(29)
    assert await process.alive(ada, session)
    clock.advance(2)
    assert not await process.alive(ada, session)


async def test_what_is_merely_old_stands_in_while_nobody_can_be_asked(world: World, clock: Clock) -> None:
    process, ada = await world.process(), await world.user()
    session = await world.signed_in(ada)
    assert await process.alive(ada, session)
    process.line.cut = True
    clock.advance(100)
    for _ in range(10):
        assert await process.alive(ada, session)
    assert process.line.asked == 2, "who asks in an outage waits, so it is asked now and then"
    clock.advance(OUTAGE_PAUSE)
    assert await process.alive(ada, session)
    assert process.line.asked == 3
    await process.sessions.ended(ada)
    with pytest.raises(Unavailable):
        await process.alive(ada, session)


async def test_a_gap_forgets_everything(world: World, postgres: PostgresServer, database_url: str) -> None:
    process, ada = await world.process(), await world.user()
    session = await world.signed_in(ada)
    assert await process.alive(ada, session)
    await world.revoke(ada)
    end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%%-session' and datname = %s"
    postgres.query("postgres", end, database_url.split("/")[3].split("?")[0])

    async def known() -> bool:
        return not await process.alive(ada, session)

    await eventually("it asks again", known, 5)


async def test_garbage_and_forged_messages_end_nothing(world: World) -> None:
    process, ada = await world.process(), await world.user()
    session = await world.signed_in(ada)
    topics = process.sessions._topics  # type: ignore[attr-defined]
    for message in [
        "",
        "null",
        "[]",
        "{}",
        "x" * 6000,
        '{"by":1,"user":[]}',
        f'{{"by":"x","user":"{ada}"}}',
        "[" * 5000,
    ]:
        await topics.publish(CHANNEL, message)
    assert await process.alive(ada, session)


async def test_memory_is_bounded(world: World) -> None:
    process = await world.process()
    for _ in range(110):
        assert not await process.alive(new_id(), new_id())
    assert len(process.sessions) == 100  # type: ignore[arg-type]


def test_an_index_serves_the_question(postgres: PostgresServer, untouched_database_url: str) -> None:
    """It is asked for every signed-in caller."""
    name = untouched_database_url.split("/")[3].split("?")[0]
    user, session = "0197f0a0-7c1e-7abc-8def-0123456789ab", "0197f0a0-7c1e-7abc-8def-000000000000"
    plan = LIVE.sql
    for number, value in enumerate(
        LIVE.call({"user_id": f"'{user}'", "session": f"'{session}'", "now": "now()"})[2], 1
    ):
        plan = plan.replace(f"${number}", value)
    rows = postgres.query(name, f"set enable_seqscan = off; explain {plan}")
    assert any("sign_ins_live" in str(row) for row in rows), rows
