"""One AMQP connection: pika's Twisted protocol, made fit for a daemon.

pika closes by ``loseConnection``, which waits until the peer has accepted all unsent data: with a frozen broker, for
ever. Here every close is followed by an abort, and an abort also ends each wait for an answer that does not arrive:
pika then fails all that is pending on the connection. Its Deferreds are never cancelled (pika would fire them again).
"""

from __future__ import annotations

from typing import Any

import pika
from pika.adapters.twisted_connection import TwistedProtocolConnection
from pika.exceptions import AMQPError
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionClosed
from twisted.python.failure import Failure

from harvestd.kernel.errors import Unavailable
from harvestd.queue.rabbitmq.explanations import explained
from harvestd.queue.rabbitmq.pika_channel import Channel

#: Seconds between a close, by either side, and the abort of the connection.
ABORT_AFTER = 2.0
#: The errors with which pika fails pending calls.
ENDS = (AMQPError, ConnectionClosed)


class Connection(TwistedProtocolConnection):  # type: ignore[misc]
    """``blocked`` is the broker's own report (memory or disk alarm); ``changed`` is called when it changes."""

    def __init__(self, parameters: pika.ConnectionParameters, reactor: Any) -> None:
        super().__init__(parameters, custom_reactor=reactor)
        self.parameters = parameters
        self.blocked = False
        self.changed: list[Any] = []
        self.why = ""
        self._reactor = reactor
        self._leaving: _Leaving | None = None
        self._waiting: list[Deferred[None]] = []
        self._opening = False
        self._over = False
        self._impl.add_on_connection_blocked_callback(lambda *_: self._block(True))
        self._impl.add_on_connection_unblocked_callback(lambda *_: self._block(False))

    async def opened(self, seconds: float) -> None:
        """Wait for the end of the handshake. Raises ``Unavailable`` with the likely cause, after ``seconds`` at the latest."""
        timer = self._reactor.callLater(seconds, self.abort, f"no AMQP handshake within {seconds:g} s")
        self._opening = True
        try:
            await self.ready
        except Exception as error:
            raise Unavailable(self.why or explained(error, self.parameters)) from None
        finally:
            if timer.active():
                timer.cancel()

    async def ask(self, answer: Deferred[Any], seconds: float) -> Any:
        """The answer to a request; without one within ``seconds`` the connection is aborted. Raises ``Unavailable`` for any failure."""
        timer = self._reactor.callLater(seconds, self.abort, f"RabbitMQ does not answer within {seconds:g} s")
        try:
            return await answer
        except ENDS as error:
            raise Unavailable(self.why or explained(error, self.parameters)) from None
        finally:
            if timer.active():
                timer.cancel()

    def channel(self, channel_number: int | None = None) -> Deferred[Channel]:
        """Like pika's, with a :class:`Channel`."""
        opened: Deferred[Any] = Deferred()
        self._impl.channel(channel_number, opened.callback)
        self._calls.add(opened)
        opened.addCallback(self._clear_call, opened)
        return opened.addCallback(Channel)

    async def channel_within(self, seconds: float) -> Channel:
        """A new channel, or ``Unavailable`` after ``seconds``."""
        if not self.is_open:
            raise Unavailable(self.why or "the connection to RabbitMQ is closing")
        return await self.ask(self.channel(), seconds)  # type: ignore[no-any-return]

    def abort(self, why: str) -> None:
        """End it at once."""
        self.why = self.why or why
        if self.transport is not None and not self._over:
            self.transport.abortConnection()

    async def leave(self) -> None:
        """Close gracefully, and wait until it has ended, ``ABORT_AFTER`` seconds at most."""
        if self._over:
            return
        if not self.is_open:
            self.abort("closed")
            await self.ended()
            return
        self.close()
        timer = self._reactor.callLater(ABORT_AFTER, self.abort, "closed")
        await self.ended()
        if timer.active():
            timer.cancel()

    async def ended(self) -> None:
        """Wait until the transport is closed."""
        if not self._over:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def makeConnection(self, transport: Any) -> None:
        """Give pika a transport that does end, and that sends at once: an acknowledgement is a few bytes, and would
        wait until the broker's kernel has acknowledged the previous ones, which may take 40 ms (Nagle's algorithm and
        delayed ACKs)."""
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
        self._leaving = _Leaving(transport, self._reactor)
        super().makeConnection(self._leaving)
        self.transport = transport

    def connectionLost(self, reason: Failure = Failure(ConnectionError("closed"))) -> None:  # noqa: B008
        """Tell pika, which fails all that is pending, then fire the waiters in :meth:`ended`."""
        self._over = True
        assert self._leaving is not None
        self._leaving.cancel()
        if not self._opening and self.ready is not None:
            self.ready.addErrback(lambda _: None)  # given up before anybody waited for it
        said = self._impl._error  # the broker's or pika's error, which pika forgets next
        self.why = self.why or explained(
            said if isinstance(said, Exception) else reason.value or OSError(), self.parameters
        )
        super().connectionLost(reason)
        self._block(False)
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def _block(self, blocked: bool) -> None:
        if blocked != self.blocked:
            self.blocked = blocked
            for changed in self.changed:
                changed()


class _Leaving:
    """The transport as pika sees it: ``loseConnection`` is followed by an abort."""

    def __init__(self, transport: Any, reactor: Any) -> None:
        self._transport = transport
        self._reactor = reactor
        self._timer: Any = None
        self.write = transport.write

    def loseConnection(self) -> None:
        self._transport.loseConnection()
        if self._timer is None:
            self._timer = self._reactor.callLater(ABORT_AFTER, self._transport.abortConnection)

    def cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
