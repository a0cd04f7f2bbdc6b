"""What stands for one process of the daemon in the tests of queues: connections of its own, and what uses them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred, TimeoutError
from uuid_utils import uuid7

from harvestd.interfaces import IBroker, Message
from harvestd.kernel.events import Event
from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope, TraceFields, encode
from harvestd.queue.postgres.broker import PostgresBroker
from harvestd.queue.relay import Relay
from harvestd.queue.runner import Due
from harvestd.queue.seals import EventSeals
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.runtime.metrics import Metrics
from harvestd.settings.table import Settings
from harvestd.store import outbox
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction
from harvestd.tables import TOPOLOGY
from servers import PostgresServer

_numbers = itertools.count(1)
SECRET = "the secret of the market in these tests"
SEALS = EventSeals(SECRET)
#: Has a connection lead the outbox, and do nothing for it, for as long as it lives.
LEADING = """
    insert into leases select 'relay', pg_backend_pid(), 1, 'infinity' from pg_advisory_lock(pg_backend_pid())
    on conflict (name) do update set holder = excluded.holder, fence = leases.fence + 1, until = excluded.until"""


def envelope(number: int = 0, type: str = "order.created") -> Envelope:
    """An event of an order, with the number as ``n`` in its data."""
    return Envelope(
        new_id(), type, now(), 1, f"order:{number}", data(number, type), TraceFields(f"request-{number}", "00-a-b-01")
    )


def data(n: int, type: str = "") -> dict[str, Any]:
    """As an event of any type has it, but for the types that mean something of their own by a name."""
    id = str(UUID(int=n))
    own = {"before": None, "after": None} if type.startswith("order.line_") else {}
    return {
        "n": n, "order_id": id, "number": str(n), "buyer_id": id, "placed_at": "2026-07-01T08:00:00Z", "parts": [],
        "totals": {"goods": n, "total": n}, "actor": "buyer", "reason": "", "farm_id": id, "from": "placed", "to": "confirmed",
        "product_id": id, "category_id": id, "changed": [], "user_id": id, "actor_id": id, "role": "buyer", "email": "ada@example.org", "name": "Ada", "version": 1,
        "families": [], "purpose": "reset", "before": "eve@example.org", "after": "Eve", "action": "api_key.created", "invitation_id": id, "operation_id": id, "image_id": id, "blob": id,
        "by": "farm", "lines": [], "line_id": id, "market_day_id": id, "farms": [], "all_farms": True, "at": "2026-07-01T08:00:00Z",
    } | own  # fmt: skip


def message(event: Envelope) -> Message:
    """As the relay publishes it."""
    return Message(event.id, event.type, SEALS.sealed(encode(event)))


def new_id() -> str:
    return str(uuid7())


def now() -> datetime:
    return datetime.now(UTC)


class Process:
    """Database, session, broker and relay under one application name, by which the server can end them.

    The relay is started by the tests that want it. ``parts`` has what the frame of the workers uses, and no more.
    """

    def __init__(self, url: str, settings: Settings, broker: IBroker | None = None) -> None:
        self.name = f"process-{next(_numbers)}."
        self.settings = settings
        link = ConnectionSettings(url, application_name=self.name, connect_timeout=2.0)
        self.database = Database(reactor, link, size=4, wait=5.0)
        self.session = ControlConnection(reactor, link)
        self.metrics = Metrics()
        self.broker = PostgresBroker(reactor, settings, TOPOLOGY, self.database, self.session)
        self.relay = Relay(
            reactor, settings, TOPOLOGY, self.database, self.session, broker or self.broker, now, SECRET, self.metrics
        )
        self.parts = _parts(self)

    async def start(self) -> None:
        self.database.start()
        await self.session.start()
        await self.broker.start()

    async def stop(self) -> None:
        """Stop all parts, each within a bound, also when one does not: the next test must not pay for it."""
        late: list[str] = []
        for part in (self.broker, self.relay, self.session, self.database):
            try:
                await Deferred.fromCoroutine(part.stop()).addTimeout(5, reactor)
            except TimeoutError:
                late.append(type(part).__name__)
        assert not late, f"did not stop: {', '.join(late)}"

    async def record(self, *events: Event) -> list[str]:
        """Record events in a transaction of their own and wake the relay, as the gate does; answers their ids."""
        ids = [new_id() for _ in events]
        given = iter(ids)

        async def work(tx: Transaction) -> None:
            outbox.record(tx, events, TOPOLOGY, lambda: next(given), now())

        await self.database.transaction(work)
        self.relay.wake()
        return ids


def _parts(process: Process) -> Parts:
    absent: Any = None
    return Parts(
        settings=process.settings, reactor=reactor, lifecycle=Lifecycle(reactor), metrics=process.metrics,
        database=process.database, reads=process.database, control=process.session, topics=absent, cache=absent,
        limiter=absent, sign_ins=absent, api_keys=absent, groups=absent, pricing=absent, search=absent, search_rules=absent, broker=process.broker, mailer=absent, blobs=absent, pictures=absent, secret=SECRET, now=now, new_id=new_id,
        topology=TOPOLOGY, due=Due(reactor, process.session), wake_relay=process.relay.wake,
    )  # fmt: skip


class Processes:
    """Several of them on one database, and harm done to them."""

    def __init__(self, postgres: PostgresServer, url: str, settings: Settings) -> None:
        self.postgres = postgres
        self.url = url
        self.settings = settings
        self._all: list[Process] = []

    async def start(self, broker: IBroker | None = None, **settings: Any) -> Process:
        """A new one; ``settings`` differ from the test's; ``broker`` is where its relay publishes if not to its own."""
        process = Process(self.url, attrs.evolve(self.settings, **settings), broker)
        self._all.append(process)
        await process.start()
        return process

    def kill(self, process: Process, suffix: str = "") -> None:
        """End its connections, as the end of the process would; with ``"-session"`` its session's alone."""
        name = f"{process.name}%{suffix}"
        self.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like %s", name)

    def end(self, process: Process) -> None:
        """The same for good: it finds no server any more, so it cannot come back before another takes its place."""
        nowhere = attrs.evolve(process.session._settings, dsn="host=127.0.0.1 port=1 dbname=none")
        process.session._settings = process.database.pool._settings = nowhere
        self.kill(process)

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
        late: list[AssertionError] = []
        while self._all:
            try:
                await self._all.pop().stop()
            except AssertionError as error:
                late.append(error)
        if late:
            raise late[0]
