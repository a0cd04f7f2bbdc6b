"""Reports what blocks the reactor: each callback that runs longer than a limit, with its stack at that moment.

CPU seconds distinguish computing from waiting, or from a machine busy with other things. For debugging: a thread
looks at the running callback twice in each limit, so it costs a little all the time.

The thread does not read the stack of the reactor's: that one runs on while its frames are walked, and CPython 3.11 then hands out frames that are gone.
It sends a signal instead, and the reactor's thread reads its own stack where it is, or where the call that holds it in C returns to.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from twisted.logger import Logger

import harvestd

log = Logger()

#: The signal that asks the reactor's thread where it is: ignored by whoever has no handler for it, and used by nothing else here.
ASK = signal.SIGURG
#: The number of stack frames reported; where our code is (in a checkout all of it, including tests); and where libraries are.
PACKAGE = Path(harvestd.__file__).parent
STEPS, LIBRARIES = 4, "/site-packages/"
OURS = str(PACKAGE if LIBRARIES in str(PACKAGE) else PACKAGE.parent)


class Watch:
    """The reactor's present callback: since when (monotonic seconds; 0: waiting), from which CPU second of its thread
    on and, once it is late, its stack."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.since = 0.0
        self.cpu = 0.0
        self.where = ""
        self._main = threading.get_ident()

    def run(self, what: Callable[..., Any], args: Any, kwargs: Any, name: str) -> Any:
        if self.since:  # for a callback that runs the reactor's queue itself, the outer one is measured
            return what(*args, **kwargs)
        self.where = ""
        self.begin()
        try:
            return what(*args, **kwargs)
        finally:
            held, self.since = time.monotonic() - self.since, 0.0
            if held > self.limit:
                cpu, where = time.thread_time() - self.cpu, self.where or "an unknown place"
                log.warn(
                    "{what} held the reactor for {held:.3f} s ({cpu:.3f} s of CPU) at {where}",
                    what=name, held=held, cpu=cpu, where=where,
                )  # fmt: skip

    def begin(self) -> None:
        """Start timing the running callback."""
        self.since, self.cpu = time.monotonic(), time.thread_time()

    def look(self) -> None:
        """Ask the reactor's thread, again and again, where it is once a callback is late."""
        while True:
            time.sleep(self.limit / 2)
            if self._late():
                signal.pthread_kill(self._main, ASK)

    def sample(self, _number: int, frame: FrameType | None) -> None:
        """Keep where the late callback is: called in the reactor's thread, between two of its instructions."""
        if self._late():
            self.where = _at(frame)

    def _late(self) -> bool:
        since = self.since
        return bool(since) and not self.where and time.monotonic() - since > self.limit / 2


def _at(frame: FrameType | None) -> str:
    """The position in a stack: its innermost frames, and our own innermost one if it is not among them. No source files are read."""
    steps = [(at.f_code.co_name, at.f_code.co_filename, line) for at, line in traceback.walk_stack(frame)]
    ours = next((at for at, (_, filename, _) in enumerate(steps) if _is_ours(filename)), 0)
    shown = steps[:STEPS] + steps[ours : ours + 1] * (ours >= STEPS)
    return " < ".join(f"{name} ({filename}:{line})" for name, filename, line in shown)


def _is_ours(filename: str) -> bool:
    """Whether it is this project's code, other than this module."""
    inside = filename.startswith(OURS) and filename != __file__
    return inside and (LIBRARIES in OURS or LIBRARIES not in filename)


def report(reactor: Any, limit: float) -> Watch:
    """Log a warning for each callback of ``reactor`` that takes more than ``limit`` seconds: timed and thread calls,
    and all that a socket's readiness triggers."""
    watch = Watch(limit)
    signal.signal(ASK, watch.sample)
    threading.Thread(target=watch.look, name="slow-callbacks", daemon=True).start()
    poll = "_doReadOrWrite" if hasattr(reactor, "_doReadOrWrite") else "_doWriteOrRead"  # the latter is kqueue's
    ready = getattr(reactor, poll)
    later, from_thread = reactor.callLater, reactor.callFromThread

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        name = getattr(function, "__qualname__", None) or repr(function)

        def run(*args: Any, **kwargs: Any) -> Any:
            return watch.run(function, args, kwargs, name)

        run.__qualname__ = name  # the name shown when a timer is printed
        return run

    def handle(selectable: Any, *rest: Any) -> Any:
        return watch.run(ready, (selectable, *rest), {}, f"{type(selectable).__name__} {selectable!r:.120}")

    setattr(reactor, poll, handle)
    reactor.callLater = lambda delay, function, *args, **kwargs: later(delay, timed(function), *args, **kwargs)
    reactor.callFromThread = lambda function, *args, **kwargs: from_thread(timed(function), *args, **kwargs)
    return watch
