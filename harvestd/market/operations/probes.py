"""Probes of this process's parts, for readiness and the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harvestd.market.notifications import mail_rows as mails
from harvestd.market.notifications import mail_sender
from harvestd.parts import Parts
from harvestd.queue.relay import Relay
from harvestd.runtime.health import Condition
from harvestd.store import outbox
from harvestd.store.embedded.running import running
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.replicas import Replicas
from harvestd.store.postgres.statements import Statement, nothing

if TYPE_CHECKING:  # it loads an HTTP client
    from harvestd.market.search.fallback import SearchWithFallback

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


def of_parts(parts: Parts, relay: Relay, reads: Replicas, replicas: Sequence[Database]) -> None:
    """Register the database, its listening session, replicas, and the outbox."""
    health, metrics = parts.health, parts.metrics
    health.add("database", _Tried(parts).condition, needed=True)
    health.add("session", parts.control.condition)
    health.add("clock", parts.control.clock.condition)
    health.add("outbox", relay.condition)
    health.add("mail", partial(mail_sender.condition, parts))
    metrics.scrape.watch_pool("primary", parts.database.pool.state)
    metrics.scrape.watch_cache(parts.cache.state)
    metrics.watch_clock(lambda: parts.control.clock.ahead)
    for name, count in (("outbox", _count_backlog), ("mails", _count_mails), ("queues", _count_queues)):
        metrics.scrape.refreshing(name, partial(count, parts))
    if replicas:
        health.add("replicas", reads.condition)
    for number, replica in enumerate(replicas, 1):
        metrics.scrape.watch_pool(f"replica{number}", replica.pool.state)


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


async def _count_backlog(parts: Parts) -> None:
    waiting = await outbox.backlog(parts.database, parts.machine_now())
    parts.metrics.backlog(waiting.unsent, waiting.oldest)


async def _count_mails(parts: Parts) -> None:
    waiting = await mails.due(parts.database, parts.machine_now())
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

    parts.metrics.scrape.refreshing("search", count_pending)


def of_accelerator(parts: Parts, name: str, accelerator: Accelerator) -> None:
    """Register the health and usage of an accelerator, under its ``name``."""
    parts.health.add(name, accelerator.condition)
    parts.metrics.scrape.watch_accelerator(name, accelerator.usage)


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
