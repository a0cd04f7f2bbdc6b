"""What a process remembers of the database, so that asking once more normally costs no statement.

For facts that are small, are asked for by nearly every request, and change seldom: who is in which group, fees, whether there is any market day. A value
is remembered for ``ttl`` seconds, or until a topic says that it may have changed (the database notifies at the commit), or that messages may have been
missed. The message itself is not trusted: at worst it makes this process query again. Whole responses are in :mod:`~harvestd.store.cache.near`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from harvestd.interfaces import ITopics

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@attrs.define(eq=False)
class _Load:
    """A load in flight and its waiters. It is ``outdated`` by whatever is forgotten meanwhile: it may have read before the change."""

    key: Any
    waiters: list[Deferred[Any]] = attrs.field(factory=list)
    outdated: bool = False


class Remembered(Generic[Key, Value]):
    """At most ``most`` values by key, the least recently used forgotten first. ``channels`` says what is done with a message of each topic."""

    def __init__(
        self, clock: Any, topics: ITopics, channels: Mapping[str, Callable[[str], None]], ttl: float, most: int = 1
    ) -> None:
        self._seconds: Callable[[], float] = clock.seconds
        self._topics = topics
        self._channels = channels
        self._ttl = ttl
        self._most = most
        self._known: OrderedDict[Key, tuple[Value, float]] = OrderedDict()
        self._loads: set[_Load] = set()
        self._shared: dict[Key, _Load] = {}
        self._subscriptions: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: Key) -> bool:
        return key in self._known

    def start(self) -> None:
        """Subscribe to what changes in other processes."""
        for channel, receive in self._channels.items():
            self._subscriptions.append(self._topics.subscribe(channel, receive, self.clear))

    def stop(self) -> None:
        """Unsubscribe, and forget everything."""
        while self._subscriptions:
            self._subscriptions.pop()()
        self.clear()

    async def get(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        """The value; all who ask while it is loaded share one load and, if it fails, its failure. None is not remembered."""
        known = self._valid(key)
        if known is not None:
            return known
        waiter: Deferred[Value] = Deferred()
        flight = self._shared.get(key)
        if flight is not None:
            flight.waiters.append(waiter)
        else:
            flight = self._shared[key] = _Load(key, [waiter])
            # not by whoever asks: that one may be cancelled, and the others still wait
            Deferred.fromCoroutine(self._loaded(flight, load)).addBoth(self._deliver, flight)
        return await waiter

    async def get_by(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        """The value, loaded by a connection that whoever asks has already, in a transaction. Such a load is shared with nobody: it may be queued behind a
        statement that waits for a lock of another who asks, and waiting for it here is no deadlock that the database could see."""
        known = self._valid(key)
        return await self._loaded(_Load(key), load) if known is None else known

    def forget(self, key: Key) -> None:
        """Forget a value, and what is being loaded of it."""
        self._known.pop(key, None)
        self._outdate([load for load in self._loads if load.key == key])

    def forget_where(self, matches: Callable[[Value], bool]) -> None:
        """Forget the values that match, and all that is being loaded: nobody knows yet what it will be."""
        for key in [key for key, (value, _) in self._known.items() if matches(value)]:
            del self._known[key]
        self._outdate(list(self._loads))

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._outdate(list(self._loads))

    def _valid(self, key: Key) -> Value | None:
        value, until = self._known.get(key, (None, 0.0))
        if value is None or self._seconds() >= until:
            return None
        self._known.move_to_end(key)
        return value

    async def _loaded(self, flight: _Load, load: Callable[[], Awaitable[Value]]) -> Value:
        self._loads.add(flight)
        try:
            value = await load()
        finally:
            self._loads.discard(flight)
        if not flight.outdated:
            self._known.pop(flight.key, None)
            if value is not None:
                self._known[flight.key] = value, self._seconds() + self._ttl
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return value

    def _outdate(self, loads: list[_Load]) -> None:
        for load in loads:
            load.outdated = True
            if self._shared.get(load.key) is load:
                del self._shared[load.key]

    def _deliver(self, result: Value | Failure, flight: _Load) -> None:
        if self._shared.get(flight.key) is flight:
            del self._shared[flight.key]
        for waiter in flight.waiters:
            if isinstance(result, Failure):
                waiter.errback(result.value)
            else:
                waiter.callback(result)
