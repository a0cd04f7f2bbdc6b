"""One connection to Redis on which no caller ever gets another caller's reply.

Redis answers in order and without request ids, so a waiter is known by its place in a queue. A place is removed only by
its reply, or by the connection's end: a cancelled caller stays in the queue, and a missed timeout or an unsolicited
reply ends the connection and fails all waiters. (txredisapi's own queue hands an unsolicited reply, such as ``-ERR max number of
clients reached``, to the next caller.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import txredisapi
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from harvestd.runtime.lifecycle import within
from harvestd.store.redis.replies import run_id
from harvestd.store.redis.url import Target

#: Timeout in seconds for connecting: TCP, TLS, authentication, and the server's INFO.
CONNECT_LIMIT = 1.0
#: The share of a call's timeout after which the timer first checks. After a long block the reactor runs the timer
#: before it has read pending replies, or even sent the request; the rest of the timeout begins only then.
FIRST_LOOK = 0.8


class RedisUnavailable(Exception):
    """Redis did not do it: unreachable, timed out, or unable to. The text is short and holds no secret."""


class RedisRefused(RedisUnavailable):
    """Redis is available and answers this command with an error: WRONGTYPE, a script's error, no such command."""


@attrs.define(eq=False)
class _Place:
    """A place in the queue: the waiter, and its timeout."""

    answer: Deferred[Any]
    timer: Any = None


Wire = TypeVar("Wire", bound="RedisConnectionProtocol")


class RedisConnectionProtocol(txredisapi.RedisProtocol):  # type: ignore[misc]
    """``lost`` is called once, with the reason, before the waiters are failed. Bytes come back as bytes, protocol
    integers as int, a nil as None; RESP2."""

    def __init__(self, reactor: Any, lost: Callable[[RedisConnectionProtocol, str], None]) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self._reactor = reactor
        self._lost = lost
        self._queue: deque[_Place] = deque()
        self._ended: Deferred[None] = Deferred()
        #: Why it is no longer used.
        self.broken = ""
        #: The run id of the server; empty where unknown.
        self.run_id = ""

    @property
    def pending(self) -> int:
        """The number of pending replies."""
        return len(self._queue)

    def ask(self, *arguments: Any, timeout: float) -> Deferred[Any]:
        """The reply, or :class:`RedisUnavailable`. Cancelling it gives up the reply, not the place in the queue."""
        if self.broken:
            return fail(RedisUnavailable(self.broken))
        self.transport.write(self._build_command(*arguments))
        place = _Place(Deferred())
        place.timer = self._reactor.callLater(timeout * FIRST_LOOK, self._look, place, timeout)
        self._queue.append(place)
        return place.answer

    def execute_command(self, *arguments: Any, **_: Any) -> Deferred[Any]:
        """Called by all of txredisapi's own methods."""
        return self.ask(*arguments, timeout=CONNECT_LIMIT)

    def _look(self, place: _Place, timeout: float) -> None:
        place.timer = self._reactor.callLater(timeout * (1 - FIRST_LOOK), self._late, place, timeout)

    def _late(self, place: _Place, timeout: float) -> None:
        place.timer = None
        self.end(f"no answer within {timeout * 1000:.0f} ms")

    def connectionMade(self) -> None:
        """Nothing: :func:`connect` logs in, within a timeout."""
        for option in ("setTcpNoDelay", "setTcpKeepAlive"):
            if hasattr(self.transport, option):
                getattr(self.transport, option)(True)

    def dataReceived(self, data: bytes, unpause: bool = False) -> None:
        """Accept replies, at most as many as are pending now: a reply that arrived before its request belongs to nobody."""
        replies = []
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                if not self.takes(reply):
                    replies.append(reply)
        except (txredisapi.InvalidData, MemoryError):
            self.end("what answers there does not speak Redis's protocol")
        if len(replies) > len(self._queue):
            self.end(f"it said unasked: {_told(replies[len(self._queue)])}")
        for reply in replies:
            if not self.broken:
                self._answer(self._queue.popleft(), reply)

    def takes(self, reply: Any) -> bool:
        """Whether it is a push message for a subscriber, not a reply; it is consumed then. Here nothing is."""
        return False

    def _answer(self, place: _Place, reply: Any) -> None:
        place.timer.cancel()
        if isinstance(reply, Exception):
            place.answer.errback(reply)
        else:
            place.answer.callback(reply)

    def end(self, why: str) -> None:
        """Stop using it: drop the connection, and fail all waiters."""
        if self.broken:
            return
        self.broken = why
        self._lost(self, why)
        queue, self._queue = self._queue, deque()
        for place in queue:
            if place.timer is not None:
                place.timer.cancel()
        if self.transport is not None:
            self.transport.abortConnection()
        for place in queue:
            place.answer.errback(RedisUnavailable(why))

    def connectionLost(self, reason: Failure) -> None:
        """The connection is gone, from either side."""
        super().connectionLost(reason)
        self.end(f"the connection was lost: {reason.getErrorMessage()[:150]}")
        if not self._ended.called:
            self._ended.callback(None)

    async def close(self) -> None:
        """Close it and wait until it has ended."""
        self.end("closed")
        await self._ended


async def connect(
    reactor: Any, target: Target, lost: Callable[[RedisConnectionProtocol, str], None], kind: type[Wire]
) -> Wire:
    """A connection of the given class, logged in within :data:`CONNECT_LIMIT`. Raises :class:`RedisUnavailable`."""
    try:
        return await within(reactor, CONNECT_LIMIT, _connected(reactor, target, lost, kind))
    except TimeoutError:
        raise RedisUnavailable(f"no connection within {CONNECT_LIMIT:g} s") from None
    except (RedisUnavailable, CancelledError):
        raise
    except txredisapi.ResponseError as error:
        raise RedisUnavailable(_told(error)) from None
    except Exception as error:
        raise RedisUnavailable(f"it cannot be reached: {error or type(error).__name__}") from None


async def _connected(
    reactor: Any, target: Target, lost: Callable[[RedisConnectionProtocol, str], None], kind: type[Wire]
) -> Wire:
    wire: Wire = await target.endpoint(reactor).connect(Factory.forProtocol(lambda: kind(reactor, lost)))
    try:
        await log_in(wire, target)
        try:
            wire.run_id = run_id(await wire.execute_command("INFO", "server"))
        except txredisapi.ResponseError as error:
            if not str(error).startswith(("NOPERM", "ERR unknown command")):  # some Redis hosts forbid it
                raise
    except BaseException:
        wire.end("log-in failed")
        raise
    return wire


async def log_in(wire: txredisapi.RedisProtocol, target: Target) -> None:
    """Authenticate and select the database. Raises ``txredisapi.ResponseError`` with the server's error."""
    if target.password:
        await wire.execute_command("AUTH", *([target.user] if target.user else []), target.password)
    if target.number:
        await wire.execute_command("SELECT", target.number)


def _told(reply: Any) -> str:
    """A reply for the log."""
    return str(reply).replace("\r\n", " ")[:200]
