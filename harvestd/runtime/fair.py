"""A fair queue, round-robin by address: a client with a thousand entries delays its own, not those of others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """FIFO per key, round-robin between keys. Push and pop are O(1); with ``used`` they visit each key."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def push(self, key: str, item: Item) -> None:
        """Append ``item`` for ``key``."""
        self._waiting.setdefault(key, deque()).append(item)
        self._number += 1

    def pop(self, used: Callable[[str], int] | None = None, may: Callable[[str], bool] = lambda key: True) -> Item:
        """Remove and return the oldest item of the next key that ``may``; with ``used``, among the keys with the lowest usage. Raises
        ``KeyError`` when there is none."""
        among = [key for key in self._waiting if may(key)] if used is not None else self._waiting
        if not among:
            raise KeyError("nobody waits")
        key = next(iter(among)) if used is None else min(among, key=used)
        items = self._waiting.pop(key)
        item = items.popleft()
        if items:
            self._waiting[key] = items
        self._number -= 1
        return item

    def count(self, key: str) -> int:
        """The number of queued items of ``key``."""
        return len(self._waiting.get(key, ()))

    def drop(self, used: Callable[[str], int]) -> Item:
        """Remove and return the newest item of the key with most items plus ``used``. Raises ``ValueError`` when empty."""
        key = max(self._waiting, key=lambda key: self.count(key) + used(key))
        items = self._waiting[key]
        item = items.pop()
        if not items:
            del self._waiting[key]
        self._number -= 1
        return item
