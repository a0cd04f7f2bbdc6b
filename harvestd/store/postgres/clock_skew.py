"""By how much the clock of this process differs from PostgreSQL's, which all processes have in common.

Tokens, leases and mails are dated by the process that makes them, and judged by another: a clock that is an hour off makes tokens
that are dead elsewhere. What is told is what is certain: an answer that was long on its way may have been made at any time of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.logger import Logger

from harvestd.runtime.health import Condition
from harvestd.runtime.shortages import OnceAMinute

#: Seconds that clocks may differ by.
MAX = 5.0
#: Answers PostgreSQL's time, as Unix has it.
QUESTION = "select extract(epoch from clock_timestamp())::float8"
CURE = "set the clocks of all machines by NTP (chrony, systemd-timesyncd)"


class ClockSkew:
    """``wall`` is the clock that is looked at, ``seconds`` one that never goes back."""

    log = Logger()

    def __init__(self, wall: Callable[[], float] = time.time, seconds: Callable[[], float] = time.monotonic) -> None:
        self.wall = wall
        self._rarely = OnceAMinute(seconds)
        #: Seconds that this process is ahead; negative: behind.
        self.ahead = 0.0

    def compared(self, asked: float, server: float, answered: float) -> None:
        """PostgreSQL said ``server``, at some time between ``asked`` and ``answered`` of this process."""
        self.ahead = ahead_by(asked, server, answered)
        if self.excessive and self._rarely.due():
            self.log.warn("{what}", what=f"{self.words()}: {CURE}")

    @property
    def excessive(self) -> bool:
        """Whether it is more than is allowed for."""
        return abs(self.ahead) > MAX

    def words(self) -> str:
        """For people."""
        return f"this clock is {abs(self.ahead):.1f} s {'ahead of' if self.ahead > 0 else 'behind'} PostgreSQL's"

    async def condition(self) -> Condition:
        """For readiness."""
        return Condition("degraded", f"{self.words()}: {CURE}") if self.excessive else Condition("ok")


def ahead_by(asked: float, server: float, answered: float) -> float:
    """The least difference that is consistent with it, in seconds."""
    if server < asked:
        return asked - server
    return answered - server if server > answered else 0.0
