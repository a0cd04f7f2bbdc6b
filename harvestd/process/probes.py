"""What readiness and the metrics ask of the parts of this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from harvestd.health import Condition
from harvestd.parts import Parts
from harvestd.store import outbox
from harvestd.store.database import Database, Statement, scalar
from harvestd.store.replicas import Replicas
from harvestd.workers.runner import Workers

if TYPE_CHECKING:  # it brings an HTTP client
    from harvestd.store.search_fallback import SearchWithFallback

#: Age of the oldest unsent event, in seconds, from which on the relay is late.
LATE = 60.0
_ONE = Statement("probes.one", "select 1", scalar)


def of_parts(parts: Parts, reads: Replicas, replicas: Sequence[Database]) -> None:
    """The database, what listens on it, replicas, and the outbox."""
    health, metrics = parts.health, parts.metrics

    async def database() -> Condition:
        await parts.database.row(_ONE)
        return Condition("ok")

    async def session() -> Condition:
        return (
            Condition("ok") if parts.session.connected else Condition("degraded", "no notifications are heard: polling")
        )

    async def behind() -> Condition:
        far = {name: lag for name, lag in reads.lags().items() if lag > parts.settings.replica_max_lag}
        detail = ", ".join(
            f"{name} {'is out of reach' if lag == float('inf') else f'is {lag:.1f} s behind'}"
            for name, lag in far.items()
        )
        return Condition("degraded", f"{detail}: not read") if far else Condition("ok")

    async def backlog() -> Condition:
        waiting = await outbox.backlog(parts.database, parts.now())
        late = f"{waiting.unsent} events unsent, the oldest for {waiting.oldest:.0f} s"
        return Condition("degraded", late) if waiting.oldest > LATE else Condition("ok")

    async def count_backlog() -> None:
        metrics.backlog((await outbox.backlog(parts.database, parts.now())).unsent)

    async def count_queues() -> None:
        metrics.queues(await parts.broker.states())

    health.add("database", database)
    health.add("session", session)
    health.add("outbox", backlog)
    metrics.watch_pool("primary", parts.database.pool.state)
    metrics.watch_cache(parts.cache.state)
    metrics.refreshing("outbox", count_backlog)
    metrics.refreshing("queues", count_queues)
    if replicas:
        health.add("replicas", behind)
    for number, replica in enumerate(replicas, 1):
        metrics.watch_pool(f"replica{number}", replica.pool.state)


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
