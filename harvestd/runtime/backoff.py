"""Exponential backoff: the pauses between tries of what fails, each twice as long as the one before, up to the longest."""

from __future__ import annotations

import random

from twisted.application.internet import backoffPolicy


class Backoff:
    """``first`` and ``last`` in seconds. ``jitter`` is the share of each pause by which it may be shorter, so that what failed together
    does not come back together."""

    def __init__(self, first: float, last: float, jitter: float = 0.0) -> None:
        self._policy = backoffPolicy(first, last, 2.0, jitter=lambda: 0.0)
        self._jitter = jitter
        self._failures = 0

    @property
    def failing(self) -> bool:
        """Whether anything failed since the last success."""
        return self._failures > 0

    def failed(self) -> float:
        """The pause before the next try, in seconds."""
        pause: float = self._policy(self._failures)
        self._failures += 1
        return pause * random.uniform(1 - self._jitter, 1)

    def succeeded(self) -> bool:
        """Begin anew with the first pause; answers whether anything had failed."""
        had, self._failures = self.failing, 0
        return had
