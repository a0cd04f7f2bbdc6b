"""Rate limits in the memory of one process, by the generic cell rate algorithm.

One number is kept for each key: the theoretical arrival time (TAT), when all that was used will have been given back. A
request advances it by ``period / limit`` and is refused if that puts it more than ``period`` ahead.
https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm (the virtual scheduling form)
"""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from harvestd.interfaces import Allowance, ILimiter

#: Tolerance: float rounding must not refuse the last request of a limit.
_HAIR = 1e-9


@implementer(ILimiter)
class MemoryLimiter:
    """``seconds`` is a monotonic clock, ``most`` the number of keys kept: beyond it, the least recently used go."""

    at_hand = True

    def __init__(self, seconds: Callable[[], float], most: int = 100_000) -> None:
        self._seconds = seconds
        self._most = most
        self._arrivals: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._arrivals)

    async def hit(self, key: str, limit: int, period: float) -> Allowance:
        """Count one request."""
        return self.hit_now(key, limit, period)

    def hit_now(self, key: str, limit: int, period: float) -> Allowance:
        """Count one request synchronously."""
        now = self._seconds()
        step = period / limit
        held = self._arrivals.pop(key, now)  # moved to the end of the dict, which is in LRU order
        used = max(held - now, 0.0)
        if used + step > period + _HAIR:
            self._arrivals[key] = held  # a client that keeps trying is not evicted by new ones
            return Allowance(False, 0, used, used + step - period)
        self._arrivals[key] = now + used + step
        if len(self._arrivals) > self._most:
            self._forget()
        remaining = int((period - used - step + _HAIR) / step)
        return Allowance(True, remaining, used + step, 0.0)

    def _forget(self) -> None:
        """Evict a tenth: at most once per that many new keys, so that each request pays little."""
        for key in list(self._arrivals)[: max(1, self._most // 10)]:
            del self._arrivals[key]
