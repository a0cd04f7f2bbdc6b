"""A self-healing connection pool.

A fixed number of slots; each slot's keeper opens a connection, waits until it is lost, and opens the next, with backoff
while PostgreSQL is away. Only open, idle connections are handed out, the most recently used first (its statements are
prepared and its pages warm).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.kernel.errors import Unavailable
from harvestd.runtime.backoff import Backoff
from harvestd.runtime.handing import Handing
from harvestd.store.postgres.connection import Connection
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.faults import ConnectionLost

FIRST_DELAY, LAST_DELAY = 0.05, 1.0


class Pool:
    """``size`` connections; a caller waits for one at most ``wait`` seconds, then gets ``Unavailable``."""

    log = Logger()

    def __init__(self, reactor: Any, settings: ConnectionSettings, size: int, wait: float) -> None:
        self._reactor = reactor
        self._settings = settings
        self._size = size
        self._wait = wait
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening: set[Connection] = set()
        self._waiters: OrderedDict[Deferred[Connection], None] = OrderedDict()
        self._handing = Handing(self.give)
        self._retries: set[Any] = set()
        self._stopping = False
        self._sweeping = False
        self._drained: Deferred[None] | None = None
        self._reason = "not connected yet"
        self._told = ""

    @property
    def size(self) -> int:
        """The number of connections while PostgreSQL is up."""
        return self._size

    def state(self) -> dict[str, int]:
        """``open``, ``active`` and ``waiting``, in connections and callers."""
        return {
            "open": len(self._open),
            "active": len(self._open) - len(self._idle),
            "waiting": len(self._waiters),
        }

    def start(self) -> None:
        """Start connecting; :meth:`take` waits for the first connection."""
        for _ in range(self._size):
            self._keep(Backoff(FIRST_DELAY, LAST_DELAY, jitter=0.5))

    async def stop(self) -> None:
        """Close every connection; those in use when they are given back. Returns when none is left."""
        self._stopping = True
        for call in self._retries:
            call.cancel()
        self._retries.clear()
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            waiter.errback(Unavailable("the daemon is stopping"))
        for link in [*self._idle, *self._opening]:
            link.close()
        if self._open or self._opening:
            self._drained = self._drained or Deferred()
            await self._drained

    async def take(self) -> Connection:
        """An open connection, exclusive to the caller until :meth:`give`. Raises ``Unavailable`` after the wait."""
        if self._stopping:
            raise Unavailable("the daemon is stopping")
        if self._idle:
            return self._idle.pop()
        waiter: Deferred[Connection] = Deferred()
        self._waiters[waiter] = None
        timer = self._reactor.callLater(self._wait, self._give_up, waiter)
        try:
            return await waiter
        finally:
            self._waiters.pop(waiter, None)  # a cancelled caller must not be handed one
            if timer.active():
                timer.cancel()

    def give(self, link: Connection) -> None:
        """Give a connection back. One that is closed, or still in a transaction, is discarded."""
        if self._stopping or not link.idle:
            link.close()
        elif self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            self._handing.wake(waiter, link)
        else:
            self._idle.append(link)

    def _give_up(self, waiter: Deferred[Connection]) -> None:
        if self._waiters.pop(waiter, False) is None:
            why = "every connection is busy" if self._open else self._reason
            waiter.errback(Unavailable(f"no database connection within {self._wait:g} s: {why}"))

    def _keep(self, backoff: Backoff) -> None:
        link = Connection(self._reactor, self._settings, self._lost)
        self._opening.add(link)
        opening = Deferred.fromCoroutine(link.open())
        opening.addBoth(self._opened, link, backoff)
        opening.addErrback(lambda failure: self.log.failure("keeping a connection", failure=failure))

    def _opened(self, failure: Any, link: Connection, backoff: Backoff) -> None:
        self._opening.discard(link)
        if failure is None:
            self._open.add(link)
            if self._told:
                self.log.info("PostgreSQL is back")
                self._told = ""
            self.give(link)
            return
        if failure.check(ConnectionLost) is None:
            self.log.failure("opening a connection", failure=failure)
        self._reason = failure.getErrorMessage()
        if not self._open and not self._stopping and self._told != self._reason:
            self._told = self._reason
            self.log.warn("no connection to the database, retrying: {why}", why=self._reason)
        self._again(backoff)

    def _lost(self, link: Connection) -> None:
        self._open.discard(link)
        if link in self._idle:
            self._idle.remove(link)
        self._again(Backoff(FIRST_DELAY, LAST_DELAY, jitter=0.5))
        if not self._sweeping:  # all may be lost for the same cause: callers should not find out one by one
            self._sweeping = True
            for other in list(self._idle):
                other.look()
            self._sweeping = False

    def _again(self, backoff: Backoff) -> None:
        if self._stopping:
            if self._drained is not None and not self._open and not self._opening:
                self._drained.callback(None)
                self._drained = None
            return

        def retry() -> None:
            self._retries.discard(call)
            self._keep(backoff)

        call = self._reactor.callLater(backoff.failed(), retry)
        self._retries.add(call)
