"""The connections that heavy statements may have: whoever asks for many at once waits for their own, not everybody for them.

One asker may have them all while nobody else asks. Of those who wait, the next is one of whom fewest are at work, and askers
that are alike take turns.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from harvestd.runtime.fair import FairQueue
from harvestd.runtime.handing import Handing


class Share:
    """``size`` of them, each waited for ``wait`` seconds."""

    def __init__(self, reactor: Any, size: int, wait: float) -> None:
        self._reactor = reactor
        self._free = size
        self._wait = wait
        self._used: Counter[str] = Counter()
        self._waiting = FairQueue[tuple[str, Deferred[str]]]()
        self._handing = Handing(self.release)

    async def take(self, who: str) -> bool:
        """Have one for ``who`` until :meth:`release`; False after the wait."""
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
        """``who`` gives one back: the next has it."""
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
