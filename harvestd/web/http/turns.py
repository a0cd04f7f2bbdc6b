"""Fair scheduling of requests: waiting ones start round-robin by client address, new ones in between.

A request that is first on its connection starts at once, as long as none waits and few have arrived in this reactor iteration:
many connections may send theirs together. The others, and pipelined requests behind another on their connection, start from
here, for a few milliseconds per reactor iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.logger import Logger

from harvestd.runtime.fair import FairQueue

#: Seconds per reactor iteration for waiting requests.
SLICE = 0.003
#: Requests started at once before the clock, or the end of the iteration, is checked: both have a cost.
FREE = 8


class Waiting(Protocol):
    """A connection with a request that waits."""

    def go_on(self) -> None:
        """Start the request, if nothing else blocks it."""

    def fail(self) -> None:
        """Close the connection, because :meth:`go_on` raised."""


class Turns:
    """The scheduler of one Site."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._seconds: Callable[[], float] = reactor.seconds
        self._queue = FairQueue[Waiting]()
        self._due = False
        self._begun, self._end = 0, 0.0

    def at_once(self) -> bool:
        """Whether bytes that just arrived may be parsed and their request started now; otherwise call :meth:`wait`."""
        if self._due:
            return False
        self._begun += 1
        if self._begun < FREE:
            return True
        if self._begun > FREE:
            return self._seconds() < self._end
        self._end = self._seconds() + SLICE
        self._reactor.callLater(0, self._turned)
        return True

    def _turned(self) -> None:
        """Reset the count, one reactor iteration later."""
        self._begun = 0

    def wait(self, address: str, waiting: Waiting) -> None:
        """Call ``go_on`` when it is the turn of ``address``."""
        self._queue.push(address, waiting)
        self._again()

    def _again(self) -> None:
        if not self._due:
            self._due = True
            self._reactor.callLater(0, self._run)

    def _run(self) -> None:
        self._due = False
        end = self._seconds() + SLICE
        for _ in range(len(self._queue)):  # requeued ones wait for the next run
            self._begin(self._queue.pop())
            if self._seconds() >= end:
                break
        if len(self._queue):
            self._again()

    def _begin(self, waiting: Waiting) -> None:
        """Close the connection on an exception, as the reactor does in ``dataReceived``; the others keep their turns."""
        try:
            waiting.go_on()
        except Exception:
            self.log.failure("a request that waited could not be begun")
            waiting.fail()
