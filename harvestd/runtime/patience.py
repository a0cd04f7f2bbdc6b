"""Waiting, at a start, for what is not there yet: bounded, and said to whoever watches the start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from twisted.logger import Logger

from harvestd.runtime.backoff import Backoff
from harvestd.runtime.lifecycle import sleep

#: Seconds between two tries: the first pause, and the longest; and between two lines of the log that say the same.
FIRST_DELAY, LAST_DELAY, REPEAT = 0.1, 1.0, 10.0

log = Logger()


class Unwanted(Exception):
    """The process is told to stop while it waits at its start."""


@attrs.frozen(eq=False)
class Patience:
    """``seconds`` are the longest wait for one thing. ``tell`` hears, again and again while it lasts, what is waited for;
    ``unwanted`` answers whether the start is to be given up."""

    reactor: Any
    seconds: float
    tell: Callable[[str], object] = lambda words: None
    unwanted: Callable[[], bool] = lambda: False

    async def wait(self, what: str, missing: Callable[[], Awaitable[str]]) -> str:
        """Ask ``missing`` until it answers "" (it is there), and answer that; after the wait, its last words. Raises
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
        """It goes on. Raises :class:`Unwanted` when nobody wants it to."""
        if self.unwanted():
            raise Unwanted(words)
        self.tell(words)
