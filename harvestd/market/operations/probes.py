"""Probes of this process's parts, for readiness and the metrics."""

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

if TYPE_CHECKING:  # it loads an HTTP client
    from harvestd.market.search.fallback import SearchWithFallback

#: Seconds after which a backlog is late although a worker should be running: the oldest unsent event, due mail.
LATE = 15.0
#: The operations that requests need, in one statement: rows of tables are read, and the WAL is flushed to disk (a logical message
#: that nobody reads; it needs no table and leaves nothing). A server that has lost its files still answers ``select 1``.
_TRIED = Statement(
    "probes.tried",
    """select exists (select from users), exists (select from products), exists (select from orders),
              pg_logical_emit_message(true, 'harvest.ready', '') is not null""",
    nothing,
)
#: Seconds for which a successful probe is reused, so that frequent readiness checks do not write more.
TRIED_FOR = 1.0


def of_parts(parts: Parts, reads: Replicas, replicas: Sequence[Database]) -> None:
    """Register the database, its listening session, replicas, and the outbox."""
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
    """Whether the database can do what requests need."""

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
    """A server that the market can do without."""

    def usage(self) -> tuple[bool, int]:
        """Whether it is in use now, and how often it became unavailable."""

    async def condition(self) -> Condition:
        """Its health; never down, since others take over its work."""


def of_search(parts: Parts, search: SearchWithFallback) -> None:
    """Register how far the search server lags behind PostgreSQL."""

    async def count_pending() -> None:
        pending = await search.pending()
        parts.metrics.searchable(pending.count, pending.refused)

    parts.metrics.refreshing("search", count_pending)


def of_accelerator(parts: Parts, name: str, accelerator: Accelerator) -> None:
    """Register the health and usage of an accelerator, under its ``name``."""
    parts.health.add(name, accelerator.condition)
    parts.metrics.watch_accelerator(name, accelerator.usage)


def of_workers(parts: Parts, workers: Workers) -> None:
    """Register whether this process consumes every queue."""

    async def consuming() -> Condition:
        idle = [name for name, one in workers.subscriptions.items() if not one.consuming]
        return Condition("degraded", f"not consuming: {', '.join(idle)}") if idle else Condition("ok")

    parts.health.add("workers", consuming)


def of_embedded(parts: Parts) -> None:
    """Register whether the embedded database's files exist, if this process uses it: a server whose folder was deleted
    still answers for a minute, from its open files."""
    found = running(parts.settings.data_dir)
    if found is None or found.url != parts.settings.database_url:
        return
    version = Path(parts.settings.data_dir) / "postgres" / "PG_VERSION"

    async def files() -> Condition:
        return Condition("ok") if version.exists() else Condition("down", f"{version} is gone: restore the data folder")

    parts.health.add("data folder", files, needed=True)
