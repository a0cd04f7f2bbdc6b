"""Complete responses in this process's memory: single flight against cache stampedes (``flights.py``), families
(``generations.py``), stale while loading (``freshness.py``), a size limit (``shelves.py``).

A shared second level wraps this one: its ``fetch`` calls ``fetch_for`` here with a ``load`` that asks the shared level
first, unless it is told to load ``direct``.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from harvestd.interfaces import CacheState, Entry, ICache, ITopics
from harvestd.kernel.errors import MarketError, Unavailable
from harvestd.store.cache.entries import Held, Load, Loaded, Outdated, loaded, never, size_of
from harvestd.store.cache.flights import Flights, InFlightLoad
from harvestd.store.cache.freshness import OUTAGE_PAUSE, lifetime, served_meanwhile, stands_in
from harvestd.store.cache.generations import Families, dropped_at
from harvestd.store.cache.invalidation_bus import InvalidationBus
from harvestd.store.cache.shelves import Shelves


@implementer(ICache)
class NearCache:
    """``size`` in bytes; ``stale`` is how many seconds a dropped entry may be served while it is reloaded.

    ``settle`` is how many seconds after a drop a read may still see the old data (the allowed replication lag): an
    entry loaded so soon after a drop lives only until then.
    """

    log = Logger()

    def __init__(
        self, clock: Any, topics: ITopics, size: int, stale: float, *, settle: float = 0.0,
        draw: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._now: Callable[[], float] = clock.seconds
        self._stale_limit = stale
        self._draw = draw
        self._shelves = Shelves(size)
        self._entries, self._absent = self._shelves.entries, self._shelves.absent
        self._flights = Flights(self._landed, self._failed)
        self._families = Families(settle)
        self._hits = self._misses = self._stale = self._absences = 0
        self._dropped: Callable[[Sequence[str]], None] = lambda families: None
        self.bus = InvalidationBus(topics, self.drop_here, self._gap)

    def start(self) -> None:
        """Start receiving other processes' drops."""
        self.bus.start()

    def stop(self) -> None:
        """Stop receiving them, and forget everything."""
        self.bus.stop()
        self._shelves.clear()

    def peek(self, key: str) -> Entry | None:
        """A fresh entry, or None."""
        shelf = self._entries
        held = shelf.get(key)
        if held is None:
            shelf = self._absent
            held = shelf.get(key)
        if held is None or self._now() >= held.expires:
            return None
        if held.whole != self._families.drops:
            if dropped_at(held.families) is not None:
                return None
            held.whole = self._families.drops
        shelf.move_to_end(key)
        self._hits += 1
        self._absences += shelf is self._absent
        return held.entry

    def last(self, key: str) -> Entry | None:
        """The entry that is held, fresh or not."""
        held = self._entries.get(key)
        return None if held is None else held.entry

    async def fetch(
        self, key: str, families: Sequence[str], load: Load, ttl: float, instead: Sequence[str] = (),
        outdated: Outdated = never,
    ) -> Entry:  # fmt: skip
        """The entry: fresh, or stale while one load runs, or newly loaded."""

        async def whole(direct: bool) -> Loaded:
            return loaded(await load(), ttl)

        return await self.fetch_for(key, families, whole, instead, outdated)

    async def fetch_for(
        self, key: str, families: Sequence[str], load: Callable[[bool], Awaitable[Loaded]], instead: Sequence[str] = (),
        outdated: Outdated = never,
    ) -> Entry:  # fmt: skip
        """:meth:`fetch`, where the load determines for how long its entry is fresh."""
        number = self._flights.number
        entry = await self._any(key, families, load, instead)
        if not outdated(entry) and not self._families.behind(entry):
            return entry
        return await self._later(key, families, load, number)

    async def _later(
        self, key: str, families: Sequence[str], load: Callable[[bool], Awaitable[Loaded]], number: int
    ) -> Entry:
        """From a load that began after the one with that ``number``, and asks the source itself: what the client has seen, here or of another
        process, is later, and the drop that invalidates the entry is still in transit to this process or to the shared level."""
        flight, waiter = self._flights.get(key), Deferred[Entry]()
        if flight is not None and flight.direct and flight.number > number:
            flight.waiters.append(waiter)
        else:
            self._misses += 1
            self._begin(key, families, load, [waiter], direct=True)
        return await waiter

    async def _any(
        self, key: str, families: Sequence[str], load: Callable[[bool], Awaitable[Loaded]], instead: Sequence[str]
    ) -> Entry:
        entry = self.peek(key)
        if entry is not None:
            return entry
        held, flight = self._shelves.get(key), self._flights.get(key)
        if flight is not None and flight.outdated(instead):
            flight = None  # after a drop, do not wait for an earlier load
        now = self._now()
        if (
            held is not None
            and served_meanwhile(held, flight, now, self._stale_limit)
            and not self._families.behind(held.entry)
        ):
            self._stale += 1
            if flight is None and now >= held.paused_until:
                self._begin(key, families, load, [])
            return held.aged(now)
        self._misses += 1
        waiter: Deferred[Entry] = Deferred()
        if flight is not None:
            flight.waiters.append(waiter)
        else:
            self._begin(key, families, load, [waiter])
        return await waiter

    # --- loading ---

    def _begin(
        self, key: str, names: Sequence[str], load: Callable[[bool], Awaitable[Loaded]], waiters: list[Deferred[Entry]],
        direct: bool = False,
    ) -> None:  # fmt: skip
        now = self._now()
        self._flights.begin(key, self._families.hold(names, now), now, load, waiters, direct)

    def _landed(self, loaded: Loaded, key: str, flight: InFlightLoad) -> Entry:
        held = self._shelves.get(key)
        self._learn(loaded.entry, flight)
        self._families.shown(loaded.entry, self._now())
        if not flight.missed(loaded.entry) and not self._families.behind(loaded.entry):
            if held is None or held.number < flight.number:  # a later load's entry stays
                self._keep(key, loaded, flight)
            return loaded.entry
        if held is not None and held.number < flight.number:
            self._shelves.forget(key)  # the waiters get newer data, and must not see this again
        return loaded.entry

    def _learn(self, entry: Entry, flight: InFlightLoad) -> None:
        """Drop what shows something of the entry as it was before, as the drop will that is still on its way here: nobody sees a product at one address as it
        is, and then as it was at another."""
        changed = self._families.changed(entry)
        if not changed:
            return
        now = self._now()
        before = self._families.named(changed, now)
        self._dropped(changed)
        self._families.drop(changed, now)
        self._flights.hear(changed, flight)
        after = dict(zip(before, self._families.named(changed, now), strict=True))
        flight.families = tuple(after.get(family, family) for family in flight.families)

    def _failed(self, failure: Failure, key: str, flight: InFlightLoad) -> Entry | Failure:
        """The stale entry served instead, or the failure."""
        held = self._shelves.get(key)
        if isinstance(failure.value, Unavailable):
            now = self._now()
            if held is None or not stands_in(held, now):
                return failure
            held.paused_until = now + OUTAGE_PAUSE
            self._stale += len(flight.waiters)
            return held.aged(now)
        if not flight.outdated():
            self._shelves.forget(key)  # such as NotFound: the response is known to exist no more
        if not flight.waiters and not isinstance(failure.value, MarketError):
            self.log.failure("reloading {key} failed", failure=failure, key=key)
        return failure

    def _keep(self, key: str, loaded: Loaded, flight: InFlightLoad) -> None:
        entry, now = loaded.entry, self._now()
        families = flight.families + self._families.named(entry.families, now)
        expires, useless = lifetime(loaded, families, flight.began, now, self._draw())
        size = size_of(key, entry, len(families) - 1)  # all have the family of everything
        made = flight.began - loaded.age
        held = Held(entry, families, size, expires, useless, self._families.drops, flight.number, made)
        self._shelves.keep(key, held)
        self._families.kept(entry)

    def grown(self, key: str, entry: Entry, size: int) -> None:
        """Count a variant's bytes."""
        self._shelves.grown(key, entry, size)

    # --- dropping ---

    async def drop(self, families: Sequence[str]) -> None:
        """Drop here at once, then in every other process; an empty sequence drops everything."""
        self.drop_here(families)
        await self.bus.tell(families)

    def on_drop(self, dropped: Callable[[Sequence[str]], None]) -> None:
        """Call ``dropped(families)`` for every drop in this process, of any origin; an empty sequence is everything."""
        self._dropped = dropped

    def drop_here(self, families: Sequence[str]) -> None:
        """Drop in this process; an empty sequence drops everything."""
        self._dropped(families)
        self._families.drop(families, self._now())
        self._flights.hear(families)

    def _gap(self) -> None:
        self._dropped(())
        self._families.drop_everything(self._now(), by_gap=True)

    def state(self) -> CacheState:
        """Counters for the metrics."""
        entries, absent = self._entries, self._absent
        return CacheState(
            self._hits, self._misses, self._stale, len(entries) + len(absent), entries.bytes + absent.bytes, absent=len(absent),
            absences=self._absences, evicted=entries.evicted + absent.evicted,
        )  # fmt: skip
