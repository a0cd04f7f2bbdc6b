"""A circuit breaker for optional dependencies: Redis, Elasticsearch.

While closed, calls go through, and failures are counted. After several in a row it opens: calls are skipped, so no request
waits. It probes for recovery in the background, so that no request is the trial call; the successful probe also does the work
needed on recovery (such as dropping state that missed updates), and only then does the breaker close.
After Michael Nygard, Release It!, "Circuit Breaker".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.runtime.backoff import Backoff
from harvestd.runtime.lifecycle import sleep
from harvestd.runtime.spawn import spawn

#: Seconds before the first probe after opening; doubling up to the last.
FIRST_PAUSE, LAST_PAUSE = 0.2, 2.0


class Breaker:
    """``name`` is the dependency; ``probe`` returns if it works again and raises if not, with a timeout of its own; ``failures`` in
    a row open the breaker."""

    log = Logger()

    def __init__(self, reactor: Any, name: str, probe: Callable[[], Awaitable[None]], failures: int = 3) -> None:
        self.name = name
        self.closed = True
        self.cause = ""
        #: How often it opened since the start.
        self.opened = 0
        self._reactor = reactor
        self._probe = probe
        self._most = failures
        self._failures = 0
        self._looking: Deferred[None] | None = None

    def succeeded(self) -> None:
        """Record a successful call."""
        self._failures = 0

    def failed(self, why: str) -> None:
        """Record a failed call; ``why`` is short and contains no secret."""
        self._failures += 1
        self.cause = why
        if self.closed and self._failures >= self._most:
            self.open(why)

    def open(self, why: str) -> None:
        """Open: skip calls until a probe succeeds."""
        self.cause = why
        if not self.closed:
            return
        self.closed = False
        self.opened += 1
        self.log.warn("{name} is not used for now: {why}", name=self.name, why=why)
        self._looking = spawn(f"looking for {self.name}", self._look())

    def stop(self) -> None:
        """Stop probing."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()

    async def _look(self) -> None:
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        while not self.closed:
            try:
                await sleep(self._reactor, backoff.failed())
                await self._probe()
            except Exception as error:
                if self._looking is None:
                    return  # stopped; a cancelled probe may raise any exception
                self.cause = str(error) or repr(error)
            else:
                self.closed, self._failures, self.cause = True, 0, ""
                self.log.info("{name} is used again", name=self.name)
        self._looking = None
