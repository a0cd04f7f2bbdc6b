"""Exhausted resources, logged at most once a minute with the number of occurrences and the fix; the metric counts each one.

Under attack, one line per refusal would exhaust the log next: every event that clients can trigger is logged this way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

#: Seconds between two warnings about one resource.
MINUTE = 60.0
#: By the label of ``harvest_shortages``: the cause, and the fix.
SHORTAGES = {
    "connections": "every connection that connections_most allows is open; more are refused",
    "descriptors": "the process may open no more files; raise LimitNOFILE (systemd) or ulimit -n",
    "address_connections": "an address has as many connections as connections_per_address allows; more of it are refused",
    "address_requests": "an address has as many requests in hand as requests_per_address allows; more of it are 429",
    "buffers": "connections hold more bytes than buffer_limit allows; those that hold most were ended",
    "slow-reader": "clients that took less of their answers than read_rate_least were ended",
    "spool": "a request's body could not be kept on disk; look at the space left in the folder for temporary files, and at upload_spool",
    "passwords": "more sign-ins waited than password_queue allows, or for longer than password_wait; more are 503",
    "pictures": "more pictures waited to be made anew than may, or for too long; more are 503",
    "files": "more reads and writes of files waited than may, or for too long; more are 503, and the disk may be too slow",
    "recipient_mails": "somebody was to get more mails within an hour than mails_per_recipient allows; one mail says so, the notices have all",
    "searches": "all database connections that searches may use (search_share) were in use; more are 503",
    "address_searches": "an address has as many searches in hand as searches_per_address allows; more of it are 429",
}


class OnceAMinute:
    """Rate limiter for the log of one repeated event; the first occurrence is due at once."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._told = float("-inf")
        self._untold = 0

    def due(self, times: int = 1) -> int:
        """Record ``times`` occurrences: returns the number since the last report, if one is due now, else 0."""
        self._untold += times
        now = self._seconds()
        if not self._untold or now - self._told < MINUTE:
            return 0
        self._told = now
        times, self._untold = self._untold, 0
        return times


class Shortages:
    """The shortages of one process; ``count`` is called with the name each time."""

    log = Logger()

    def __init__(self, count: Callable[[str], Any], seconds: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._rarely = {name: OnceAMinute(seconds) for name in SHORTAGES}

    def tell(self, name: str, who: str = "") -> None:
        """Report that ``name`` (of :data:`SHORTAGES`) is exhausted, for the address ``who`` if the limit is per address."""
        self._count(name)
        times = self._rarely[name].due()
        if times:
            whose = f", last for {who[:64]}" if who else ""
            self.log.warn(
                "{what} ({times} since the last warning{whose})", what=SHORTAGES[name], times=times, whose=whose
            )
