"""Entries held in memory, in the order of their last use and within a limit of bytes; absences have a shelf of their own."""

from __future__ import annotations

from collections import OrderedDict

from harvestd.interfaces import Entry
from harvestd.store.cache.entries import ABSENT, Held

#: The part of the cache for absences: whoever asks for invented addresses drives out nothing but others of them.
ABSENT_SHARE = 1 / 16


class Shelf(OrderedDict[str, Held]):
    """Entries in the order of their last use, of at most ``limit`` bytes together."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.bytes = self.evicted = 0

    def keep(self, key: str, held: Held) -> None:
        """Take an entry that is not here yet, for the oldest ones."""
        self[key] = held
        self.grow(held.size)

    def grow(self, size: int) -> None:
        """Make room for so many bytes more."""
        self.bytes += size
        while self.bytes > self.limit:
            self.forget(next(iter(self)))
            self.evicted += 1

    def clear(self) -> None:
        """Let go of all."""
        super().clear()
        self.bytes = 0

    def forget(self, key: str) -> None:
        """Let go of an entry, if it is here."""
        held = self.pop(key, None)
        if held is not None:
            self.bytes -= held.size


class Shelves:
    """Entries and absences, of at most ``size`` bytes together."""

    def __init__(self, size: int) -> None:
        absent = int(size * ABSENT_SHARE)
        self.entries, self.absent = Shelf(size - absent), Shelf(absent)

    def get(self, key: str) -> Held | None:
        """What is held, whether it is fresh or not."""
        return self.entries.get(key) or self.absent.get(key)

    def keep(self, key: str, held: Held) -> None:
        """Take it in place of what there is; nothing of what is larger than its shelf."""
        self.forget(key)
        shelf = self.absent if held.entry.status == ABSENT else self.entries
        if held.size <= shelf.limit:
            shelf.keep(key, held)

    def grown(self, key: str, entry: Entry, size: int) -> None:
        """Count a variant's bytes."""
        held = self.entries.get(key)
        if held is not None and held.entry.codings is entry.codings:
            held.size += size
            self.entries.grow(size)

    def forget(self, key: str) -> None:
        """Let go of what is held, if it is here."""
        self.entries.forget(key)
        self.absent.forget(key)

    def clear(self) -> None:
        """Let go of all."""
        self.entries.clear()
        self.absent.clear()
