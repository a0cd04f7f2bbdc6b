"""Programs of ours forked from a process that has imported what they import: a second of CPU less for each of the hundreds
that a run of the tests starts.

They are processes of their own in all else: session, environment, files, signals, exit code. What a program does from its very
start is seen where it is started as people start it: ``tests/service``, ``tests/process``, ``tests/journey``, ``tests/systemd``.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from tests.daemons import START, Files

#: What programs import. The reactor that comes with it is begun anew in each of them.
PRELOADED = (
    "harvestd.tables", "harvestd.ctl.check", "harvestd.ctl.demo", "harvestd.ctl.doctor", "harvestd.ctl.seed",
    "harvestd.ctl.import_directory", "harvestd.application", "harvestd.service.daemon", "harvestd.service.options",
    "harvestd.api", "harvestd.worker", "twisted.scripts.twistd", "twisted.application.app", "twisted.application.runner._runner",
)  # fmt: skip
#: In the environment of a program: have it end as Python does, for tests of what it says then.
WHOLE_END = "TESTS_WHOLE_END"
_HEADER = struct.Struct("!I")


class Forked:
    """A running program, with what the tests use of :class:`subprocess.Popen`."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.returncode: int | None = None
        self.pid = self._number(60)

    def _number(self, seconds: float) -> int:
        """The next that its parent says: the pid, then how it ended."""
        if not select.select([self._end], [], [], max(0.0, seconds))[0]:
            raise TimeoutError
        raw = self._end.recv(4, socket.MSG_WAITALL)
        if len(raw) < 4:
            raise RuntimeError("the process that forks programs has ended: see what it wrote")
        return int.from_bytes(raw, "big", signed=True)

    def poll(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The same, once it has ended; raises ``subprocess.TimeoutExpired``."""
        if self.returncode is None:
            try:
                self.returncode = self._number(timeout if timeout is not None else 86_400)
            except TimeoutError:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self._end.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


@contextmanager
def forked() -> Iterator[None]:
    """Have programs forked from here on."""
    made: list[Forker] = []

    def begin(program: Path, words: Sequence[str], env: Mapping[str, str], cwd: Path, files: Files) -> Forked:
        if not made:
            made.append(Forker())
        return made[0].begin(program, words, env, cwd, files)

    START.append(begin)
    yield
    START.pop()
    for forker in made:
        forker.end()


class Forker:
    """The process that forks them; it ends with this one."""

    def __init__(self) -> None:
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(theirs.fileno())], pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parents[1], stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def begin(self, program: Path, words: Sequence[str], env: Mapping[str, str], cwd: Path, files: Files) -> Forked:
        """Start ``harvestctl`` or ``twistd`` in a session of its own."""
        ours, theirs = socket.socketpair()
        request = json.dumps([str(program), list(words), dict(env), str(cwd)]).encode()
        with theirs:
            socket.send_fds(self._end, [_HEADER.pack(len(request))], [theirs.fileno(), *files])
            self._end.sendall(request)
        return Forked(ours)

    def end(self) -> None:
        """End it; what it has forked goes on."""
        self._end.close()
        self._process.wait(30)


def _serve(control: socket.socket) -> list[str] | None:
    """Fork what is asked for until nobody asks; the arguments of its program in the child."""
    running: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready in running:
                pid, end = running.pop(ready)
                poll.unregister(ready)
                os.close(ready)
                _tell(end, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                end.close()
                continue
            header, descriptors, _, _ = socket.recv_fds(control, 4, 4)
            if not header:
                return None
            request = control.recv(_HEADER.unpack(header)[0], socket.MSG_WAITALL)
            pid = os.fork()
            if not pid:
                for pidfd, (_, end) in running.items():
                    os.close(pidfd)
                    end.close()
                control.close()
                os.close(descriptors[0])
                return _become(json.loads(request), descriptors[1:])
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            end = socket.socket(fileno=descriptors[0])
            _tell(end, pid)
            pidfd = os.pidfd_open(pid)
            running[pidfd] = pid, end
            poll.register(pidfd, select.POLLIN)


def _tell(end: socket.socket, number: int) -> None:
    try:
        end.sendall(number.to_bytes(4, "big", signed=True))
    except OSError:
        pass  # nobody minds any more


def _become(request: tuple[str, list[str], dict[str, str], str], files: Sequence[int]) -> list[str]:
    program, words, env, cwd = request
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    time.tzset()
    return [program, *words]


def main() -> None:
    """Import, then fork; in the child run the program."""
    for name in PRELOADED:
        __import__(name)
    from harvestd.market.accounts import passwords
    from tests import hashes

    _let_go()
    gc.collect()
    gc.freeze()  # for good: a program that looks through all this as it ends takes 0.3 s of CPU
    arguments = _serve(socket.socket(fileno=int(sys.argv[1])))
    if arguments is None:
        return
    if hashes.VARIABLE not in os.environ:
        passwords._HASHER = hashes.CHEAP
    sys.argv = arguments
    _begin_anew()
    if Path(arguments[0]).name == "harvestctl":
        from harvestd.ctl import main as program
    else:
        from twisted.scripts.twistd import run as program
    if WHOLE_END in os.environ:
        sys.exit(program())
    _end(program)


def _let_go() -> None:
    """Close what the reactor has opened: it would be one and the same for all that are forked."""
    from twisted.internet import reactor

    reactor._poller.close()
    for number in (reactor.waker.i, reactor.waker.o):
        os.close(number)


def _begin_anew() -> None:
    """Make the reactor, which modules have by its name, as if it had been imported just now."""
    from twisted.internet import reactor

    reactor.__init__()


def _end(program: Callable[[], Any]) -> NoReturn:
    """Run it and end as Python does, but for taking all modules apart, which takes a tenth of a second of CPU."""
    try:
        sys.exit(program())
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        code = ended.code or 0
    threading._shutdown()
    atexit._run_exitfuncs()
    gc.collect()  # failed Deferreds that nobody holds log what they know
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
