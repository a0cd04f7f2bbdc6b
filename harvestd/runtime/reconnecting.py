"""A reconnect loop with backoff: connect, serve until the connection ends, wait, repeat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.runtime.backoff import Backoff
from harvestd.runtime.spawn import spawn
from harvestd.runtime.wakeup import Wakeup


class Reconnecting:
    """``live`` connects, and returns or raises once the connection has ended; it calls :meth:`connected` once it serves. Exceptions in
    ``expected`` are passed to ``failed``, with whether it is the first failure since it served; others are logged, and followed
    by the longest delay: if the loop ended, the process would never reconnect. ``first`` and ``last`` are the delays in seconds."""

    log = Logger()

    def __init__(
        self, reactor: Any, what: str, live: Callable[[], Awaitable[None]], expected: tuple[type[Exception], ...],
        failed: Callable[[Exception, bool], None], first: float, last: float,
    ) -> None:  # fmt: skip
        self.stopping = False
        self._what = what
        self._live = live
        self._expected = expected
        self._failed = failed
        self._last = last
        self._backoff = Backoff(first, last, jitter=0.5)
        self._halt = Wakeup(reactor)
        self._nap = Wakeup(reactor)
        self._running: Deferred[None] | None = None

    def start(self) -> None:
        """Start connecting."""
        self._running = spawn(self._what, self._run())

    def halt(self) -> None:
        """Stop reconnecting, and end a wait between attempts."""
        self.stopping = True
        self._halt.ring()
        self._nap.ring()

    async def ended(self) -> None:
        """Wait until the last connection has ended, after :meth:`halt`."""
        if self._running is not None:
            await self._running

    def connected(self) -> None:
        """The connection serves: reset the backoff."""
        self._backoff.succeeded()

    def wake(self) -> None:
        """End the current :meth:`nap`, or the next one."""
        self._nap.ring()

    async def nap(self, seconds: float) -> None:
        """While connected, wait for :meth:`wake`, at most ``seconds``."""
        await self._nap.wait(seconds)

    async def _run(self) -> None:
        while not self.stopping:
            try:
                await self._live()
            except self._expected as error:
                self._tell(error)
                pause = self._backoff.failed()
            except Exception:
                self.log.failure("{what} is given up, another follows", what=self._what)
                pause = self._last
            else:
                pause = self._backoff.failed()
            if not self.stopping:
                await self._halt.wait(pause)

    def _tell(self, error: Exception) -> None:
        """Nothing that is raised here may end the loop."""
        if self.stopping:
            return
        try:
            self._failed(error, not self._backoff.failing)
        except Exception:
            self.log.failure("{what}: its failure cannot be told", what=self._what)
