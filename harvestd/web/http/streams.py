"""Bodies of unknown length, sent as they are made, at the pace at which the client reads (backpressure): one piece is in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from zope.interface import implementer

log = Logger()


class Stream:
    """A body that is made piece by piece; nothing is, before the first is sent."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self.pieces = pieces


@implementer(IPushProducer)
class Sending:
    """Writes ``head`` and the pieces to ``channel``, in chunks (RFC 9112, 7.1) unless the connection ends the body; calls ``done`` once, after the
    last. What fails in the middle ends the connection, so that nobody takes the part for the whole."""

    def __init__(self, channel: Any, head: bytes, stream: Stream, chunked: bool, done: Callable[[], None]) -> None:
        self._channel = channel
        self._head = head
        self._stream = stream
        self._chunked = chunked
        self._done = done
        self._flowing, self._gone = True, False
        self._room: Deferred[None] | None = None
        self.sent = 0

    def start(self) -> None:
        """Begin."""
        self._channel.registerProducer(self, True)
        Deferred.fromCoroutine(self._send()).addErrback(self._failed)

    async def _send(self) -> None:
        async for piece in self._stream.pieces:
            if not await self._ready():
                return
            if piece:
                self._write(piece)
        if await self._ready():
            self._write(b"")
            self._channel.unregisterProducer()
            self._done()

    def _write(self, piece: bytes) -> None:
        head, self._head = self._head, b""
        framed = b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece
        self.sent += len(piece)
        self._channel.write(head + framed)

    async def _ready(self) -> bool:
        """Wait until the client has read what was sent; False if it has gone."""
        while not (self._flowing or self._gone):
            self._room = Deferred()
            await self._room
        return not self._gone

    def _failed(self, failure: Any) -> None:
        log.failure("a response failed in the middle", failure)
        if not self._gone:
            self.stopProducing()
            self._channel.transport.abortConnection()

    def resumeProducing(self) -> None:
        """Called when the write buffer has drained."""
        self._flowing = True
        self._go_on()

    def pauseProducing(self) -> None:
        """Called when the write buffer is full."""
        self._flowing = False

    def stopProducing(self) -> None:
        """Called when the connection is lost: make no more."""
        self._gone = True
        self._go_on()

    def _go_on(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.callback(None)
