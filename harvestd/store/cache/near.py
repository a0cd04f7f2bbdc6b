"""Complete responses in this process's memory: single flight against cache stampedes, families, stale while loading, a size limit.

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
from harvestd.store.cache.entries import (
    ABSENT,
    Held,
    InFlightLoad,
    Load,
    Loaded,
    Outdated,
    Shelf,
    loaded,
    never,
    run,
    size_of,
)
from harvestd.store.cache.generations import Families, dropped_at, known_dropped
from harvestd.store.cache.invalidations import CHANNEL, family_name, read, written

#: A TTL is shortened by up to this share at random, so that entries loaded together do not expire together.
JITTER = 0.1
#: Seconds after its expiry, or after a gap in the drops, for which an entry is served stale when its load is ``Unavailable``.
OUTAGE_LIMIT = 30.0
#: Seconds after such a failed load before the next attempt for that entry.
OUTAGE_PAUSE = 1.0
#: The part of the cache for absences: whoever asks for invented addresses drives out nothing but others of them.
ABSENT_SHARE = 1 / 16


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
        self._stale_limit = stale
        self._draw = draw
        absent = int(size * ABSENT_SHARE)
        self._entries, self._absent = Shelf(size - absent), Shelf(absent)
        self._flights: dict[str, InFlightLoad] = {}
        self._families = Families(settle)
        self._name = f"{random.getrandbits(64):016x}"
        self._loading: set[InFlightLoad] = set()
        self._hits = self._misses = self._stale = self._number = self._absences = 0
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
        self._absent.clear()

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
        held, flight = self._held(key), self._flights.get(key)
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
        if held.entry.status == ABSENT and dropped is not None:
            return False
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

    def _held(self, key: str) -> Held | None:
        return self._entries.get(key) or self._absent.get(key)

    def _landed(self, loaded: Loaded, key: str, flight: InFlightLoad) -> Entry:
        held = self._held(key)
        if not flight.missed(loaded.entry):
            if held is None or held.number < flight.number:  # a later load's entry stays
                self._keep(key, loaded, flight)
            return loaded.entry
        if held is not None and held.number < flight.number:
            self._forget(key)  # the waiters get newer data, and must not see this again
        return loaded.entry

    def _failed(self, failure: Failure, key: str, flight: InFlightLoad) -> Entry | Failure:
        """The stale entry served instead, or the failure."""
        held = self._held(key)
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
        shelf = self._absent if entry.status == ABSENT else self._entries
        if size > shelf.limit:
            return
        made = flight.began - loaded.age
        shelf.keep(key, Held(entry, families, size, expires, useless, self._families.drops, flight.number, made))

    def grown(self, key: str, entry: Entry, size: int) -> None:
        """Count a variant's bytes."""
        held = self._entries.get(key)
        if held is not None and held.entry.codings is entry.codings:
            held.size += size
            self._entries.grow(size)

    def _forget(self, key: str) -> None:
        self._entries.forget(key)
        self._absent.forget(key)

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
        entries, absent = self._entries, self._absent
        return CacheState(
            self._hits, self._misses, self._stale, len(entries) + len(absent), entries.bytes + absent.bytes, absent=len(absent),
            absences=self._absences, evicted=entries.evicted + absent.evicted,
        )  # fmt: skip
