"""Versions that clients claim to have seen, trusted within limits.

An ``If-None-Match`` with a later version than the cache entry's forces a reload, since another process may have served it. A
client with made-up versions would force a load on each request (cache busting): so when a load does not confirm a claim, claims
about that entry are ignored for :data:`WHILE` seconds.
"""

from __future__ import annotations

from collections.abc import Callable

#: Seconds: entries this stale may be served anyway.
WHILE = 1.0
#: Maximum number of entries remembered; the oldest are evicted first.
MAX = 4096


class Claims:
    """Disproved claims by cache key. ``seconds`` is the reactor's clock."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def believed(self, key: str) -> bool:
        """Whether a claim about ``key`` is worth a load now."""
        return self._seconds() >= self._until.get(key, 0.0)

    def disproved(self, key: str) -> None:
        """Record that a load did not confirm the claim."""
        if key not in self._until and len(self._until) >= MAX:
            del self._until[next(iter(self._until))]
        self._until[key] = self._seconds() + WHILE
