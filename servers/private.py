"""What every private server has: a folder, an account, a process, faults, and an end."""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil
import pytest

from harvestd.store.embedded import binaries
from servers.pace import Pace
from servers.ports import free_port

#: Where Linux has files in memory, and the bytes that must be free there.
MEMORY, ROOM = Path("/dev/shm"), 6 << 30
DISK = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir())
PREFIX = "harvest-tests-"


class PrivateServer(ABC):
    """A server of one process (and its children) in ``folder``. A subclass says how it is started and when it answers.

    ``unprivileged`` ones run under the account that the embedded database would get, since they refuse root.
    """

    name = "server"
    unprivileged = False
    patience = 30.0
    #: What asks it to end in order.
    polite = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = temporary_folder(self.name)
        self.port = free_port()
        self.who = binaries.account()
        self.process: subprocess.Popen[bytes] | None = None
        self.own(self.folder)

    @abstractmethod
    def command(self) -> list[str]:
        """What is run."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it can be used now; called until it is. OSError counts as no."""

    def environment(self) -> dict[str, str]:
        """What it runs with, beside PATH and HOME."""
        return {}

    @property
    def log(self) -> str:
        """The end of what it printed."""
        path = self.folder / "output"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def own(self, path: Path) -> None:
        """Give a path to the account that the server runs under."""
        if self.unprivileged and self.who.drop:
            os.chown(path, self.who.uid, self.who.gid)

    def __enter__(self) -> Self:
        """Started; it is removed at the end, also when it does not start."""
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it and do not wait. On the main thread: the server ends with the thread that started it."""
        assert self.process is None
        account = {"user": self.who.uid, "group": self.who.gid, "extra_groups": []}
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"} | self.environment()
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder, env=env,
                start_new_session=True, preexec_fn=die_with_parent,
                **(account if self.unprivileged and self.who.drop else {}),
            )  # fmt: skip

    def wait(self) -> None:
        """Until it answers."""
        wait_until(f"{self.name} answers", self._answers, self.patience)

    def stop(self) -> None:
        """In order, frozen or not; SIGKILL for what does not end."""
        if self.process is None:
            return
        process, self.process = self.process, None
        signal_tree(process.pid, signal.SIGCONT)
        family = tree(process.pid)
        process.send_signal(self.polite)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        end(family)
        process.wait(10)

    def kill(self) -> None:
        """SIGKILL it and its children, frozen or not."""
        assert self.process is not None
        process, self.process = self.process, None
        end(tree(process.pid))
        process.wait(10)

    def restart(self) -> None:
        """Kill and start."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, even new ones are taken by the kernel, and nothing answers."""
        assert self.process is not None
        signal_tree(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        signal_tree(self.process.pid, signal.SIGCONT)

    def remove(self) -> None:
        """End it and delete its folder."""
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended at its start:\n{self.log}")
        try:
            return self.answers()
        except OSError:
            return False


def wait_until(what: str, condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Poll ``condition`` (blocking); AssertionError naming ``what`` after ``seconds``, as the machine gave them."""
    if condition():
        return
    end, pace = time.monotonic() + seconds, Pace()
    while not condition():
        assert time.monotonic() < end or not pace.passed(seconds), f"{what}: not within {seconds:g} s"
        time.sleep(0.01)


def temporary_folder(kind: str, disk: bool = False) -> Path:
    """A private folder with a short path; folders whose pytest is gone are deleted. It is in memory where there is room, in
    which a database is copied in a sixth of the time, unless it has to be on a ``disk``."""
    for old in itertools.chain(*(base.glob(f"{PREFIX}*-*") for base in (DISK, MEMORY))):
        pid = old.name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(old, ignore_errors=True)
    base = DISK if disk else shared_base()
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-{kind}-", dir=base))


def shared_base() -> Path:
    """Where folders are that need not be on a disk: in memory where there is room."""
    return MEMORY if _room(MEMORY) >= ROOM else DISK


def _room(folder: Path) -> int:
    try:
        noexec = os.statvfs(folder).f_flag & os.ST_NOEXEC
        return shutil.disk_usage(folder).free if os.access(folder, os.W_OK) and not noexec else 0
    except OSError:
        return 0


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def signal_tree(pid: int, number: int) -> None:
    """Send a signal to a process and all its descendants."""
    for process in tree(pid):
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            pass


def end(family: list[psutil.Process]) -> None:
    """SIGKILL whichever is still there."""
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            pass


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def die_with_parent() -> None:
    """Between fork and exec: have the kernel end this process with its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG; survives exec, not a change of uid


def needed(program: str, package: str) -> str:
    """The path of a server's program. Where it is not installed its tests are skipped, and fail with ``CI=true``."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin:/usr/lib/rabbitmq/bin")
    if found is None:
        absent(f"{program} is not installed: apt install {package}, or make install-servers")
    assert found is not None
    return found


def absent(why: str) -> None:
    """Skip the test that needs what is not there; with ``CI=true`` fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)
