"""An event that wakes a polling loop early."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred


class Wakeup:
    """One loop waits, any code rings. A ring while the loop is not waiting is kept for the next wait."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._rung = False
        self._waiting: Deferred[None] | None = None

    def ring(self) -> None:
        """End the wait, or the next one."""
        self._rung = True
        self._wake()

    async def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most ``seconds``; returns whether it rang."""
        if not self._rung:
            self._waiting = Deferred()
            timer = self._reactor.callLater(seconds, self._wake)
            try:
                await self._waiting
            finally:
                self._waiting = None
                if timer.active():
                    timer.cancel()
        rung, self._rung = self._rung, False
        return rung

    def _wake(self) -> None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.callback(None)
