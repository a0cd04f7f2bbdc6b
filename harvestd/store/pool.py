"""A pool of connections that heals.

A fixed number of slots; each slot's keeper opens a connection, waits until it is lost, and opens the next, backing off
while PostgreSQL is away. Only open connections are handed out, the latest used first (its statements are prepared).
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.market.errors import Unavailable
from harvestd.store.link import ConnectionLost, Link, LinkSettings

FIRST_DELAY, LAST_DELAY = 0.05, 1.0


class Pool:
    """``size`` connections; a caller waits for one at most ``wait`` seconds, then gets ``Unavailable``."""

    log = Logger()

    def __init__(self, reactor: Any, settings: LinkSettings, size: int, wait: float) -> None:
        self._reactor = reactor
        self._settings = settings
        self._size = size
        self._wait = wait
        self._idle: deque[Link] = deque()
        self._open: set[Link] = set()
        self._waiters: deque[Deferred[Link]] = deque()
        self._retries: set[Any] = set()
        self._opening = 0
        self._stopping = False
        self._drained: Deferred[None] | None = None
        self._reason = "not connected yet"

    @property
    def size(self) -> int:
        """How many connections it keeps when PostgreSQL is there."""
        return self._size

    def state(self) -> dict[str, int]:
        """``open``, ``active`` and ``waiting``, in connections and callers."""
        return {
            "open": len(self._open),
            "active": len(self._open) - len(self._idle),
            "waiting": len(self._waiters),
        }

    def start(self) -> None:
        """Begin to connect; :meth:`take` waits for the first."""
        for _ in range(self._size):
            self._keep(FIRST_DELAY)

    async def stop(self) -> None:
        """Close every connection; those in use when they are given back."""
        self._stopping = True
        for call in list(self._retries):
            call.cancel()
        self._retries.clear()
        while self._waiters:
            self._waiters.popleft().errback(Unavailable("the daemon is stopping"))
        for link in list(self._idle):
            link.close()
        if self._open or self._opening:
            self._drained = Deferred()
            await self._drained

    async def take(self) -> Link:
        """An open connection, for the caller alone until :meth:`give`. Raises ``Unavailable`` after the wait."""
        if self._stopping:
            raise Unavailable("the daemon is stopping")
        if self._idle:
            return self._idle.pop()
        waiter: Deferred[Link] = Deferred()
        self._waiters.append(waiter)
        timer = self._reactor.callLater(self._wait, self._give_up, waiter)
        try:
            return await waiter
        finally:
            if timer.active():
                timer.cancel()

    def give(self, link: Link) -> None:
        """Give a connection back; a closed one is forgotten."""
        if link.closed or self._stopping:
            link.close()
            return
        if self._waiters:
            self._waiters.popleft().callback(link)
        else:
            self._idle.append(link)

    def _give_up(self, waiter: Deferred[Link]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            why = "every connection is busy" if self._open else self._reason
            waiter.errback(Unavailable(f"no database connection within {self._wait:g} s: {why}"))

    def _keep(self, delay: float) -> None:
        self._opening += 1
        Deferred.fromCoroutine(Link.open(self._reactor, self._settings, self._lost)).addCallbacks(
            self._opened, self._failed, errbackArgs=(delay,)
        ).addErrback(lambda failure: self.log.failure("keeping a connection", failure=failure))

    def _opened(self, link: Link) -> None:
        self._opening -= 1
        self._open.add(link)
        self.give(link)

    def _failed(self, failure: Any, delay: float) -> None:
        self._opening -= 1
        if failure.check(ConnectionLost) is None:
            self.log.failure("opening a connection", failure=failure)
        self._reason = failure.getErrorMessage() if failure.check(ConnectionLost) is None else failure.value.detail
        self._again(delay)

    def _again(self, delay: float) -> None:
        if self._stopping:
            self._check_drained()
            return

        def retry() -> None:
            self._retries.discard(call)
            self._keep(min(delay * 2, LAST_DELAY))

        call = self._reactor.callLater(delay * random.uniform(0.5, 1.0), retry)
        self._retries.add(call)

    def _lost(self, link: Link) -> None:
        self._open.discard(link)
        if link in self._idle:
            self._idle.remove(link)
        self._again(FIRST_DELAY)

    def _check_drained(self) -> None:
        if self._drained is not None and not self._open and not self._opening:
            drained, self._drained = self._drained, None
            drained.callback(None)
