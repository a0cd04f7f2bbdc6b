"""Programs of ours forked from a process that has imported what they import: a second of CPU less for each of the hundreds
that a run of the tests starts.

They are processes of their own in all else: session, environment, files, signals, exit code. What a program does from its very
start is seen where it is started as people start it: ``tests/service``, ``tests/process``, ``tests/journey``, ``tests/systemd``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.daemons import START

#: What programs import, but for what imports the reactor (klein, txredisapi, pika's adapter): each has a reactor of its own.
PRELOADED = (
    "harvestd.tables", "harvestd.ctl.check", "harvestd.ctl.demo", "harvestd.ctl.seed", "harvestd.ctl.import_directory",
    "harvestd.store.embedded.server", "harvestd.store.cache.near", "harvestd.web.gate", "harvestd.web.http.site", "harvestd.service.options",
    "harvestd.partners.mail", "twisted.scripts.twistd", "twisted.application.app", "twisted.application.runner._runner",
    "twisted.internet.epollreactor", "twisted.internet.ssl", "twisted.internet.threads", "twisted.protocols.tls",
    "twisted.web.server", "twisted.web.client", "treq", "pika.connection", "hiredis", "werkzeug.routing",
    "prometheus_client", "psycopg2.extras", "rich.progress", "jwt", "multipart",
)  # fmt: skip
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

    def begin(program: Path, words: Sequence[str], env: Mapping[str, str], cwd: Path, output: int) -> Forked:
        if not made:
            made.append(Forker())
        return made[0].begin(program, words, env, cwd, output)

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

    def begin(self, program: Path, words: Sequence[str], env: Mapping[str, str], cwd: Path, output: int) -> Forked:
        """Start ``harvestctl`` or ``twistd`` in a session of its own; ``output`` is the descriptor that it writes to."""
        ours, theirs = socket.socketpair()
        request = json.dumps([str(program), list(words), dict(env), str(cwd)]).encode()
        with theirs:
            socket.send_fds(self._end, [_HEADER.pack(len(request))], [theirs.fileno(), output])
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
            header, descriptors, _, _ = socket.recv_fds(control, 4, 2)
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
                return _become(json.loads(request), descriptors[1])
            os.close(descriptors[1])
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


def _become(request: tuple[str, list[str], dict[str, str], str], output: int) -> list[str]:
    program, words, env, cwd = request
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    time.tzset()
    return [program, *words]


def main() -> None:
    """Import, then fork; in the child run the program."""
    for name in PRELOADED:
        __import__(name)
    from harvestd.market.accounts import passwords
    from tests import hashes

    assert "twisted.internet.reactor" not in sys.modules, "each program has a reactor of its own"
    import gc

    gc.collect()
    gc.freeze()  # for good: a program that looks through all this as it ends takes 0.3 s of CPU
    arguments = _serve(socket.socket(fileno=int(sys.argv[1])))
    if arguments is None:
        return
    if hashes.VARIABLE not in os.environ:
        passwords._HASHER = hashes.CHEAP
    sys.argv = arguments
    if Path(arguments[0]).name == "harvestctl":
        from harvestd.ctl import main as program
    else:
        from twisted.scripts.twistd import run as program
    sys.exit(program())


if __name__ == "__main__":
    main()
