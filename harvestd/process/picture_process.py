"""One child process that reads a picture which a stranger sent, with what bounds it from outside: a deadline, and the length of its answer.
Its own bounds, on memory and on the processor's time, it takes itself."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

from harvestd.kernel.errors import Overloaded

#: Bytes of its answer; characters of what it says of an error.
MAX_ANSWER, MAX_SAID = 16 * 1024 * 1024, 2000
#: One thread decodes, and memory is kept in one place, so that its bounds are those of the picture.
ALONE = {
    "VIPS_CONCURRENCY": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
log = Logger()


class NoPicture(Exception):
    """The file is refused: ``fault`` is ``kind`` (it is no picture of a kind that is taken), ``pixels`` (more than ``most``) or ``damaged``."""

    def __init__(self, fault: str, most: int = 0) -> None:
        super().__init__(fault)
        self.fault, self.most = fault, most


def overloaded() -> Overloaded:
    """What is raised where the machine is too slow, or too many wait."""
    return Overloaded("the server has no room for this at present; try again in a moment")


class Child(ProcessProtocol):
    """One run of a program of this folder. It is killed at its deadline (seconds), and if it says too much."""

    transport: Any

    def __init__(self, reactor: Any, program: str, deadline: float) -> None:
        self._reactor = reactor
        self._program, self._deadline = str(Path(__file__).parent / program), deadline
        self._answer, self._said = bytearray(), bytearray()
        self._late = self._wordy = False
        self._ended: Deferred[bytes] = Deferred()
        self._timer: Any = None

    def run(self, descriptor: int, task: str) -> Deferred[bytes]:
        """What the program writes. Fails with :class:`NoPicture` if the picture is its end."""
        quiet = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        words = [sys.executable, "-I", self._program, task]
        self._timer = self._reactor.callLater(self._deadline, self._too_late)
        files: Any = {0: descriptor, 1: "r", 2: "r"}
        self._reactor.spawnProcess(self, sys.executable, words, env=quiet | ALONE, childFDs=files)
        return self._ended

    def outReceived(self, data: bytes) -> None:
        self._answer += data
        if len(self._answer) > MAX_ANSWER and not self._wordy:
            self._wordy = True
            self.transport.signalProcess("KILL")

    def errReceived(self, data: bytes) -> None:
        self._said += data[: MAX_SAID - len(self._said)]

    def _too_late(self) -> None:
        self._late = True
        self.transport.signalProcess("KILL")

    def processEnded(self, reason: Any) -> None:
        if self._timer.active():
            self._timer.cancel()
        if reason.check(ProcessDone):
            return self._ended.callback(bytes(self._answer))
        why = reason.value
        log.warn("reading a picture ended: {why} {said}", why=why, said=self._said.decode("utf-8", "replace"))
        # Its own limits, or a decoder that crashed, are about the picture; anything else is about this machine.
        own = why.exitCode is not None or why.signal in (signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
        self._ended.errback(NoPicture("damaged") if (own or self._wordy) and not self._late else overloaded())
