"""What stands for one process of the daemon in the tests of queues: connections of its own, and what uses them."""

from __future__ import annotations

import itertools
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.queue.postgres import PostgresBroker
from harvestd.settings import Settings
from harvestd.store.database import Database
from harvestd.store.link import LinkSettings
from harvestd.store.session import Session
from tests.servers import PostgresServer

_numbers = itertools.count(1)


class Process:
    """Database, session and broker under one application name, by which the server can end them."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.name = f"process-{next(_numbers)}."
        self.settings = settings
        link = LinkSettings(url, application_name=self.name, connect_timeout=2.0)
        self.database = Database(reactor, link, size=4, wait=1.0)
        self.session = Session(reactor, link)
        self.broker = PostgresBroker(reactor, settings, self.database, self.session)

    async def start(self) -> None:
        self.database.start()
        await self.session.start()
        await self.broker.start()

    async def stop(self) -> None:
        for stop in (self.broker.stop, self.session.stop, self.database.stop):
            await Deferred.fromCoroutine(stop()).addTimeout(10, reactor)


class Processes:
    """Several of them on one database, and harm done to them."""

    def __init__(self, postgres: PostgresServer, url: str, settings: Settings) -> None:
        self.postgres = postgres
        self.url = url
        self.settings = settings
        self._all: list[Process] = []

    async def start(self, **settings: Any) -> Process:
        """A new one; ``settings`` differ from the test's."""
        process = Process(self.url, attrs.evolve(self.settings, **settings))
        self._all.append(process)
        await process.start()
        return process

    def kill(self, process: Process) -> None:
        """End its connections, as the end of the process would."""
        self.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like %s", process.name + "%"
        )

    def sql(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement beside them."""
        return self.postgres.query(self.url.split("?")[0].rsplit("/", 1)[1], sql, *parameters)

    def cut(self) -> None:
        """No connection is accepted, those that are there end."""
        name = self.url.split("?")[0].rsplit("/", 1)[1]
        self.postgres.query("postgres", f"alter database {name} with allow_connections false")
        self.postgres.query(
            "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", name
        )

    def mend(self) -> None:
        """The contrary."""
        name = self.url.split("?")[0].rsplit("/", 1)[1]
        self.postgres.query("postgres", f"alter database {name} with allow_connections true")

    async def stop(self) -> None:
        """Stop all, the latest first."""
        while self._all:
            await self._all.pop().stop()
