"""What this process heard to have ended or changed, and when: the measure of what others vouch for.

What lies in a place that others can write to may be put back there long after it was true, seal and all. So it counts only
if it began after the last that this process heard of what it depends on. What is heard comes from PostgreSQL, always (see
``redis/topics.py``); a message that somebody made up only makes more be asked for anew.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable


class Heard:
    """Remembers ``most`` names; the time of the longest unheard that had to go counts for everything. ``seconds`` is a clock
    that never goes back."""

    def __init__(self, most: int = 10_000, seconds: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._most = most
        self._at: OrderedDict[str, float] = OrderedDict()
        self._floor = float("-inf")

    def __len__(self) -> int:
        return len(self._at)

    def note(self, names: Iterable[str]) -> None:
        """These have ended or changed now; none named is everything."""
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
        """Whether what depends on these, and was asked for at ``began``, may be true still."""
        return began > self._floor and all(began > self._at.get(name, began - 1) for name in names)
