"""What all connections of a process hold in memory: requests that are not whole, answers that are not taken."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

#: After the largest have gone, this share of the limit is held at most: to count is to look at every connection.
SHARE = 0.75


class Holder(Protocol):
    """A connection."""

    def held(self) -> int:
        """Bytes that would be free without it."""

    def give_up(self, why: str) -> None:
        """End it now."""


class Holdings:
    """``more`` is told of all that comes in or is written. What leaves again is not told: each time the sum passes ``most``
    (bytes) it is counted anew, and only what is truly held then ends connections, the largest first."""

    def __init__(self, most: int, holders: Collection[Holder]) -> None:
        self._most = most
        self._holders = holders
        self._sum = 0

    def more(self, size: int) -> None:
        """Some connection holds ``size`` bytes more."""
        self._sum += size
        if self._sum > self._most:
            self._relieve()

    def count(self) -> int:
        """The bytes held now."""
        self._sum = sum(holder.held() for holder in self._holders)
        return self._sum

    def _relieve(self) -> None:
        if self.count() <= self._most:
            return
        for holder in sorted(self._holders, key=lambda holder: holder.held(), reverse=True):
            self._sum -= holder.held()
            holder.give_up("buffers")
            if self._sum <= self._most * SHARE:
                break
