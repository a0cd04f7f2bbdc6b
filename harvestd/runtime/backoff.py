"""Exponential backoff: the delays between retries, each twice as long as the one before, up to a maximum."""

from __future__ import annotations

import random

from twisted.application.internet import backoffPolicy


class Backoff:
    """``first`` and ``last`` in seconds. ``jitter`` is the share by which each delay may be shortened, so that clients that failed
    together do not retry together."""

    def __init__(self, first: float, last: float, jitter: float = 0.0) -> None:
        self._policy = backoffPolicy(first, last, 2.0, jitter=lambda: 0.0)
        self._jitter = jitter
        self._failures = 0

    @property
    def failing(self) -> bool:
        """Whether anything failed since the last success."""
        return self._failures > 0

    def failed(self) -> float:
        """Record a failure; returns the delay before the next attempt, in seconds."""
        pause: float = self._policy(self._failures)
        self._failures += 1
        return pause * random.uniform(1 - self._jitter, 1)

    def succeeded(self) -> bool:
        """Reset to the first delay; returns whether anything had failed."""
        had, self._failures = self.failing, 0
        return had
