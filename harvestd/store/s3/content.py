"""A file that is sent to S3, as a whole or in parts, read in threads."""

from __future__ import annotations

import hashlib
import threading
from typing import IO, Any

from twisted.internet.threads import deferToThreadPool

#: Bytes that are read at once.
PIECE = 131_072


class Content:
    """A file to be sent, or a part of it. Tries share it: each piece is read from its own place, whoever else still reads."""

    def __init__(self, reactor: Any, file: IO[bytes]) -> None:
        self._reactor = reactor
        self._file = file
        self._lock = threading.Lock()

    async def piece(self, start: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``start`` on, read in a thread."""
        return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._read, start, size)

    async def measured(self, start: int, most: int | None = None) -> Part:
        """What begins at ``start``, up to its end or ``most`` bytes, with its hash."""
        pool = self._reactor.getThreadPool()
        size, digest = await deferToThreadPool(self._reactor, pool, self._measured, start, most)
        return Part(self, start, size, digest)

    def _read(self, start: int, size: int) -> bytes:
        with self._lock:
            self._file.seek(start)
            return self._file.read(size)

    def _measured(self, start: int, most: int | None) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        while most is None or size < most:
            piece = self._read(start + size, PIECE if most is None else min(PIECE, most - size))
            if not piece:
                break
            digest.update(piece)
            size += len(piece)
        return size, digest.hexdigest()


class Part:
    """``size`` bytes of a content from ``start`` on; ``digest`` is their SHA-256."""

    def __init__(self, content: Content, start: int, size: int, digest: str) -> None:
        self.content, self.start, self.size, self.digest = content, start, size, digest
