"""Large bodies are written in pieces, as the client reads them (backpressure): a cached body sent to many clients is in memory
once, and each connection buffers one piece."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from harvestd.web.http.holdings import Holdings

#: Maximum bytes of a body in a connection's buffer: the size at which a transport counts as full.
PIECE = 65_536


class FileBody:
    """The content of a file as a body: each piece is read when the client has room for it, so a response takes no memory however
    large it is. The file must not become shorter. It is closed when the response is written, or forgotten."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._descriptor = os.dup(file.fileno())
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, piece: slice) -> bytes:
        start, stop, _ = piece.indices(self._size)
        return os.pread(self._descriptor, stop - start, start) if self._descriptor >= 0 else b""

    def close(self) -> None:
        """Close the file; idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


def _nothing() -> None:
    """There is nothing left to do."""


@implementer(IPushProducer)
class Pieces:
    """A push producer that writes ``head`` and ``body`` to ``channel``; calls ``done`` once, when the last piece is written. ``holdings`` are told of
    a body in memory for as long as it is needed."""

    def __init__(
        self, channel: Any, head: bytes, body: bytes | FileBody, done: Callable[[], None], holdings: Holdings | None = None
    ) -> None:  # fmt: skip
        self._channel = channel
        self._holdings = holdings if isinstance(body, bytes) else None
        self._whole = body if isinstance(body, bytes) else b""
        self._head = head
        self._body: memoryview | bytes | FileBody = memoryview(body) if isinstance(body, bytes) else body
        self._at = 0
        self._flowing = False
        self._done = done

    def start(self) -> None:
        """Write the first piece, and more until the transport is full."""
        if self._holdings is not None:
            self._holdings.reading(self._whole)
        self._channel.registerProducer(self, True)
        self.resumeProducing()

    def held(self) -> int:
        """Bytes of memory that its end would free."""
        return 0 if self._holdings is None else self._holdings.share(self._whole)

    def resumeProducing(self) -> Any:
        """Called when the write buffer has drained."""
        self._flowing = True
        while self._flowing:
            piece = self._body[self._at : self._at + PIECE]
            self._at += len(piece)
            if not piece and self._at < len(
                self._body
            ):  # the file is shorter than it was: the client must not take it for whole
                self.stopProducing()
                return self._channel.transport.abortConnection()
            head, self._head = self._head, b""
            self._channel.write(head + piece)
            if self._at >= len(self._body):
                self._flowing, done = False, self._done
                self._release()
                self._channel.unregisterProducer()
                done()

    def pauseProducing(self) -> None:
        """Called when the write buffer is full."""
        self._flowing = False

    def stopProducing(self) -> None:
        """Called when the connection is lost: drop the rest."""
        self._flowing = False
        self._release()

    def _release(self) -> None:
        """Let the body go at once: the transport may keep its producer, and the two refer to each other, which a collection that rarely comes
        would find."""
        if isinstance(self._body, FileBody):
            self._body.close()
        holdings, self._holdings = self._holdings, None
        if holdings is not None:
            holdings.read(self._whole)
        self._body, self._head, self._done, self._whole = b"", b"", _nothing, b""
