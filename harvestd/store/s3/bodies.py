"""Bodies to S3 and from it, a piece at a time: neither is ever whole in memory, unless somebody asks for its bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from harvestd.runtime.spawn import spawn
from harvestd.store.s3.content import PIECE, Part


class TooMuch(ValueError):
    """An answer has more bytes than were asked for."""


@implementer(IBodyProducer)
class Sending:
    """Sends a part as fast as the connection takes it, once."""

    def __init__(self, part: Part) -> None:
        self.length = part.size
        self._part = part
        self._stopped = False
        self._gate: Deferred[None] | None = None
        self._paused = False

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """Begin; the result is when all is written."""
        done: Deferred[None] = Deferred()

        async def send() -> None:
            try:
                await self._send(consumer)
            except Exception:  # a file that was closed, or that a disk cannot read
                if not self._stopped:
                    done.errback()
                return
            if not self._stopped:
                done.callback(None)

        spawn("sending a file to S3", send())
        return done

    async def _send(self, consumer: Any) -> None:
        sent = 0
        while sent < self.length:
            piece = await self._part.content.piece(self._part.start + sent, min(PIECE, self.length - sent))
            if self._stopped:
                break
            if not piece:
                raise OSError("a file became shorter while it was sent")
            consumer.write(piece)
            sent += len(piece)
            if self._paused:
                self._gate = Deferred()
                await self._gate

    def pauseProducing(self) -> None:
        """The connection is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """It has room."""
        self._paused = False
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.callback(None)

    def stopProducing(self) -> None:
        """The connection is lost, or nobody waits any more."""
        self._stopped = True
        self.resumeProducing()


class Taking(Protocol):
    """Hands the pieces of an answer to ``write``, ``most`` bytes at most; ``done`` has their number. Cancelling it closes the connection."""

    def __init__(self, write: Callable[[bytes], Any], most: int) -> None:
        self.done: Deferred[int] = Deferred(lambda _: self._close())
        self._write = write
        self._most = most
        self._size = 0
        self._error: Exception | None = None

    def dataReceived(self, data: bytes) -> None:
        """Hand it on."""
        if self._error is not None:
            return
        self._size += len(data)
        if self._size > self._most:
            self._fail(TooMuch(f"an answer has more than {self._most} bytes"))
            return
        try:
            self._write(data)
        except OSError as error:  # a disk that is full
            self._fail(error)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end of the answer, or of the connection before it. Without a length its end cannot be told, and it is not believed."""
        if self.done.called:
            return
        if self._error is not None:
            self.done.errback(self._error)
        elif reason.check(ResponseDone):
            self.done.callback(self._size)
        else:
            self.done.errback(reason)

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._close()

    def _close(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection() if hasattr(transport, "abortConnection") else transport.loseConnection()
