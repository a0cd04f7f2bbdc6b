"""How a process exits: gracefully on a first signal, at once on a second, and with a status that tells which it was.

twistd exits with status 0 when a service could not start, and kills itself with the signal that stopped it. Process
supervisors need the opposite: a nonzero status for a failed start, and 0 for a graceful shutdown.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from twisted.logger import Logger

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
log = Logger()


class ExitStatus:
    """The exit status of the process, overriding twistd's: 0 until something failed."""

    def __init__(self) -> None:
        self.code = 0
        self._kept = False

    def keep(self) -> None:
        """Make the interpreter exit with :attr:`code`. Called before anything else registers with ``atexit``, so that it runs last."""
        if not self._kept:
            self._kept = True
            atexit.register(self._leave)

    def _leave(self) -> None:
        if self.code:
            for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
                try:
                    if stream is not None:
                        stream.flush()
                except (OSError, ValueError):
                    pass
            os._exit(self.code)


exit_status = ExitStatus()

_last_acts: list[Callable[[], object]] = []


def at_the_very_end(act: Callable[[], object]) -> None:
    """Call ``act`` when the process is told to exit at once: for cleanup that would otherwise be skipped."""
    _last_acts.append(act)


def stop_on_signals(reactor: Any, hang_up: Callable[[], object] | None = None) -> None:
    """Stop the reactor at the first signal; at the second run the last acts, and exit. With ``hang_up``, SIGHUP calls that instead.

    To be called when the reactor runs, since it replaces the reactor's own handlers.
    """
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            _end_at_once(number)
        reactor.callFromThread(_stop, reactor, signal.Signals(number).name)

    def hung_up(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(hang_up)

    for number in SIGNALS:
        if number == signal.SIGHUP and hang_up is not None:
            signal.signal(number, hung_up)
        elif signal.getsignal(number) is not signal.SIG_IGN:  # nohup makes it ignore SIGHUP
            signal.signal(number, receive)


def _end_at_once(number: int) -> None:
    for act in _last_acts:
        try:
            act()
        except OSError:
            pass
    os._exit(128 + number)


def _stop(reactor: Any, name: str) -> None:
    log.info("{name} received: stopping (once more: at once)", name=name)
    if reactor.running and not reactor._stopped:
        reactor.stop()
