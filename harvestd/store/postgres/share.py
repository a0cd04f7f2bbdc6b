"""The connections for heavy statements: a client with many at once waits for its own, and does not hold up the others.

One client may use them all while no other asks. Among the waiting, the one with the fewest running is next, and equal ones take turns.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from harvestd.runtime.fair import FairQueue
from harvestd.runtime.handing import Handing


class Share:
    """``size`` connections, each waited for up to ``wait`` seconds."""

    def __init__(self, reactor: Any, size: int, wait: float) -> None:
        self._reactor = reactor
        self._free = size
        self._wait = wait
        self._used: Counter[str] = Counter()
        self._waiting = FairQueue[tuple[str, Deferred[str]]]()
        self._handing = Handing(self.release)

    async def take(self, who: str) -> bool:
        """Take one for ``who`` until :meth:`release`; False after the wait."""
        if self._free:
            self._free -= 1
            self._used[who] += 1
            return True
        waiting: Deferred[str] = Deferred()
        self._waiting.push(who, (who, waiting))
        timer = self._reactor.callLater(self._wait, waiting.cancel)
        try:
            await waiting
        except CancelledError:
            return False
        finally:
            if timer.active():
                timer.cancel()
        return True

    def release(self, who: str) -> None:
        """Give back one of ``who``'s; the next waiter gets it."""
        self._used[who] -= 1
        if not self._used[who]:
            del self._used[who]
        while len(self._waiting):
            next_one, waiting = self._waiting.pop(self._used.__getitem__)
            if not waiting.called:
                self._used[next_one] += 1
                self._handing.wake(waiting, next_one)
                return
        self._free += 1
