"""Reports what holds the reactor: each callback that runs longer than a limit, with where it was at that moment.

For debugging: a thread looks at the running callback twice in each limit, so it costs a little all the time.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

log = Logger()


class _Watch:
    """What the reactor is doing now: since when (monotonic seconds; 0: waiting) and, once it is late, where."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.since = 0.0
        self.where = ""
        self._main = threading.get_ident()

    def run(self, what: Callable[..., Any], args: Any, kwargs: Any, name: str) -> Any:
        if self.since:  # a callback that runs the reactor's queue itself: the outer one is measured
            return what(*args, **kwargs)
        self.where = ""
        self.since = time.monotonic()
        try:
            return what(*args, **kwargs)
        finally:
            held, self.since = time.monotonic() - self.since, 0.0
            if held > self.limit:
                where = self.where or "an unknown place"
                log.warn("{what} held the reactor for {held:.3f} s at {where}", what=name, held=held, where=where)

    def look(self) -> None:
        while True:
            time.sleep(self.limit / 2)
            since = self.since
            if since and not self.where and time.monotonic() - since > self.limit / 2:
                frame = sys._current_frames().get(self._main)
                if frame is not None and self.since == since:
                    steps = traceback.extract_stack(frame)[-4:]
                    self.where = " < ".join(f"{s.name} ({s.filename}:{s.lineno})" for s in reversed(steps))


def report(reactor: Any, limit: float) -> None:
    """Log a warning for each callback of ``reactor`` that takes more than ``limit`` seconds: timed and thread calls,
    and everything that a socket's readiness sets off."""
    watch = _Watch(limit)
    threading.Thread(target=watch.look, name="slow-callbacks", daemon=True).start()
    poll = "_doReadOrWrite" if hasattr(reactor, "_doReadOrWrite") else "_doWriteOrRead"  # the latter is kqueue's
    ready = getattr(reactor, poll)
    later, from_thread = reactor.callLater, reactor.callFromThread

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        name = getattr(function, "__qualname__", None) or repr(function)
        return lambda *args, **kwargs: watch.run(function, args, kwargs, name)

    def handle(selectable: Any, *rest: Any) -> Any:
        return watch.run(ready, (selectable, *rest), {}, f"{type(selectable).__name__} {selectable!r:.120}")

    setattr(reactor, poll, handle)
    reactor.callLater = lambda delay, function, *args, **kwargs: later(delay, timed(function), *args, **kwargs)
    reactor.callFromThread = lambda function, *args, **kwargs: from_thread(timed(function), *args, **kwargs)
