"""Entries of the near cache: as loaded, as held, and what they take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from sys import getsizeof

import attrs

from harvestd.interfaces import Entry
from harvestd.store.cache.generations import Generation

#: Seconds after its expiry for which an entry may be served stale while it is reloaded.
EXPIRED_LIMIT = 5.0
#: Bytes that Python's objects take for an entry, each of its headers, each family that no other entry has, and each state: the
#: measured growth of a process, plus a tenth. A family shared with other entries costs a third.
ENTRY_BYTES, HEADER_BYTES, FAMILY_BYTES, STATE_BYTES = 650, 120, 350, 150

#: The status of an absence, and for how many seconds it is believed at most: the event that ends it drops it, but for what nobody tells of.
ABSENT, ABSENT_TTL = 404, 10.0

Load = Callable[[], Awaitable[Entry]]
#: Whether the caller has seen a later entry than this one.
Outdated = Callable[[Entry], bool]


def never(entry: Entry) -> bool:
    """For a caller that has seen nothing, or does not say."""
    return False


@attrs.frozen
class Loaded:
    """An entry, its freshness lifetime in seconds, and for how many more it may be served stale while it is reloaded;
    ``age`` is how many seconds before this load another process made it."""

    entry: Entry
    ttl: float
    after: float = EXPIRED_LIMIT
    age: float = 0.0


@attrs.define(eq=False)
class Held:
    """An entry, until when it is fresh, and until when it may be served stale while it is reloaded. Its families were
    last found ``whole`` at that count of drops; ``number`` is that of its load, which began at ``made``."""

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
        """The entry, with its age, to be served stale."""
        return attrs.evolve(self.entry, age=max(0.0, now - self.made))


def loaded(entry: Entry, ttl: float) -> Loaded:
    """A newly loaded entry. Absences live shortly, and are never served stale."""
    return Loaded(entry, min(ttl, ABSENT_TTL), 0.0) if entry.status == ABSENT else Loaded(entry, ttl)


def size_of(key: str, entry: Entry, families: int) -> int:
    headers = sum(len(name) + len(value) + HEADER_BYTES for name, value in entry.headers)
    coded = sum(len(one.body) for one in entry.codings.values() if one is not None)  # taken over from the entry before
    held = ENTRY_BYTES + getsizeof(key) + len(entry.body) + len(entry.etag) + headers
    return held + FAMILY_BYTES * families + STATE_BYTES * len(entry.states) + coded
