"""A queue in which addresses take turns: who has put in a thousand waits for their own, not everybody for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """First in, first out for each key; one key after the other. Putting in and taking out cost the same however much
    waits; where ``used`` is asked, they look at each key."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def push(self, key: str, item: Item) -> None:
        """Put ``item`` in for ``key``."""
        self._waiting.setdefault(key, deque()).append(item)
        self._number += 1

    def pop(self, used: Callable[[str], int] | None = None) -> Item:
        """Take out the oldest of the key whose turn it is: of those of which ``used`` says least, if it is given.
        ``KeyError`` when empty."""
        if not self._waiting:
            raise KeyError("nobody waits")
        key = next(iter(self._waiting)) if used is None else min(self._waiting, key=used)
        items = self._waiting.pop(key)
        item = items.popleft()
        if items:
            self._waiting[key] = items
        self._number -= 1
        return item

    def count(self, key: str) -> int:
        """How many of ``key`` wait."""
        return len(self._waiting.get(key, ()))

    def drop(self, used: Callable[[str], int]) -> Item:
        """Take out the newest of the key that has most, what it has ``used`` counted. ``ValueError`` when empty."""
        key = max(self._waiting, key=lambda key: self.count(key) + used(key))
        items = self._waiting[key]
        item = items.pop()
        if not items:
            del self._waiting[key]
        self._number -= 1
        return item
