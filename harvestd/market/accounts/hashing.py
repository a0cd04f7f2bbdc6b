"""The queue for password hashing: bounded, fair between client addresses, and without requests whose client has left.

A hash deliberately takes a core for a tenth of a second and 64 MiB, so this queue is where a flood of sign-ins piles up. Addresses with
the least recent use go first; when the queue is full, the address with the most use and demand loses a place, so a flood crowds out
itself. On Linux the threads have a lower priority than the rest of the process.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from harvestd.kernel.errors import Overloaded
from harvestd.runtime.fair import FairQueue

Result = TypeVar("Result")
MINUTE = 60.0
#: The niceness of the threads above the reactor's. The threads of a hash's lanes inherit it.
NICER = 5


def give_way() -> None:
    """Lower this thread's priority below the normal one. Only Linux has a priority for each thread."""
    if sys.platform == "linux":
        with suppress(OSError):  # a container may not permit it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(19, os.nice(0) + NICER))


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
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    done: Deferred[Any] = attrs.field(factory=Deferred)


class Hashing:
    """A pool of ``at_once`` hashing threads."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._threads = ThreadPoolExecutor(at_once, "hashing", give_way)
        self._queue = FairQueue[_Waiting]()
        self._used = Counter[str]()
        self._halved = time.monotonic()

    async def run(self, place: Place, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run ``work`` in a thread. Raises ``Overloaded`` (503) if the queue is full, the wait too long or the client gone."""
        waiting = _Waiting(place, work, arguments)
        self._queue.push(place.who, waiting)
        self._next()
        if len(self._queue) > place.most:
            place.full()
            _refuse(self._queue.drop(self._used.__getitem__))
        waiting.done.addTimeout(place.seconds, _reactor(), _too_long)
        return cast(Result, await waiting.done)

    def _next(self) -> None:
        while self._free and len(self._queue):
            waiting = self._queue.pop(self._used.__getitem__)
            if waiting.done.called:
                continue
            if waiting.place.gone():
                _refuse(waiting)
                continue
            self._free -= 1
            self._use(waiting.place.who)
            hashing = self._threads.submit(waiting.work, *waiting.arguments)
            hashing.add_done_callback(partial(_reactor().callFromThread, self._finished, waiting.done))

    def _use(self, who: str) -> None:
        """Count one more use for ``who``. Counts are halved every minute."""
        if time.monotonic() - self._halved >= MINUTE:
            self._halved = time.monotonic()
            self._used = Counter({key: number // 2 for key, number in self._used.items() if number > 1})
        self._used[who] += 1

    def _finished(self, done: Deferred[Any], hashing: Future[Any]) -> None:
        self._free += 1
        self._next()
        error = hashing.exception()
        if error is not None:
            done.errback(Failure(error))
        else:
            done.callback(hashing.result())


def _reactor() -> Any:
    from twisted.internet import reactor  # not at import time: commands choose their own

    return reactor


def _refuse(waiting: _Waiting) -> None:
    if not waiting.done.called:
        waiting.done.errback(_overloaded())


def _too_long(_: object, __: float) -> Failure:
    return Failure(_overloaded())


def _overloaded() -> Overloaded:
    return Overloaded("too many people are signing in at once; try again in a moment")
