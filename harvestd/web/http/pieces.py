"""Large bodies are written in pieces, as the client reads them (backpressure): a cached body sent to many clients is in memory
once, and each connection buffers one piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

#: Maximum bytes of a body in a connection's buffer: the size at which a transport counts as full.
PIECE = 65_536


@implementer(IPushProducer)
class Pieces:
    """A push producer that writes ``head`` and ``body`` to ``channel``; calls ``done`` once, when the last piece is written."""

    def __init__(self, channel: Any, head: bytes, body: bytes, done: Callable[[], None]) -> None:
        self._channel = channel
        self._head = head
        self._body = memoryview(body)
        self._at = 0
        self._flowing = False
        self._done = done

    def start(self) -> None:
        """Write the first piece, and more until the transport is full."""
        self._channel.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        """Called when the write buffer has drained."""
        self._flowing = True
        while self._flowing:
            piece = self._body[self._at : self._at + PIECE]
            self._at += len(piece)
            head, self._head = self._head, b""
            self._channel.write(head + piece)
            if self._at >= len(self._body):
                self._flowing = False
                self._channel.unregisterProducer()
                self._done()

    def pauseProducing(self) -> None:
        """Called when the write buffer is full."""
        self._flowing = False

    def stopProducing(self) -> None:
        """Called when the connection is lost: drop the rest."""
        self._flowing = False
