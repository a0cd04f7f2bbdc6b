"""Versions that clients say to have seen, and that are believed within reason.

``If-None-Match`` with a later version than that of the cache's entry has the answer loaded anew, since another process may
have shown it. Who makes versions up would have each of his requests loaded: so where a load does not bear a claim out, no
claim about that answer is believed for a while.
"""

from __future__ import annotations

from collections.abc import Callable

#: Seconds: what is as old may be served anyway.
WHILE = 1.0
#: Answers that are remembered; the longest known go first.
MAX = 4096


class Claims:
    """By the cache's key. ``seconds`` is the reactor's clock."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def believed(self, key: str) -> bool:
        """Whether a claim about ``key`` is worth a load now."""
        return self._seconds() >= self._until.get(key, 0.0)

    def disproved(self, key: str) -> None:
        """A load did not find what was claimed."""
        if key not in self._until and len(self._until) >= MAX:
            del self._until[next(iter(self._until))]
        self._until[key] = self._seconds() + WHILE
