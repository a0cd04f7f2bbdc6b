"""txpostgres's connection, kept registered with the reactor for its whole life.

What this changes, and why:

- txpostgres adds and removes the descriptor around every query and fires one reactor turn later; staying registered halves the
  CPU of a query, and detects at once that the server has closed an idle connection.
- libpq closes its socket at end of file, while the reactor still uses it. So the reactor watches a duplicate of the
  descriptor, which is ours to close after its removal from the reactor.
- Cancelling a query calls psycopg2's ``cancel()``, which blocks the reactor for as long as the server is silent.
  Cancelling here closes the connection; the server rolls back.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_WRITE
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from txpostgres import txpostgres


class Closed(psycopg2.OperationalError):  # type: ignore[misc]
    """The connection was closed from this side during a query."""


class ConnectionProtocol(txpostgres.Connection):  # type: ignore[misc]
    """One connection, one query at a time. ``lost`` is called once, when an open one is closed from either side;
    ``receive`` with the channel and payload of each NOTIFY."""

    log = Logger()

    def __init__(self, reactor: Any, lost: Callable[[], None]) -> None:
        super().__init__(reactor=reactor)
        self._lost = lost
        self._socket = -1
        self._closing = False
        self._answer: Deferred[Any] | None = None
        self._running: Any = None
        self.receive: Callable[[str, str], None] | None = None

    async def open(self, keywords: dict[str, Any]) -> None:
        """Connect. :meth:`close` ends an attempt; it has no timeout of its own."""
        if self._closing:
            raise Closed("closed before it was opened")
        opening: Deferred[None] = Deferred(lambda _: self.close())
        connecting = self.connect(**keywords)
        connecting.addBoth(lambda result: None if opening.called else opening.callback(result))
        await opening
        self.reactor.removeReader(self)
        self._socket = os.dup(self._connection.fileno())
        self.reactor.addReader(self)

    @property
    def closed(self) -> bool:
        """Whether it is no longer usable."""
        return self._closing or self._connection is None or bool(self._connection.closed)

    @property
    def raw(self) -> Any:
        """The psycopg2 connection."""
        return self._connection

    def execute(self, sql: str, parameters: Sequence[Any] | None) -> Deferred[Any]:
        """Send ``sql``; fires with the psycopg2 cursor. psycopg2's refusal to send is raised here."""
        if self._answer is not None:
            raise RuntimeError("a connection answers one query at a time")
        cursor = self._connection.cursor()
        cursor.execute(sql, parameters or None)
        answer = self._answer = Deferred(lambda _: self._abandon())
        self._running = cursor
        self._advance()
        return answer

    def look(self) -> None:
        """Detect, without waiting, whether the server has closed it: end of file follows its last data."""
        while not self.closed and _readable(self._socket):
            self._advance()

    def close(self, why: BaseException | None = None) -> None:
        """Close at once, without a reply from the server; a query in progress fails with ``why``."""
        if self._closing:
            return
        self._closing = True
        if self._connection is None:
            return
        self.reactor.removeReader(self)
        self.reactor.removeWriter(self)
        opened = self._socket >= 0
        if opened:
            os.close(self._socket)
            self._socket = -1
        self._connection.close()
        if opened:
            self._lost()
        else:
            super().connectionLost(Failure(why or Closed("closed while connecting")))
        self._settle(Failure(why or Closed("the connection was closed")))

    def _abandon(self) -> None:
        self._answer = None  # its canceller: Twisted gives it CancelledError
        self.close()

    # --- called by the reactor ---

    def fileno(self) -> int:
        return self._socket if self._socket >= 0 else int(super().fileno())

    def doRead(self) -> None:
        if self._socket < 0:
            txpostgres._PollingMixin.doRead(self)  # still connecting
        elif not self._closing:
            self._advance()

    def doWrite(self) -> None:
        if self._socket < 0:
            txpostgres._PollingMixin.doWrite(self)
        elif not self._closing:
            self.reactor.removeWriter(self)
            self._advance()

    def connectionLost(self, reason: Any) -> None:
        if self._socket < 0:
            super().connectionLost(reason)
        elif not self._closing:
            self._advance()  # reads the server's last data, if any
            self.close(psycopg2.OperationalError(reason.getErrorMessage()))

    def _advance(self) -> None:
        try:
            state = self._connection.poll()
        except Exception as error:
            if self._answer is None or self._connection.closed:
                self.close(error)
            else:
                self._settle(Failure(error))
            return
        if state == POLL_WRITE:
            self.reactor.addWriter(self)
        if self._connection.notifies:
            self._tell()
        if state == POLL_OK and not self._closing:
            self._settle(self._running)

    def _settle(self, result: Any) -> None:
        answer, self._answer, self._running = self._answer, None, None
        if answer is not None and not answer.called:
            answer.callback(result)  # a Failure errbacks

    def _tell(self) -> None:
        notifies, self._connection.notifies[:] = list(self._connection.notifies), []
        for notify in notifies:
            try:
                if self.receive is not None:
                    self.receive(notify.channel, notify.payload)
            except Exception:
                self.log.failure("receiving a notification on {channel}", channel=notify.channel)


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
