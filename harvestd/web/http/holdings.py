"""The buffer memory of all connections of a process: incomplete requests, unread responses, and the bodies that these are cut from, each once however
many read it: the cache may have dropped one long before its slowest reader has it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

#: Low watermark, as a share of the limit, down to which connections are closed: a recount visits every connection.
SHARE = 0.75


class Holder(Protocol):
    """A connection."""

    def held(self) -> int:
        """Bytes of memory that closing it would free."""

    def give_up(self, why: str) -> None:
        """Abort it now."""


class Holdings:
    """Call ``more`` for every byte received or written. Freed bytes are not reported: when the sum passes ``most`` (bytes), it is
    recounted, and only if the true total is over it are connections closed, the largest first."""

    def __init__(self, most: int, holders: Collection[Holder]) -> None:
        self._most = most
        self._holders = holders
        self._sum = 0
        self._bodies: dict[int, int] = {}

    def reading(self, body: bytes) -> None:
        """A connection begins to read a body that it does not have in its buffer."""
        readers = self._bodies[id(body)] = self._bodies.get(id(body), 0) + 1
        if readers == 1:
            self.more(len(body))

    def read(self, body: bytes) -> None:
        """It has read it, or is gone."""
        readers = self._bodies.pop(id(body), 0)
        if readers > 1:
            self._bodies[id(body)] = readers - 1

    def share(self, body: bytes) -> int:
        """What one of its readers holds of a body."""
        return len(body) // max(1, self._bodies.get(id(body), 1))

    def more(self, size: int) -> None:
        """A connection holds ``size`` more bytes."""
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
        self.count()  # of a body that several read, each is only counted for its share
