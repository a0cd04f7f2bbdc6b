"""Complete responses in this process's memory: single flight against cache stampedes, families, stale while loading, a size limit.

A shared second level wraps this one: its ``fetch`` calls ``fetch_for`` here with a ``load`` that asks the shared level
first, unless it is told to load ``direct``.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from harvestd.interfaces import CacheState, Entry, ICache, ITopics
from harvestd.kernel.errors import MarketError, Unavailable
from harvestd.store.cache.entries import Held, InFlightLoad, Load, Loaded, Outdated, never, run, size_of
from harvestd.store.cache.generations import Families, dropped_at, known_dropped
from harvestd.store.cache.invalidations import CHANNEL, family_name, read, written

#: A TTL is shortened by up to this share at random, so that entries loaded together do not expire together.
JITTER = 0.1
#: Seconds after its expiry, or after a gap in the drops, for which an entry is served stale when its load is ``Unavailable``.
OUTAGE_LIMIT = 30.0
#: Seconds after such a failed load before the next attempt for that entry.
OUTAGE_PAUSE = 1.0


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
        self._topics = topics
        self._limit = size
        self._stale_limit = stale
        self._draw = draw
        self._entries: OrderedDict[str, Held] = OrderedDict()
        self._flights: dict[str, InFlightLoad] = {}
        self._families = Families(settle)
        self._name = f"{random.getrandbits(64):016x}"
        self._loading: set[InFlightLoad] = set()
        self._bytes = self._hits = self._misses = self._stale = self._number = 0
        self._unsubscribe: Callable[[], None] = lambda: None
        self._missed: Callable[[Sequence[str]], None] = lambda families: None
        self._dropped: Callable[[Sequence[str]], None] = lambda families: None

    def start(self) -> None:
        """Start receiving other processes' drops."""
        self._unsubscribe = self._topics.subscribe(CHANNEL, self._receive, self._gap)

    def stop(self) -> None:
        """Stop receiving them, and forget everything."""
        self._unsubscribe()
        self._entries.clear()
        self._bytes = 0

    def peek(self, key: str) -> Entry | None:
        """A fresh entry, or None."""
        held = self._entries.get(key)
        if held is None or self._now() >= held.expires:
            return None
        if held.whole != self._families.drops:
            if dropped_at(held.families) is not None:
                return None
            held.whole = self._families.drops
        self._entries.move_to_end(key)
        self._hits += 1
        return held.entry

    async def fetch(
        self, key: str, families: Sequence[str], load: Load, ttl: float, instead: Sequence[str] = (),
        outdated: Outdated = never,
    ) -> Entry:  # fmt: skip
        """The entry: fresh, or stale while one load runs, or newly loaded."""

        async def whole(direct: bool) -> Loaded:
            return Loaded(await load(), ttl)

        return await self.fetch_for(key, families, whole, instead, outdated)

    async def fetch_for(
        self, key: str, families: Sequence[str], load: Callable[[bool], Awaitable[Loaded]], instead: Sequence[str] = (),
        outdated: Outdated = never,
    ) -> Entry:  # fmt: skip
        """:meth:`fetch`, where the load determines for how long its entry is fresh."""
        number = self._number
        entry = await self._any(key, families, load, instead)
        return entry if not outdated(entry) else await self._later(key, families, load, number)

    async def _later(
        self, key: str, families: Sequence[str], load: Callable[[bool], Awaitable[Loaded]], number: int
    ) -> Entry:
        """From a load that began after the one with that ``number``, and asks the source itself: the drop that
        invalidates the entry in this process and in the shared level is still in transit."""
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
        held, flight = self._entries.get(key), self._flights.get(key)
        if flight is not None and flight.outdated(instead):
            flight = None  # after a drop, do not wait for an earlier load
        if held is not None and self._served_meanwhile(held, flight):
            self._stale += 1
            if flight is None and self._now() >= held.paused_until:
                self._begin(key, families, load, [])
            return held.aged(self._now())
        self._misses += 1
        waiter: Deferred[Entry] = Deferred()
        if flight is not None:
            flight.waiters.append(waiter)
        else:
            self._begin(key, families, load, [waiter])
        return await waiter

    def _served_meanwhile(self, held: Held, flight: InFlightLoad | None) -> bool:
        """Whether a stale entry is served while it is reloaded: after a drop only beside a load that began since, so
        that a caller that drops and then fetches sees the new state (read-your-writes)."""
        now, dropped = self._now(), dropped_at(held.families)
        if now < held.paused_until and self._stands_in(held):
            return True
        if dropped is not None and (flight is None or now >= dropped + self._stale_limit):
            return False
        return now < held.useless

    def _stands_in(self, held: Held) -> bool:
        """Whether it is served when its load is ``Unavailable``: it is merely old, or drops may have been missed, but
        nothing is known to have changed."""
        gap = dropped_at(held.families)
        since = held.expires if gap is None else min(held.expires, gap)
        return not known_dropped(held.families) and self._now() < since + OUTAGE_LIMIT

    # --- loading ---

    def _begin(
        self, key: str, names: Sequence[str], load: Callable[[bool], Awaitable[Loaded]], waiters: list[Deferred[Entry]],
        direct: bool = False,
    ) -> None:  # fmt: skip
        now = self._now()
        self._number += 1
        flight = self._flights[key] = InFlightLoad(self._number, self._families.hold(names, now), now, waiters, direct)
        self._loading.add(flight)
        loaded = Deferred.fromCoroutine(run(load, direct)).addCallback(self._landed, key, flight)
        loaded.addErrback(self._failed, key, flight).addBoth(self._deliver, key, flight)

    def _landed(self, loaded: Loaded, key: str, flight: InFlightLoad) -> Entry:
        held = self._entries.get(key)
        if not flight.missed(loaded.entry):
            if held is None or held.number < flight.number:  # a later load's entry stays
                self._keep(key, loaded, flight)
            return loaded.entry
        if held is not None and held.number < flight.number:
            self._forget(key)  # the waiters get newer data, and must not see this again
        return loaded.entry

    def _failed(self, failure: Failure, key: str, flight: InFlightLoad) -> Entry | Failure:
        """The stale entry served instead, or the failure."""
        held = self._entries.get(key)
        if isinstance(failure.value, Unavailable):
            if held is None or not self._stands_in(held):
                return failure
            held.paused_until = self._now() + OUTAGE_PAUSE
            self._stale += len(flight.waiters)
            return held.aged(self._now())
        if not flight.outdated():
            self._forget(key)  # such as NotFound: the response is known to exist no more
        if not flight.waiters and not isinstance(failure.value, MarketError):
            self.log.failure("reloading {key} failed", failure=failure, key=key)
        return failure

    def _deliver(self, result: Entry | Failure, key: str, flight: InFlightLoad) -> None:
        self._loading.discard(flight)
        if self._flights.get(key) is flight:
            del self._flights[key]
        for waiter in flight.waiters:
            if isinstance(result, Failure):
                waiter.errback(result.value)
            else:
                waiter.callback(result)

    def _keep(self, key: str, loaded: Loaded, flight: InFlightLoad) -> None:
        entry = loaded.entry
        expires = self._now() + loaded.ttl * (1.0 - JITTER * self._draw())
        useless = expires + loaded.after
        families = flight.families + self._families.named(entry.families, self._now())
        settled = max([family.settles_at for family in families])
        if flight.began < settled:  # it may be from a replica that lagged behind the change
            expires = useless = min(expires, settled)
        size = size_of(key, entry, len(families) - 1)  # all have the family of everything
        self._forget(key)
        if size > self._limit:
            return
        made = flight.began - loaded.age
        self._entries[key] = Held(entry, families, size, expires, useless, self._families.drops, flight.number, made)
        self._bytes += size
        self._make_room()

    def grown(self, key: str, entry: Entry, size: int) -> None:
        """Count a variant's bytes."""
        held = self._entries.get(key)
        if held is not None and held.entry.codings is entry.codings:
            held.size += size
            self._bytes += size
            self._make_room()

    def _make_room(self) -> None:
        while self._bytes > self._limit:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: str) -> None:
        held = self._entries.pop(key, None)
        if held is not None:
            self._bytes -= held.size

    # --- dropping ---

    async def drop(self, families: Sequence[str]) -> None:
        """Drop here at once, then in every other process; an empty sequence drops everything."""
        self.drop_here(families)
        await self.tell(families)

    async def tell(self, families: Sequence[str], missed: bool = False) -> None:
        """Have the other processes drop them; also in the shared level, for those that reach it, if that was ``missed`` here."""
        for payload in written(self._name, families, missed):
            await self._topics.publish(CHANNEL, payload)

    def on_missed(self, missed: Callable[[Sequence[str]], None]) -> None:
        """Call ``missed(families)`` for drops that another process could not make in the shared level."""
        self._missed = missed

    def on_drop(self, dropped: Callable[[Sequence[str]], None]) -> None:
        """Call ``dropped(families)`` for every drop in this process, of any origin; an empty sequence is everything."""
        self._dropped = dropped

    def drop_here(self, families: Sequence[str]) -> None:
        """Drop in this process; an empty sequence drops everything."""
        self._dropped(families)
        self._families.drop(families, self._now())
        for flight in self._loading:
            flight.heard.update(map(family_name, families))

    def _receive(self, payload: str) -> None:
        """A message from another process; invalid ones are ignored."""
        message = read(payload)
        if message is None:
            self.log.debug("an unreadable message on {channel} was ignored", channel=CHANNEL)
        elif message.by != self._name:
            self.drop_here(message.families)
            if message.missed:
                self._missed(message.families)

    def _gap(self) -> None:
        self._dropped(())
        self._families.drop_everything(self._now(), by_gap=True)

    def state(self) -> CacheState:
        """Counters for the metrics."""
        return CacheState(self._hits, self._misses, self._stale, len(self._entries), self._bytes)
