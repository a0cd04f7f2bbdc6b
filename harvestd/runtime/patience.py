"""Waiting at startup for dependencies that are not yet available: bounded, and reported to the operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from twisted.logger import Logger

from harvestd.runtime.backoff import Backoff
from harvestd.runtime.lifecycle import sleep

#: Backoff in seconds, first and longest; and seconds between two equal log lines.
FIRST_DELAY, LAST_DELAY, REPEAT = 0.1, 1.0, 10.0

log = Logger()


class Unwanted(Exception):
    """The process was told to stop while waiting at startup."""


@attrs.frozen(eq=False)
class Patience:
    """``seconds`` is the maximum wait per dependency. ``tell`` is called repeatedly with what is awaited; ``unwanted`` returns
    whether to abort the start."""

    reactor: Any
    seconds: float
    tell: Callable[[str], object] = lambda words: None
    unwanted: Callable[[], bool] = lambda: False

    async def wait(self, what: str, missing: Callable[[], Awaitable[str]]) -> str:
        """Poll ``missing`` until it returns "" (available), and return that; after the timeout, its last message. Raises
        :class:`Unwanted`."""
        end, backoff = self.reactor.seconds() + self.seconds, Backoff(FIRST_DELAY, LAST_DELAY)
        said, said_at = "", 0.0
        while why := await missing():
            now = self.reactor.seconds()
            if now >= end:
                return why
            if why != said or now - said_at >= REPEAT:
                said, said_at = why, now
                log.warn("waiting for {what}, for {left:.0f} s at most: {why}", what=what, left=end - now, why=why)
            self.still(f"waiting for {what}: {why}")
            await sleep(self.reactor, min(backoff.failed(), end - now))
        return ""

    def still(self, words: str) -> None:
        """Continue waiting; raises :class:`Unwanted` if the start is to be aborted."""
        if self.unwanted():
            raise Unwanted(words)
        self.tell(words)
