"""Finished answers in the memory of this process: single flight, families dropped in O(1), bounded in bytes.

A family is one object that entries and loads under way hold on to. Dropping it marks that object and forgets its name,
so that whatever began before the drop is known by the object it holds, and the next load makes a new one. Names live
only as long as an entry or a load holds them (a weak dictionary), so invented families cost what their entries cost.

A shared second level wraps this one: its ``fetch`` calls this ``fetch`` with a ``load`` that asks there first.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from harvestd.interfaces import CacheState, Entry, ICache, ITopics
from harvestd.market.errors import Unavailable
from harvestd.store.cache_drops import CHANNEL, Family, RecentDrops, family_name, read, written

#: A time to live is shortened by up to this share at random, so that what was loaded together does not expire together.
JITTER = 0.1
#: Seconds after its expiry for which an entry is served while it is loaded anew.
EXPIRED_LIMIT = 5.0
#: Seconds after its expiry, or after a gap in the drops, for which an entry is served when its load is ``Unavailable``.
OUTAGE_LIMIT = 30.0
#: Seconds after such a failed load before the next one is tried for that entry.
OUTAGE_PAUSE = 1.0
#: Bytes that Python's objects take, about, for an entry, each of its headers and each of its families.
ENTRY_BYTES, HEADER_BYTES, FAMILY_BYTES = 800, 120, 400


@attrs.define(eq=False)
class _Held:
    """An entry with what decides whether it may be served. ``families`` includes the family of everything."""

    entry: Entry
    families: tuple[Family, ...]
    size: int
    expires: float
    #: The count of drops at which the families were last found whole.
    checked: int
    #: Seconds past ``expires`` for which it may be served while loading.
    extra: float
    paused_until: float = 0.0


@attrs.define(eq=False)
class _Flight:
    """One load under way, and who waits for it."""

    families: tuple[Family, ...]
    began: float
    waiters: list[Deferred[Entry]]

    @property
    def outdated(self) -> bool:
        return any(family.dropped_at is not None for family in self.families)


@implementer(ICache)
class NearCache:
    """``size`` in bytes; ``stale`` is how many seconds a dropped entry may be served while it is loaded anew.

    ``settle`` is how many seconds a read after a drop may still see what was there before it (the lag allowed to a
    replica): what is loaded so soon after a drop lives only until then.
    """

    log = Logger()

    def __init__(
        self,
        clock: Any,
        topics: ITopics,
        size: int,
        stale: float,
        *,
        settle: float = 0.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._now: Callable[[], float] = clock.seconds
        self._topics = topics
        self._limit = size
        self._stale_limit = stale
        self._draw = draw
        self._entries: OrderedDict[str, _Held] = OrderedDict()
        self._flights: dict[str, _Flight] = {}
        self._families: WeakValueDictionary[str, Family] = WeakValueDictionary()
        self._everything = Family()
        self._recent = RecentDrops(settle)
        self._name = f"{random.getrandbits(64):016x}"
        self._drops = self._bytes = self._hits = self._misses = self._stale = 0
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to hear what other processes drop."""
        self._unsubscribe = self._topics.subscribe(CHANNEL, self._receive, self._gap)

    def stop(self) -> None:
        """Hear no more, and forget everything."""
        self._unsubscribe()
        self._entries.clear()
        self._bytes = 0

    # --- reading ---

    def peek(self, key: str) -> Entry | None:
        """A fresh entry, or None."""
        held = self._entries.get(key)
        if held is None or self._now() >= held.expires:
            return None
        if held.checked != self._drops and not self._whole(held):
            return None
        self._entries.move_to_end(key)
        self._hits += 1
        return held.entry

    async def fetch(self, key: str, families: Sequence[str], load: Callable[[], Awaitable[Entry]], ttl: float) -> Entry:
        """The entry: fresh, or stale while one load runs, or as loaded."""
        entry = self.peek(key)
        if entry is not None:
            return entry
        held, flight = self._entries.get(key), self._flights.get(key)
        if flight is not None and flight.outdated:
            flight = None  # who asks after a drop does not wait for what began before it
        if held is not None and self._served_while_loading(held, flight):
            self._stale += 1
            if flight is None and self._now() >= held.paused_until:
                self._begin(key, families, load, ttl, [])
            return held.entry
        self._misses += 1
        waiter: Deferred[Entry] = Deferred()
        if flight is None:
            self._begin(key, families, load, ttl, [waiter])
        else:
            flight.waiters.append(waiter)
        return await waiter

    def _whole(self, held: _Held) -> bool:
        if self._dropped_at(held) is not None:
            return False
        held.checked = self._drops
        return True

    @staticmethod
    def _dropped_at(held: _Held) -> float | None:
        return min((f.dropped_at for f in held.families if f.dropped_at is not None), default=None)

    def _served_while_loading(self, held: _Held, flight: _Flight | None) -> bool:
        """After a drop: only beside a load that began since, so that who drops and then asks sees the new."""
        now, dropped_at = self._now(), self._dropped_at(held)
        if now < held.paused_until and self._spared(held):
            return True
        if dropped_at is not None:
            return flight is not None and now < dropped_at + self._stale_limit
        return now < held.expires + held.extra

    def _spared(self, held: _Held) -> bool:
        """Whether it may stand in for a load that is ``Unavailable``: merely old, or drops may have been missed, but
        not known to be changed."""
        known = [f for f in held.families if f.dropped_at is not None and not f.by_gap]
        gaps = [f.dropped_at for f in held.families if f.dropped_at is not None]
        return not known and self._now() < min([held.expires, *gaps]) + OUTAGE_LIMIT

    # --- loading ---

    def _begin(
        self,
        key: str,
        names: Sequence[str],
        load: Callable[[], Awaitable[Entry]],
        ttl: float,
        waiters: list[Deferred[Entry]],
    ) -> None:
        families = (*(self._family(family_name(name)) for name in names), self._everything)
        flight = self._flights[key] = _Flight(families, self._now(), waiters)
        loaded = Deferred.fromCoroutine(_load(load)).addCallback(self._landed, key, flight, ttl)
        loaded.addErrback(self._stand_in, key, flight).addBoth(self._deliver, key, flight)

    def _family(self, name: str) -> Family:
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = Family(self._recent.settles_at(name, self._now()))
        return family

    def _landed(self, entry: Entry, key: str, flight: _Flight, ttl: float) -> Entry:
        if not flight.outdated:
            self._keep(key, entry, flight, ttl)
        return entry

    def _stand_in(self, failure: Failure, key: str, flight: _Flight) -> Entry | Failure:
        held = self._entries.get(key)
        if not isinstance(failure.value, Unavailable):
            self._forget(key)  # such as NotFound: it is known that there is no such answer any more
            if not flight.waiters:
                self.log.failure("loading {key} anew failed", failure=failure, key=key)
        elif held is not None and self._spared(held):
            held.paused_until = self._now() + OUTAGE_PAUSE
            self._stale += len(flight.waiters)
            return held.entry
        return failure

    def _deliver(self, result: Entry | Failure, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        for waiter in flight.waiters:
            if isinstance(result, Failure):
                waiter.errback(result.value)
            else:
                waiter.callback(result)

    def _keep(self, key: str, entry: Entry, flight: _Flight, ttl: float) -> None:
        now = self._now()
        expires, extra = now + ttl * (1.0 - JITTER * self._draw()), EXPIRED_LIMIT
        settled = max(family.settles_at for family in flight.families)
        if flight.began < settled:  # it may have been read from a replica that had not heard of the change
            expires, extra = min(expires, settled), 0.0
        self._forget(key)
        held = _Held(entry, flight.families, _size(key, entry, flight.families), expires, self._drops, extra)
        if held.size > self._limit:
            return
        self._entries[key] = held
        self._bytes += held.size
        while self._bytes > self._limit:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: str) -> None:
        held = self._entries.pop(key, None)
        if held is not None:
            self._bytes -= held.size

    # --- dropping ---

    async def drop(self, families: Sequence[str]) -> None:
        """Here at once, then in every other process."""
        self.drop_here(families)
        for payload in written(self._name, families):
            await self._topics.publish(CHANNEL, payload)

    def drop_here(self, families: Sequence[str]) -> None:
        """In this process; an empty sequence drops everything."""
        now = self._now()
        if not families or not self._recent.note(families, now):
            self._drop_everything(now)
            return
        for name in map(family_name, families):
            family = self._families.pop(name, None)
            if family is not None:
                family.dropped_at = now
                self._drops += 1

    def _drop_everything(self, now: float, by_gap: bool = False) -> None:
        self._drops += 1
        self._everything.dropped_at, self._everything.by_gap = now, by_gap
        self._everything = Family(self._recent.everything(now))

    def _receive(self, payload: str) -> None:
        """A message from another process; what is not one is ignored."""
        message = read(payload)
        if message is None:
            self.log.debug("an unreadable message on {channel} was ignored", channel=CHANNEL)
        elif message.by != self._name:
            self.drop_here(message.families)

    def _gap(self) -> None:
        self._drop_everything(self._now(), by_gap=True)

    def state(self) -> CacheState:
        """Counters for the metrics."""
        return CacheState(self._hits, self._misses, self._stale, len(self._entries), self._bytes)


async def _load(load: Callable[[], Awaitable[Entry]]) -> Entry:
    return await load()


def _size(key: str, entry: Entry, families: Sequence[Family]) -> int:
    headers = sum(len(name) + len(value) + HEADER_BYTES for name, value in entry.headers)
    return ENTRY_BYTES + 4 * len(key) + len(entry.body) + len(entry.etag) + headers + FAMILY_BYTES * len(families)
