"""A fair queue, round-robin by address: a client with a thousand entries delays its own, not those of others. For work that is too quick
to be counted; before work that takes a while stands :class:`~harvestd.runtime.turn_queue.TurnQueue`."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """FIFO per key, round-robin between keys. Push and pop are O(1)."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def push(self, key: str, item: Item) -> None:
        """Append ``item`` for ``key``."""
        self._waiting.setdefault(key, deque()).append(item)
        self._number += 1

    def pop(self) -> Item:
        """Remove and return the oldest item of the next key. Raises ``KeyError`` when there is none."""
        if not self._waiting:
            raise KeyError("nobody waits")
        key = next(iter(self._waiting))
        items = self._waiting.pop(key)
        item = items.popleft()
        if items:
            self._waiting[key] = items
        self._number -= 1
        return item
