"""The changes and endings that this process heard of, and when: they decide which shared entries it believes.

An entry in a store that others can write to may be put back there long after it was true, seal included. So it counts
only if it began after the last change that this process heard of in anything it depends on. These notifications always
come from PostgreSQL (see ``redis/topics.py``); a forged one only causes reloads.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable


class Heard:
    """Remembers ``most`` names; the latest time evicted counts for all forgotten names. ``seconds`` is a monotonic clock."""

    def __init__(self, most: int = 10_000, seconds: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._most = most
        self._at: OrderedDict[str, float] = OrderedDict()
        self._floor = float("-inf")

    def __len__(self) -> int:
        return len(self._at)

    def note(self, names: Iterable[str]) -> None:
        """Record that these have ended or changed now; an empty sequence is everything."""
        now, nothing = self.seconds(), True
        for name in names:
            nothing = False
            self._at[name] = now
            self._at.move_to_end(name)
        while len(self._at) > self._most:
            self._floor = max(self._floor, self._at.popitem(last=False)[1])
        if nothing:
            self._at.clear()
            self._floor = now

    def believes(self, names: Iterable[str], began: float) -> bool:
        """Whether a value that depends on these, and was requested at ``began``, may still be true."""
        return began > self._floor and all(began > self._at.get(name, began - 1) for name in names)
