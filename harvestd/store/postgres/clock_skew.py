"""The clock skew between this process and PostgreSQL, whose clock is common to all processes.

Tokens, leases and mails are dated by one process and judged by another: a clock that is an hour off issues tokens that
are expired elsewhere. Only the certain part of the skew is reported: an answer with a long round trip may have been
made at any time within it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.logger import Logger

from harvestd.runtime.health import Condition
from harvestd.runtime.shortages import OnceAMinute

#: Maximum allowed skew in seconds.
MAX = 5.0
#: Returns PostgreSQL's time as Unix time.
QUESTION = "select extract(epoch from clock_timestamp())::float8"
CURE = "set the clocks of all machines by NTP (chrony, systemd-timesyncd)"


class ClockSkew:
    """``wall`` is the clock that is checked, ``seconds`` a monotonic one."""

    log = Logger()

    def __init__(self, wall: Callable[[], float] = time.time, seconds: Callable[[], float] = time.monotonic) -> None:
        self.wall = wall
        self._rarely = OnceAMinute(seconds)
        #: Seconds that this process is ahead; negative: behind.
        self.ahead = 0.0

    def compared(self, asked: float, server: float, answered: float) -> None:
        """Record that PostgreSQL said ``server``, at some time between ``asked`` and ``answered`` of this process."""
        self.ahead = ahead_by(asked, server, answered)
        if self.excessive and self._rarely.due():
            self.log.warn("{what}", what=f"{self.words()}: {CURE}")

    @property
    def excessive(self) -> bool:
        """Whether the skew exceeds the maximum."""
        return abs(self.ahead) > MAX

    def words(self) -> str:
        """The skew in words."""
        return f"this clock is {abs(self.ahead):.1f} s {'ahead of' if self.ahead > 0 else 'behind'} PostgreSQL's"

    async def condition(self) -> Condition:
        """For readiness."""
        return Condition("degraded", f"{self.words()}: {CURE}") if self.excessive else Condition("ok")


def ahead_by(asked: float, server: float, answered: float) -> float:
    """The smallest difference that is consistent with these times, in seconds."""
    if server < asked:
        return asked - server
    return answered - server if server > answered else 0.0
