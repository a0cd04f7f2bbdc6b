"""A circuit breaker for what the market can do without: Redis, Elasticsearch.

Closed, calls go through, and failures are counted. After some in a row it opens: nobody calls any more, and so nobody
waits. It looks after recovery by itself, in the background, so that no request is the one that tries; the probe that
succeeds also does what a return asks for (such as forgetting what was missed), and only then does it close.
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

#: Seconds before the first probe after it opened; doubling up to the last.
FIRST_PAUSE, LAST_PAUSE = 0.2, 2.0


class Breaker:
    """``name`` is what is behind it; ``probe`` returns when that works again and raises while it does not, bounded by
    itself; ``failures`` in a row open it."""

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
        """A call went well."""
        self._failures = 0

    def failed(self, why: str) -> None:
        """A call did not; ``why`` is short and holds no secret."""
        self._failures += 1
        self.cause = why
        if self.closed and self._failures >= self._most:
            self.open(why)

    def open(self, why: str) -> None:
        """Let nobody through until a probe succeeds."""
        self.cause = why
        if not self.closed:
            return
        self.closed = False
        self.opened += 1
        self.log.warn("{name} is not used for now: {why}", name=self.name, why=why)
        self._looking = spawn(f"looking for {self.name}", self._look())

    def stop(self) -> None:
        """Probe no more."""
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
                    return  # stopped; a probe that is cancelled may call it whatever it likes
                self.cause = str(error) or repr(error)
            else:
                self.closed, self._failures, self.cause = True, 0, ""
                self.log.info("{name} is used again", name=self.name)
        self._looking = None
