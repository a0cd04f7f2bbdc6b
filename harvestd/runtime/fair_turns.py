"""Turns at work that few can do at once: a bounded queue, fair between client addresses, and without requests whose client has left.

Password hashes, pictures and bodies with files wait here, since each takes a core for a while, so this is where a flood of them piles up.
Addresses with the least recent use go first; when the queue is full, the address with the most use and demand loses a place, so a flood
crowds out itself.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from harvestd.kernel.errors import Overloaded
from harvestd.runtime.fair import FairQueue

#: Seconds after which half of the use is forgotten.
MINUTE = 60.0


@attrs.frozen
class Place:
    """A place in the queue: ``who`` is the address's bucket, ``gone()`` whether the client has left, ``most`` the queue's limit
    and ``seconds`` the longest wait; ``full()`` is called when the limit is exceeded."""

    who: str = ""
    gone: Callable[[], bool] = lambda: False
    most: int = 1_000_000
    full: Callable[[], Any] = lambda: None
    seconds: float = 1e6


@attrs.frozen(eq=False)
class _Waiting:
    place: Place
    turn: Deferred[None] = attrs.field(factory=Deferred)


class Turns:
    """``at_once`` turns at any time, of which one address has ``each`` at most; ``refusal`` makes what is raised for those who get none."""

    def __init__(self, at_once: int, refusal: Callable[[], Overloaded], each: int | None = None) -> None:
        self._free = at_once
        self._each = at_once if each is None else each
        self._refusal = refusal
        self._queue = FairQueue[_Waiting]()
        self._having = Counter[str]()
        self._used = Counter[str]()
        self._halved = time.monotonic()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._queue)

    async def taken(self, place: Place) -> None:
        """Wait for a turn, which lasts until :meth:`over`. Raises ``Overloaded`` (503) if the queue is full, the wait too long or the client
        gone."""
        waiting = _Waiting(place)
        self._queue.push(place.who, waiting)
        self._next()
        if len(self._queue) > place.most:
            place.full()
            self._refuse(self._queue.drop(self._used.__getitem__))
        waiting.turn.addTimeout(place.seconds, _reactor(), lambda *_: Failure(self._refusal()))
        await waiting.turn

    def over(self, place: Place) -> None:
        """End a turn; the next one begins."""
        self._free += 1
        self._having[place.who] -= 1
        if not self._having[place.who]:
            del self._having[place.who]
        self._next()

    def _next(self) -> None:
        while self._free:
            try:
                waiting = self._queue.pop(self._used.__getitem__, self._may)
            except KeyError:
                return
            if waiting.turn.called:
                continue
            if waiting.place.gone():
                self._refuse(waiting)
                continue
            self._free -= 1
            self._having[waiting.place.who] += 1
            self._use(waiting.place.who)
            waiting.turn.callback(None)

    def _may(self, who: str) -> bool:
        return self._having[who] < self._each

    def _use(self, who: str) -> None:
        """Count one more use for ``who``. Counts are halved every minute."""
        if time.monotonic() - self._halved >= MINUTE:
            self._halved = time.monotonic()
            self._used = Counter({key: number // 2 for key, number in self._used.items() if number > 1})
        self._used[who] += 1

    def _refuse(self, waiting: _Waiting) -> None:
        if not waiting.turn.called:
            waiting.turn.errback(Failure(self._refusal()))


def _reactor() -> Any:
    from twisted.internet import reactor  # not at import time: commands choose their own

    return reactor
