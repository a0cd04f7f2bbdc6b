"""For the tests that break their server: one of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.database import Database
from servers import PostgresServer, Proxy
from servers.redis import RedisServer
from tests.queue.conftest import processes  # noqa: F401


@pytest.fixture(scope="module")
def module_server() -> Iterator[PostgresServer]:
    server = PostgresServer("max_connections = 12\nsuperuser_reserved_connections = 3\ndeadlock_timeout = '100ms'\n")
    try:
        server.start()
        server.query("postgres", "create role market login")
        server.query("postgres", "grant all on database postgres to market")
        server.query("postgres", "grant all on schema public to market")
        yield server
    finally:
        server.remove()


@pytest.fixture
def breakable(module_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server that the test may stop, freeze and fill; it runs when the test begins. Its ordinary user is ``market``,
    who can have 9 connections."""
    if module_server.process is None:
        module_server.start()
    try:
        yield module_server
    finally:
        if module_server.process is not None:
            module_server.thaw()


@pytest_twisted.async_yield_fixture
async def connected() -> Any:
    """Makes started databases: ``connected(url, size=4, wait=2.0, **link_settings)``; stops them in the end."""
    from twisted.internet import reactor

    made: list[Database] = []

    def connect(url: str, size: int = 4, wait: float = 2.0, **settings: Any) -> Database:
        database = Database(reactor, ConnectionSettings(url, **settings), size=size, wait=wait)
        made.append(database)
        database.start()
        return database

    make: Callable[..., Database] = connect
    yield make
    for database in made:
        await Deferred.fromCoroutine(database.stop()).addTimeout(10, reactor)


@pytest.fixture
def own() -> Iterator[RedisServer]:
    """A Redis to do harm to, which can keep a file."""
    with RedisServer(persistent=True) as server:
        yield server


@pytest.fixture
def proxy(redis: RedisServer) -> Iterator[Proxy]:
    """In front of the Redis that the tests share."""
    with Proxy(("127.0.0.1", redis.port)) as proxy:
        yield proxy
