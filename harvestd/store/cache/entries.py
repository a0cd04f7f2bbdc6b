"""What lies in the near cache, and what is on its way into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from sys import getsizeof

import attrs
from twisted.internet.defer import Deferred

from harvestd.interfaces import Entry
from harvestd.store.cache.generations import Generation, dropped_at
from harvestd.store.cache.invalidations import family_name

#: Seconds after its expiry for which an entry is served while it is loaded anew.
EXPIRED_LIMIT = 5.0
#: Bytes that Python's objects take for an entry, each of its headers and each of its families that no other entry has: what
#: a process was seen to grow by, and a tenth more. A family that others have too costs a third.
ENTRY_BYTES, HEADER_BYTES, FAMILY_BYTES = 650, 120, 350

Load = Callable[[], Awaitable[Entry]]
#: Whether whoever asks has seen a later entry than this one.
Outdated = Callable[[Entry], bool]


def never(entry: Entry) -> bool:
    """For who has seen nothing, or tells nothing."""
    return False


@attrs.frozen
class Loaded:
    """An entry, for how many seconds it is fresh, and for how many more it may be served while it is loaded anew; ``age`` is
    how many seconds before this load it was made, by another process."""

    entry: Entry
    ttl: float
    after: float = EXPIRED_LIMIT
    age: float = 0.0


@attrs.define(eq=False)
class Held:
    """An entry, and until when it is fresh and may be served while it is loaded anew. Its families were ``whole`` when
    that many drops had been counted; ``number`` is that of its load, which began at ``made``."""

    entry: Entry
    families: tuple[Generation, ...]
    size: int
    expires: float
    useless: float
    whole: int
    number: int
    made: float
    paused_until: float = 0.0

    def aged(self, now: float) -> Entry:
        """The entry as it is served stale."""
        return attrs.evolve(self.entry, age=max(0.0, now - self.made))


@attrs.define(eq=False)
class InFlightLoad:
    """One load under way, and who waits for it; each has a ``number`` that is higher than those that began before."""

    number: int
    families: tuple[Generation, ...]
    began: float
    waiters: list[Deferred[Entry]]
    #: Whether it asks the source itself, and no level on the way.
    direct: bool = False
    #: Names that were dropped since it began: its entry may turn out to depend on one of them.
    heard: set[str] = attrs.field(factory=set)

    def outdated(self, instead: Sequence[str] = ()) -> bool:
        """Whether something was dropped since it began that its entry depends on, or may come to depend on."""
        return dropped_at(self.families) is not None or (bool(self.heard) and not self.heard.isdisjoint(instead))

    def missed(self, entry: Entry) -> bool:
        """Whether what was loaded may be from before a drop."""
        return self.outdated() or (bool(self.heard) and not self.heard.isdisjoint(map(family_name, entry.families)))


async def run(load: Callable[[bool], Awaitable[Loaded]], direct: bool) -> Loaded:
    return await load(direct)


def size_of(key: str, entry: Entry, families: int) -> int:
    headers = sum(len(name) + len(value) + HEADER_BYTES for name, value in entry.headers)
    return ENTRY_BYTES + getsizeof(key) + len(entry.body) + len(entry.etag) + headers + FAMILY_BYTES * families
