"""The connections for heavy statements: a client with many at once waits for its own, and does not hold up the others.

One client may use them all while no other asks. Among the waiting, the one with the fewest running is next, and equal ones take turns, but for those who
have waited for a while (:mod:`harvestd.runtime.turn_queue`).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from harvestd.runtime.handing import Handing
from harvestd.runtime.turn_queue import TurnQueue, network_of


class Share:
    """``size`` connections, each waited for up to ``wait`` seconds."""

    def __init__(self, reactor: Any, size: int, wait: float) -> None:
        self._reactor = reactor
        self._free = size
        self._wait = wait
        self._used: Counter[str] = Counter()
        self._waiting = TurnQueue[tuple[str, Deferred[str]]](reactor.seconds)
        self._handing = Handing(self.release)

    async def take(self, who: str) -> bool:
        """Take one for ``who`` until :meth:`release`; False after the wait."""
        if self._free:
            self._free -= 1
            self._used.update({who, network_of(who)})
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
        for name in {who, network_of(who)}:
            self._used[name] -= 1
            if not self._used[name]:
                del self._used[name]
        while len(self._waiting):
            next_one, waiting = self._waiting.pop(self._used.__getitem__)
            if not waiting.called:
                self._used.update({next_one, network_of(next_one)})
                self._handing.wake(waiting, next_one)
                return
        self._free += 1
