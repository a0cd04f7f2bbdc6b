"""Time as the machine gave it: what a test bounds is what the code does, not how many others want the same processors.

Linux tells of each thread for how long it was ready to run and had to wait for a processor. The seconds that our threads so
waited, those of the servers and daemons that were started here among them, do not count. On an idle machine they are none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

#: A bound holds for so many times as long by the clock, however busy the machine: several threads that wait at a time each count.
MAX = 4


class Pace:
    """The seconds since it was made, without those that were spent waiting for a processor."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began, self._starved = clock(), starved()

    def seconds(self) -> float:
        """Exact on an idle machine; on a busy one rather too few than too many, since several may wait at a time."""
        return self._clock() - self._began - max(0.0, starved() - self._starved)

    def kept(self) -> float:
        """The seconds by the clock that the machine did not give: what others measured by a clock may be late by so many."""
        return max(0.0, self._clock() - self._began - self.seconds())

    def passed(self, seconds: float) -> bool:
        """Whether as many have passed as the machine gave them, or :data:`MAX` times as many by the clock."""
        return self.seconds() >= seconds or self._clock() - self._began >= MAX * seconds


def bounded(seconds: float, kept: float) -> float:
    """A bound for what was measured by a clock while the machine kept so many seconds back."""
    return min(seconds + kept, MAX * seconds)


def starved() -> float:
    """Seconds that the threads of this process and of those below it have waited for a processor; 0 where nobody counts."""
    return sum(map(_waited, _family(str(os.getpid()))))


def _family(pid: str) -> Iterator[str]:
    """A process and those below it, as the kernel lists them: at once, however many others there are."""
    yield pid
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        children = [child for t in threads for child in _read(f"/proc/{pid}/task/{t}/children").split()]
    except OSError:
        return
    for child in children:
        yield from _family(child)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:  # it has ended
        return ""


def _waited(pid: str) -> float:
    total = 0
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0.0
    for thread in threads:
        _, waited, *_ = (*_read(f"/proc/{pid}/task/{thread}/schedstat").split(), "0", "0")
        total += int(waited)
    return total / 1e9
