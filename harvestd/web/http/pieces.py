"""A large body is written piece by piece, as its reader takes it: however many wait for one answer of the cache, it is in
memory once, and each of them holds a piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

#: Bytes: no more of a body than this is in a connection's buffer at once. As much as a transport takes to be full.
PIECE = 65_536


@implementer(IPushProducer)
class Pieces:
    """Writes ``head`` and ``body`` to ``channel``, as which it is registered; ``done`` is called, once, when the last piece
    was taken over."""

    def __init__(self, channel: Any, head: bytes, body: bytes, done: Callable[[], None]) -> None:
        self._channel = channel
        self._head = head
        self._body = memoryview(body)
        self._at = 0
        self._flowing = False
        self._done = done

    def start(self) -> None:
        """Write the first piece, and whatever the transport takes beyond it."""
        self._channel.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        """Called when the transport has nothing left to send."""
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
        """Called when the transport is full."""
        self._flowing = False

    def stopProducing(self) -> None:
        """Called when the connection is lost: nobody takes the rest."""
        self._flowing = False
