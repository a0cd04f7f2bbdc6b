"""What a scrape reads: numbers that others keep, by callbacks, or by a query just before it; and all metrics as text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

import attrs
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from harvestd.interfaces import CacheState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Scrape:
    """Of one registry, on which it is a collector over the callbacks."""

    log = Logger()

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._refreshers: dict[str, Callable[[], Awaitable[None]]] = {}
        self._pools: dict[str, Callable[[], dict[str, int]]] = {}
        self._accelerators: dict[str, Callable[[], tuple[bool, int]]] = {}
        self._cache: Callable[[], CacheState] | None = None
        registry.register(self)

    def watch_pool(self, name: str, state: Callable[[], dict[str, int]]) -> None:
        """``state()`` returns ``open`` and ``active`` connections and ``waiting`` callers; ``name`` is primary, replica0 ..."""
        self._pools[name] = state

    def watch_accelerator(self, name: str, state: Callable[[], tuple[bool, int]]) -> None:
        """``state()`` returns whether ``name`` (redis, rabbitmq, elasticsearch) is in use, and how often it went out of use."""
        self._accelerators[name] = state

    def watch_cache(self, state: Callable[[], CacheState]) -> None:
        """The near cache of this process."""
        self._cache = state

    def refreshing(self, name: str, refresh: Callable[[], Awaitable[None]]) -> None:
        """Await ``refresh`` before each scrape, for numbers that take a query; it calls the setters of :class:`~harvestd.runtime.metrics.Metrics`."""
        self._refreshers[name] = refresh

    async def refresh(self) -> None:
        """Run every refresher; a failing one keeps its last values."""
        for name, refresh in self._refreshers.items():
            try:
                await refresh()
            except Exception as error:
                self.log.info("metrics: {name} not read: {why}", name=name, why=str(error) or repr(error))

    async def render(self) -> bytes:
        """The Prometheus text (:data:`CONTENT_TYPE`) of the current values.

        They are read here, in the reactor's thread; writing some thousand lines of them takes 0.1 s, and is another thread's.
        """
        return await deferToThread(generate_latest, _Read(list(self._registry.collect())))

    def collect(self) -> Iterator[Metric]:
        """What the callbacks say now."""
        yield from self._collect_pools()
        yield from self._collect_accelerators()
        if self._cache is not None:
            yield from _of_cache(self._cache())

    def _collect_pools(self) -> Iterator[Metric]:
        pool = GaugeMetricFamily("harvest_database_pool", "Connections and waiting callers.", labels=["pool", "state"])
        for name, read in self._pools.items():
            for kind, number in read().items():
                pool.add_metric([name, kind], number)
        yield pool

    def _collect_accelerators(self) -> Iterator[Metric]:
        used = GaugeMetricFamily(
            "harvest_accelerator_used", "1 while it does its work, 0 while others do it.", labels=["accelerator"]
        )
        lost = CounterMetricFamily(
            "harvest_accelerator_lost", "How often it stopped being used.", labels=["accelerator"]
        )
        for name, condition in self._accelerators.items():
            usable, times = condition()
            used.add_metric([name], float(usable))
            lost.add_metric([name], times)
        yield from (used, lost)


def _of_cache(state: CacheState) -> Iterator[Metric]:
    lookups = CounterMetricFamily(
        "harvest_cache_lookups", "Near cache, by outcome; absences are among the hits.", labels=["outcome"]
    )
    for outcome in ("hits", "misses", "stale", "absences"):
        lookups.add_metric([outcome], getattr(state, outcome))
    yield lookups
    shared = CounterMetricFamily(
        "harvest_cache_shared_lookups", "Redis, asked after the near cache.", labels=["outcome"]
    )
    shared.add_metric(["hits"], state.shared_hits)
    shared.add_metric(["misses"], state.shared_misses)
    yield shared
    yield GaugeMetricFamily("harvest_cache_entries", "Answers held.", value=state.size)
    yield GaugeMetricFamily(
        "harvest_cache_absent", "Answers held that there is nothing at an address.", value=state.absent
    )
    yield GaugeMetricFamily("harvest_cache_bytes", "Bytes held.", value=state.bytes)
    yield CounterMetricFamily("harvest_cache_evicted", "Answers that had to go for others.", value=state.evicted)
    served = state.hits + state.stale
    rate = served / (served + state.misses) if served + state.misses else 0.0
    yield GaugeMetricFamily("harvest_cache_hit_ratio", "Lookups served without a load, since the start.", value=rate)


@attrs.frozen
class _Read:
    """Families that were collected, in the form of a registry."""

    families: Sequence[Metric]

    def collect(self) -> Sequence[Metric]:
        return self.families
