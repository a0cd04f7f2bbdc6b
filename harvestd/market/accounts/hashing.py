"""Who waits for a password to be hashed: a bounded number, each address in turn, and nobody whose client has left.

A hash takes a core for a tenth of a second and 64 MiB, on purpose; so this queue is where a flood of sign-ins stands. Those come first
who had least of it lately, and when it is full, who had and wants most makes room: a crowd crowds out itself. On Linux the
threads give way to whatever else the process does.
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
#: How much nicer than the reactor the threads are. Those of a hash's lanes are made by them, and inherit it.
NICER = 5


def give_way() -> None:
    """Have the kernel run this thread after those of the ordinary priority. Linux alone has a priority for each thread."""
    if sys.platform == "linux":
        with suppress(OSError):  # a container may not let us
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(19, os.nice(0) + NICER))


@attrs.frozen
class Place:
    """Whose turn it is: ``who`` is the address's bucket, ``gone()`` whether the client has left, ``most`` how many may wait in
    all and for how many seconds, ``full()`` is told when that is not enough."""

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
    """``at_once`` threads that hash."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._threads = ThreadPoolExecutor(at_once, "hashing", give_way)
        self._queue = FairQueue[_Waiting]()
        self._used = Counter[str]()
        self._halved = time.monotonic()

    async def run(self, place: Place, work: Callable[..., Result], *arguments: Any) -> Result:
        """The result of ``work``, in a thread. ``Overloaded`` (503) where there is no room to wait, or nobody who does."""
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
        """One more for ``who``. What somebody had counts half as much a minute later."""
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
    from twisted.internet import reactor  # not when this is imported: commands choose theirs

    return reactor


def _refuse(waiting: _Waiting) -> None:
    if not waiting.done.called:
        waiting.done.errback(_overloaded())


def _too_long(_: object, __: float) -> Failure:
    return Failure(_overloaded())


def _overloaded() -> Overloaded:
    return Overloaded("too many people are signing in at once; try again in a moment")
