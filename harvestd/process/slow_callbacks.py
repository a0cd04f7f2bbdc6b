"""Reports what blocks the reactor: each callback that runs longer than a limit, with its stack at that moment.

CPU seconds distinguish computing from waiting, or from a machine busy with other things. For debugging: a thread
samples the running callback twice in each limit, so it costs a little all the time.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.logger import Logger

import harvestd

log = Logger()

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
        while True:
            time.sleep(self.limit / 2)
            since = self.since
            if since and not self.where and time.monotonic() - since > self.limit / 2:
                where = _at(self._main)
                if self.since == since:
                    self.where = where


def _at(thread: int) -> str:
    """A thread's position: the innermost frames of its stack, and our own innermost one if it is not among them.

    No source files are read, which would take many turns with that thread: its frames, and the objects they hold, are released soon.
    """
    frame = sys._current_frames().get(thread)
    steps = (
        [(at.f_code.co_name, at.f_code.co_filename, line) for at, line in traceback.walk_stack(frame)] if frame else []
    )
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
