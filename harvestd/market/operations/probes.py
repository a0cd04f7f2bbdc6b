"""What readiness and the metrics ask of the parts of this process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harvestd.market.notifications import mail_rows as mails
from harvestd.parts import Parts
from harvestd.queue.runner import Workers
from harvestd.runtime.health import Condition
from harvestd.store import outbox
from harvestd.store.embedded.server import running
from harvestd.store.postgres.database import Database, Statement, nothing
from harvestd.store.postgres.replicas import Replicas

if TYPE_CHECKING:  # it brings an HTTP client
    from harvestd.market.search.fallback import SearchWithFallback

#: Seconds after which what waits for a process that works is late: the oldest unsent event, the mail that is due.
LATE = 15.0
#: What requests do, in one statement: rows of tables are read, and the log is written to its disk (a message that nobody
#: reads; it needs no table and leaves nothing). ``select 1`` is answered by a server that has lost its files.
_TRIED = Statement(
    "probes.tried",
    """select exists (select from users), exists (select from products), exists (select from orders),
              pg_logical_emit_message(true, 'harvest.ready', '') is not null""",
    nothing,
)
#: Seconds for which a try that went well stands: who asks more often writes no more.
TRIED_FOR = 1.0


def of_parts(parts: Parts, reads: Replicas, replicas: Sequence[Database]) -> None:
    """The database, what listens on it, replicas, and the outbox."""
    health, metrics = parts.health, parts.metrics
    health.add("database", _Tried(parts).condition, needed=True)
    health.add("session", partial(_listening, parts))
    health.add("clock", parts.control.clock.condition)
    health.add("outbox", partial(_backlog, parts))
    health.add("mail", partial(_mail, parts))
    metrics.watch_pool("primary", parts.database.pool.state)
    metrics.watch_cache(parts.cache.state)
    metrics.watch_clock(lambda: parts.control.clock.ahead)
    for name, count in (("outbox", _count_backlog), ("mails", _count_mails), ("queues", _count_queues)):
        metrics.refreshing(name, partial(count, parts))
    if replicas:
        health.add("replicas", partial(_behind, reads, parts.settings.replica_max_lag))
    for number, replica in enumerate(replicas, 1):
        metrics.watch_pool(f"replica{number}", replica.pool.state)


class _Tried:
    """Whether the database does what requests do."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._at = float("-inf")

    async def condition(self) -> Condition:
        seconds = self._parts.reactor.seconds
        if seconds() - self._at > TRIED_FOR:
            await self._parts.database.row(_TRIED)
            self._at = seconds()
        return Condition("ok")


async def _listening(parts: Parts) -> Condition:
    return Condition("ok") if parts.control.connected else Condition("degraded", "no notifications are heard: polling")


async def _behind(reads: Replicas, most: float) -> Condition:
    far = {name: lag for name, lag in reads.lags().items() if lag > most}
    detail = ", ".join(
        f"{name} {'is out of reach' if lag == float('inf') else f'is {lag:.1f} s behind'}" for name, lag in far.items()
    )
    return Condition("degraded", f"{detail}: not read") if far else Condition("ok")


async def _backlog(parts: Parts) -> Condition:
    waiting = await outbox.backlog(parts.database, parts.now())
    late = f"{waiting.unsent} events unsent, the oldest for {waiting.oldest:.0f} s"
    return Condition("degraded", late) if waiting.oldest > LATE else Condition("ok")


async def _mail(parts: Parts) -> Condition:
    waiting = await mails.due(parts.database, parts.now())
    late = f"{waiting.count} mails are due, the oldest for {waiting.oldest:.0f} s: no worker sends mail"
    return Condition("degraded", late) if waiting.oldest > LATE else Condition("ok")


async def _count_backlog(parts: Parts) -> None:
    waiting = await outbox.backlog(parts.database, parts.now())
    parts.metrics.backlog(waiting.unsent, waiting.oldest)


async def _count_mails(parts: Parts) -> None:
    waiting = await mails.due(parts.database, parts.now())
    parts.metrics.due(waiting.count, waiting.oldest)


async def _count_queues(parts: Parts) -> None:
    parts.metrics.queues(await parts.broker.states())


class Accelerator(Protocol):
    """What the market can do without."""

    def usage(self) -> tuple[bool, int]:
        """Whether it is used now, and how often it stopped being."""

    async def condition(self) -> Condition:
        """Never down: others do its work."""


def of_search(parts: Parts, search: SearchWithFallback) -> None:
    """How far it is behind PostgreSQL."""

    async def count_pending() -> None:
        pending = await search.pending()
        parts.metrics.searchable(pending.count, pending.refused)

    parts.metrics.refreshing("search", count_pending)


def of_accelerator(parts: Parts, name: str, accelerator: Accelerator) -> None:
    """Whether it does its work, under its ``name``."""
    parts.health.add(name, accelerator.condition)
    parts.metrics.watch_accelerator(name, accelerator.usage)


def of_workers(parts: Parts, workers: Workers) -> None:
    """Whether every queue is consumed here."""

    async def consuming() -> Condition:
        idle = [name for name, one in workers.subscriptions.items() if not one.consuming]
        return Condition("degraded", f"not consuming: {', '.join(idle)}") if idle else Condition("ok")

    parts.health.add("workers", consuming)


def of_embedded(parts: Parts) -> None:
    """Whether the files of the embedded database are there, if it is that which this process uses: a server whose folder was
    deleted under it answers for a minute, from what it has open."""
    found = running(parts.settings.data_dir)
    if found is None or found.url != parts.settings.database_url:
        return
    version = Path(parts.settings.data_dir) / "postgres" / "PG_VERSION"

    async def files() -> Condition:
        return Condition("ok") if version.exists() else Condition("down", f"{version} is gone: restore the data folder")

    parts.health.add("data folder", files, needed=True)
