"""A response's body, collected up to a limit."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss

#: Maximum response size in bytes.
MAX = 32 * 2**20


class TooLong(Exception):
    """A response has more than :data:`MAX` bytes."""


class ResponseBody(Protocol):
    """Collects a response of up to :data:`MAX` bytes; cancelling ``done`` closes the connection."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self._close())
        self._pieces: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        """Append it."""
        self._size += len(data)
        if self._size <= MAX:
            self._pieces.append(data)
        else:
            self._pieces.clear()
            self._close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end of the response, or a premature close."""
        if self.done.called:
            return
        if self._size > MAX:
            self.done.errback(TooLong(f"an answer of more than {MAX} bytes is not read"))
        elif reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(b"".join(self._pieces))
        else:
            self.done.errback(reason)

    def _close(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
