"""Password hashing in a few threads, for which addresses take turns (``runtime/fair_turns.py``).

A hash deliberately takes a core for a tenth of a second and 64 MiB, so this is where a flood of sign-ins piles up. On Linux the threads
have a lower priority than the rest of the process.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from harvestd.kernel.errors import Overloaded
from harvestd.runtime.fair_turns import Place, Turns

Result = TypeVar("Result")
#: The niceness of the threads above the reactor's. The threads of a hash's lanes inherit it.
NICER = 5


def give_way() -> None:
    """Lower this thread's priority below the normal one. Only Linux has a priority for each thread."""
    if sys.platform == "linux":
        with suppress(OSError):  # a container may not permit it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(19, os.nice(0) + NICER))


class Hashing:
    """A pool of ``at_once`` hashing threads."""

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, "hashing", give_way)
        self.turns = Turns(at_once, _overloaded)

    async def run(self, place: Place, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run ``work`` in a thread. Raises ``Overloaded`` (503) if the queue is full, it takes longer than ``place.seconds``, with the wait,
        or the client is gone."""
        until = time.monotonic() + place.seconds
        await self.turns.taken(place)
        done: Deferred[Any] = Deferred()
        hashing = self._threads.submit(work, *arguments)
        hashing.add_done_callback(partial(_reactor().callFromThread, self._finished, place, done))
        done.addTimeout(max(0.0, until - time.monotonic()), _reactor(), _too_long)
        return cast(Result, await done)

    def _finished(self, place: Place, done: Deferred[Any], hashing: Future[Any]) -> None:
        self.turns.over(place)
        error = hashing.exception()
        if error is not None:
            done.errback(Failure(error))
        else:
            done.callback(hashing.result())


def _reactor() -> Any:
    from twisted.internet import reactor  # not at import time: commands choose their own

    return reactor


def _too_long(_: object, __: float) -> Failure:
    return Failure(_overloaded())


def _overloaded() -> Overloaded:
    return Overloaded("too many people are signing in at once; try again in a moment")
