"""Turns at work that few can do at once: a bounded queue, fair between client addresses, and without requests whose client has left.

Password hashes, pictures and bodies with files wait here, since each takes a core for a while, so this is where a flood of them piles up. Who
is next, who loses a place when the queue is full, and how long somebody waits at most, says :mod:`harvestd.runtime.turn_queue`: a flood crowds out
itself, from however many networks it comes.
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
from harvestd.runtime.turn_queue import TurnQueue, network_of

#: Seconds after which half of the use is forgotten.
MINUTE = 60.0


@attrs.frozen
class Place:
    """A place in the queue: ``who`` is the address's bucket, ``gone()`` whether the client has left, ``most`` the queue's limit
    and ``seconds`` the longest wait; ``full()`` is called when either is exceeded."""

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

    def __init__(
        self,
        at_once: int,
        refusal: Callable[[], Overloaded],
        each: int | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free = at_once
        self._each = at_once if each is None else each
        self._refusal = refusal
        self._seconds = seconds
        self._queue = TurnQueue[_Waiting](seconds)
        self._having = Counter[str]()
        self._used = Counter[str]()
        self._halved = seconds()

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
            self._make_room(place)
        waiting.turn.addTimeout(place.seconds, _reactor(), lambda *_: self._too_long(place))
        await waiting.turn

    def over(self, place: Place) -> None:
        """End a turn; the next one begins."""
        self._free += 1
        self._having[place.who] -= 1
        if not self._having[place.who]:
            del self._having[place.who]
        self._next()

    def _make_room(self, place: Place) -> None:
        """Take out those who wait no more; if there are none, somebody loses a place."""
        self._forget()
        if len(self._queue) > place.most:
            place.full()
            self._refuse(self._queue.drop(self._used.__getitem__))

    def _forget(self) -> None:
        """Take out those who wait no more, so that none of them has a turn that is their network's."""
        for waiting in self._queue.sweep(lambda one: one.turn.called or one.place.gone()):
            self._refuse(waiting)

    def _too_long(self, place: Place) -> Failure:
        place.full()
        return Failure(self._refusal())

    def _next(self) -> None:
        while self._free:
            self._forget()
            try:
                waiting = self._queue.pop(self._used.__getitem__, self._may)
            except KeyError:
                return
            self._free -= 1
            self._having[waiting.place.who] += 1
            self._use(waiting.place.who)
            waiting.turn.callback(None)

    def _may(self, who: str) -> bool:
        return self._having[who] < self._each

    def _use(self, who: str) -> None:
        """Count one more use for ``who`` and their network. Counts are halved every minute."""
        if self._seconds() - self._halved >= MINUTE:
            self._halved = self._seconds()
            self._used = Counter({key: number // 2 for key, number in self._used.items() if number > 1})
        self._used.update({who, network_of(who)})

    def _refuse(self, waiting: _Waiting) -> None:
        if not waiting.turn.called:
            waiting.turn.errback(Failure(self._refusal()))


def _reactor() -> Any:
    from twisted.internet import reactor  # not at import time: commands choose their own

    return reactor
