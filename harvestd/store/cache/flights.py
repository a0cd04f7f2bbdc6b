"""Loads in flight: one of an entry at a time (single flight), whose result goes to all who wait for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from harvestd.interfaces import Entry
from harvestd.store.cache.entries import Loaded
from harvestd.store.cache.generations import Generation, dropped_at
from harvestd.store.cache.invalidations import family_name


@attrs.define(eq=False)
class InFlightLoad:
    """A load in flight and its waiters; load numbers are ascending."""

    number: int
    families: tuple[Generation, ...]
    began: float
    waiters: list[Deferred[Entry]]
    #: Whether it asks the source itself, bypassing the shared level.
    direct: bool = False
    #: Names dropped since it began: its entry may turn out to depend on one of them.
    heard: set[str] = attrs.field(factory=set)

    def outdated(self, instead: Sequence[str] = ()) -> bool:
        """Whether anything was dropped since it began that its entry depends on, or may turn out to depend on."""
        return dropped_at(self.families) is not None or (bool(self.heard) and not self.heard.isdisjoint(instead))

    def missed(self, entry: Entry) -> bool:
        """Whether the loaded entry may predate a drop."""
        return self.outdated() or (bool(self.heard) and not self.heard.isdisjoint(map(family_name, entry.families)))


class Flights:
    """The loads in flight. ``landed`` and ``failed`` make of a load's result, its key and its flight what its waiters get."""

    def __init__(
        self, landed: Callable[[Loaded, str, InFlightLoad], Entry],
        failed: Callable[[Failure, str, InFlightLoad], Entry | Failure],
    ) -> None:  # fmt: skip
        self._landed = landed
        self._failed = failed
        self._latest: dict[str, InFlightLoad] = {}
        self._loading: set[InFlightLoad] = set()
        #: That of the load which began last.
        self.number = 0

    def get(self, key: str) -> InFlightLoad | None:
        """The latest load of an entry."""
        return self._latest.get(key)

    def begin(
        self, key: str, families: tuple[Generation, ...], now: float, load: Callable[[bool], Awaitable[Loaded]],
        waiters: list[Deferred[Entry]], direct: bool = False,
    ) -> None:  # fmt: skip
        """Load an entry that depends on the families."""
        self.number += 1
        flight = self._latest[key] = InFlightLoad(self.number, families, now, waiters, direct)
        self._loading.add(flight)
        loaded = Deferred.fromCoroutine(_run(load, direct)).addCallback(self._landed, key, flight)
        loaded.addErrback(self._failed, key, flight).addBoth(self._deliver, key, flight)

    def hear(self, families: Sequence[str], of: InFlightLoad | None = None) -> None:
        """Families were dropped: a load in flight may turn out to depend on one of them, but that ``of`` which it was learned."""
        for flight in self._loading:
            if flight is not of:
                flight.heard.update(map(family_name, families))

    def _deliver(self, result: Entry | Failure, key: str, flight: InFlightLoad) -> None:
        self._loading.discard(flight)
        if self._latest.get(key) is flight:
            del self._latest[key]
        for waiter in flight.waiters:
            if isinstance(result, Failure):
                waiter.errback(result.value)
            else:
                waiter.callback(result)


async def _run(load: Callable[[bool], Awaitable[Loaded]], direct: bool) -> Loaded:
    return await load(direct)
