"""Whose next request is begun: of those that are here already, one of each address in turn, and new ones in between.

A request that comes when its connection has none before it is begun at once, as long as nobody waits and few have come in this
turn of the reactor: a crowd of connections may have sent theirs together. The others, and those behind others of
their connection (pipelined), are begun here, a few milliseconds in each turn of the reactor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.logger import Logger

from harvestd.runtime.fair import FairQueue

#: Seconds of one turn of the reactor that waiting requests may take.
SLICE = 0.003
#: Requests that are begun at once before anybody looks at the time, or at where a turn ends: both cost something.
FREE = 8


class Waiting(Protocol):
    """A connection with a request that waits."""

    def go_on(self) -> None:
        """Begin it, if nothing else stands against it."""

    def fail(self) -> None:
        """It could not go on: end it."""


class Turns:
    """Of one Site."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._seconds: Callable[[], float] = reactor.seconds
        self._queue = FairQueue[Waiting]()
        self._due = False
        self._begun, self._end = 0, 0.0

    def at_once(self) -> bool:
        """Whether bytes that came now may be parsed, and a request of theirs begun, now; else :meth:`wait`."""
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
        """A turn later: whatever was begun before."""
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
        for _ in range(len(self._queue)):  # those that wait again have had theirs
            self._begin(self._queue.pop())
            if self._seconds() >= end:
                break
        if len(self._queue):
            self._again()

    def _begin(self, waiting: Waiting) -> None:
        """What goes wrong with one ends it, as the reactor does where bytes come; the others have their turns."""
        try:
            waiting.go_on()
        except Exception:
            self.log.failure("a request that waited could not be begun")
            waiting.fail()
