"""Processes that each read one picture which a stranger sent, forked from a program that has imported what they need (``picture_template.py``): one for each
picture, so that whatever breaks breaks over its own. What bounds each from outside is here: a deadline, and the length of its answer."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, ProcessProtocol, Protocol
from twisted.logger import Logger

from harvestd.process.picture_process import ALONE, MAX_ANSWER, MAX_SAID, NoPicture, overloaded
from harvestd.process.picture_template import ENDED, MARK

_HERE = Path(__file__).parent
log = Logger()


class Forks:
    """The processes of one ``reactor``. The program that they come from is begun with the first picture; it ends when there has been none for a while, and
    when this is gone."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._template: _Template | None = None
        self._retire: Callable[[], Any] = int

    def run(self, program: str, descriptor: int, task: str, deadline: float) -> Deferred[bytes]:
        """What ``program`` of this folder writes of the picture in the file ``descriptor``. Fails with :class:`NoPicture` if the picture is its end, with
        ``Overloaded`` if it is killed from outside, or takes more than ``deadline`` seconds."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            template = self._sent(program, task.encode(), [descriptor, theirs.fileno()])
            answer = _Answer(self._reactor, template, deadline)
            factory = Factory.forProtocol(lambda: answer)
            factory.noisy = False
            ours.setblocking(False)
            self._reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
        return answer.whole

    def _sent(self, program: str, task: bytes, files: Sequence[int]) -> _Template:
        """The program that has taken a task: the one that there is, unless it is another, or has ended meanwhile."""
        template = self._template
        if template is None or template.program != program or not template.sent(task, files):
            self._retire()
            template = self._template = _Template(self._reactor, program)
            self._retire = weakref.finalize(self, template.retire)  # with this at the latest
            if not template.sent(task, files):
                raise overloaded()
        return template


class _Template(ProcessProtocol):
    """The program, from its start to its end."""

    transport: Any

    def __init__(self, reactor: Any, program: str) -> None:
        self.program = program
        self._at_work, self._there = 0, True
        self._tasks, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._tasks.setblocking(False)
        self._said = tempfile.TemporaryFile()
        quiet = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        words = [sys.executable, "-I", str(_HERE / "picture_template.py"), str(_HERE / program)]
        with theirs, open(os.devnull, "wb") as nothing:
            files = {0: theirs.fileno(), 1: nothing.fileno(), 2: self._said.fileno()}
            reactor.spawnProcess(self, sys.executable, words, env=quiet | ALONE, childFDs=files)

    def sent(self, task: bytes, files: Sequence[int]) -> bool:
        """Have a task done; False if the program takes no more."""
        try:
            socket.send_fds(self._tasks, [task], files)
        except OSError:
            return False
        self._at_work += 1
        return True

    def done(self) -> None:
        """Note that a task has ended."""
        self._at_work -= 1
        if not self._at_work and self._tasks.fileno() < 0 and self._there:
            self.transport.signalProcess("KILL")  # it may hang, and has nothing left to do

    def retire(self) -> None:
        """Let it end, with its last task."""
        self._tasks.close()

    def said(self) -> str:
        """What was written of errors at last."""
        if self._said.closed:
            return ""
        self._said.seek(max(0, os.fstat(self._said.fileno()).st_size - MAX_SAID))
        return self._said.read(MAX_SAID).decode("utf-8", "replace")

    def processEnded(self, reason: Any) -> None:
        self._there = False
        self._tasks.close()
        self._said.close()


class _Answer(Protocol):
    """What a process writes, and then how it has ended. It is killed at its deadline (seconds), and if it says too much."""

    transport: Any

    def __init__(self, reactor: Any, template: _Template, deadline: float) -> None:
        self._template = template
        self._answer, self._late, self._wordy = bytearray(), False, False
        self._timer = reactor.callLater(deadline, self._too_late)
        self.whole: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self._answer += data
        if len(self._answer) > MAX_ANSWER + ENDED.size and not self._wordy:
            self._wordy = True
            self.transport.abortConnection()

    def _too_late(self) -> None:
        """The program itself might hang, so nobody is to wait for it again."""
        self._late = True
        self._template.retire()
        self.transport.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:
        if self._timer.active():
            self._timer.cancel()
        self._template.done()
        status = None if self._late or self._wordy else _status(self._answer)
        if status == 0:
            return self.whole.callback(bytes(self._answer[: -ENDED.size]))
        log.warn("reading a picture ended: {why} {said}", why=self._why(status), said=self._template.said())
        # Its own limits, or a decoder that crashed, are about the picture; anything else is about this machine.
        own = status is not None and (os.WIFEXITED(status) or os.WTERMSIG(status) in _OWN)
        self.whole.errback(NoPicture("damaged") if own or self._wordy else overloaded())

    def _why(self, status: int | None) -> str:
        if status is None:
            return "too late" if self._late else "it said too much" if self._wordy else "the program is gone"
        return f"exit code {os.WEXITSTATUS(status)}" if os.WIFEXITED(status) else f"signal {os.WTERMSIG(status)}"


def _status(answer: bytearray) -> int | None:
    """How the process of a whole answer has ended; None for one that is not whole."""
    if len(answer) < ENDED.size:
        return None
    mark, status, _, _ = ENDED.unpack(answer[-ENDED.size :])
    return int(status) if mark == MARK else None


#: Signals that are about the picture.
_OWN = (signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
