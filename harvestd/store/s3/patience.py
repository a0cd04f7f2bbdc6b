"""How S3 is spared: not asked at all while it does not answer, and less often when it says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from harvestd.runtime.backoff import Backoff
from harvestd.runtime.breaker import Breaker
from harvestd.runtime.lifecycle import sleep
from harvestd.store.s3.answers import S3Error

#: Seconds of the first and the longest pause after a SlowDown that names none; the share by which each may be shorter.
FIRST, LAST, JITTER = 0.5, 5.0, 0.3


class Patience:
    """``probe`` tries whether S3 works again. ``answered_at`` is when it last did what it was asked."""

    def __init__(self, reactor: Any, probe: Callable[[], Awaitable[None]]) -> None:
        self._reactor = reactor
        self.breaker = Breaker(reactor, "S3", probe)
        self._slowly = Backoff(FIRST, LAST, jitter=JITTER)
        self._quiet_until = self.answered_at = float("-inf")

    def check(self) -> None:
        """Raises :class:`S3Error` while it is left alone."""
        if not self.breaker.closed:
            raise S3Error(f"S3 is left alone for now: {self.breaker.cause}")

    async def wait(self, end: float) -> None:
        """S3 asked for fewer requests: all of them wait, not only the one that was told. Raises if that is beyond ``end``."""
        left = self._quiet_until - self._reactor.seconds()
        if left <= 0:
            return
        if self._quiet_until >= end:
            raise S3Error("S3 asked for fewer requests (SlowDown)", 503, "SlowDown", left)
        await sleep(self._reactor, left)

    def answered(self) -> None:
        """It did what it was asked."""
        self.breaker.succeeded()
        self._slowly.succeeded()
        self.answered_at = self._reactor.seconds()

    def blamed(self, error: S3Error) -> float:
        """Count a failure, unless it is an answer to a question; returns the pause that S3 asked for, if it did."""
        if error.gone:
            self.answered()
        elif error.slower:
            self._quiet_until = self._reactor.seconds() + max(self._slowly.failed(), error.pause)
            left: float = self._quiet_until - self._reactor.seconds()
            return left
        else:
            self.breaker.failed(str(error))
        return 0.0
