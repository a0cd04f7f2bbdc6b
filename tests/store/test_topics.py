"""Topics on NOTIFY."""

from __future__ import annotations

from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred

from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.topics import CHANNEL, PostgresTopics
from servers import PostgresServer
from tests.contracts.topics import TopicsContract, listening
from tests.waiting import eventually


@pytest_twisted.async_yield_fixture
async def topics(database_url: str) -> Any:
    """Makes one more PostgresTopics, on a session of its own."""
    from twisted.internet import reactor

    made = []

    async def make() -> PostgresTopics:
        session = ControlConnection(reactor, ConnectionSettings(database_url))
        topics = PostgresTopics(session)
        made.append((session, topics))
        await session.start()
        topics.start()
        return topics

    yield make
    for session, topics in made:
        topics.stop()
        await Deferred.fromCoroutine(session.stop()).addTimeout(10, reactor)


class TestPostgresTopics(TopicsContract):
    """The contract."""


async def test_garbage_and_forgeries_are_dropped(topics: Any, postgres: PostgresServer, database_url: str) -> None:
    ear, _ = await listening(await topics(), "news")
    name = database_url.split("/")[3].split("?")[0]
    for garbage in [
        "",
        "not json",
        "[]",
        "null",
        '{"c": 1, "p": "x"}',
        '{"p": "x"}',
        '{"c":"news","p":{}}',
        "{" * 5000,
    ]:
        postgres.query(name, "select pg_notify(%s, %s)", CHANNEL, garbage)
    postgres.query(name, "select pg_notify(%s, %s)", CHANNEL, '{"c":"news","p":"real"}')
    await eventually("what is well formed is heard", lambda: ear.heard == ["real"])


async def test_a_lost_connection_is_told_as_a_gap(topics: Any, postgres: PostgresServer, database_url: str) -> None:
    here = await topics()
    ear, _ = await listening(here, "news")
    before = ear.gaps
    end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%%-session' and datname = %s"
    postgres.query("postgres", end, database_url.split("/")[3].split("?")[0])
    await eventually("the gap is told", lambda: ear.gaps > before, 5)
    await here.publish("news", "again")
    await eventually("it hears again", lambda: ear.heard == ["again"])
