"""One run of PostgreSQL's server as our child process, and the cleanup after an earlier daemon.

It runs in a session of its own, so that Ctrl-C reaches the daemon alone, which stops the database last.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from harvestd.runtime.lifecycle import sleep
from harvestd.runtime.patience import REPEAT, Patience
from harvestd.store.embedded.binaries import Binaries
from harvestd.store.embedded.cluster import Cluster, EmbeddedError, as_account, environment, failed

#: Escalation, in seconds: SIGINT disconnects all clients and checkpoints, SIGQUIT leaves the rest to crash recovery at
#: the next start, SIGKILL is for a server that does not react even to that.
ESCALATION = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
#: The log is rotated when it is larger, in bytes; one old one is kept.
MAX_LOG = 10_000_000


class Postmaster:
    """A running server. ``ended`` fires with its exit code, once."""

    log = Logger()

    def __init__(self, reactor: Any, cluster: Cluster, binaries: Binaries, sockets: Path, log: Path) -> None:
        self._reactor = reactor
        self._cluster = cluster
        self._log_file = log
        self._said_from = rotated(log)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets).replace(",", "\\,"),
            "unix_socket_permissions": "0700",
            "port": "5432",
        }
        command = [binaries.program("postgres"), "-D", str(cluster.folder)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with open(log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", env=environment(),
                start_new_session=True, **as_account(cluster.account),
            )  # fmt: skip
        self.ended: Deferred[int] = Deferred()
        self._logged = reactor.seconds()
        threading.Thread(target=self._watch, name="postmaster", daemon=True).start()

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    async def ready(self, patience: Patience) -> None:
        """Wait until it accepts connections, for as long as its recovery makes progress: from PostgreSQL 15 on it logs
        that every ten seconds. Raises ``EmbeddedError`` if it exits, or is silent for too long."""
        now = self._reactor.seconds
        heard, at, told = self._log_file.stat().st_size, now(), now()
        while True:
            if self.ended.called:
                raise failed("postgres", self.said(), self._cluster.folder)
            lines = pid_file(self._cluster.folder)
            if len(lines) > 7 and lines[0] == str(self.pid) and lines[7] == "ready":
                return
            await sleep(self._reactor, 0.01)
            if (size := self._log_file.stat().st_size) != heard:
                heard, at = size, now()
            if now() - at >= patience.seconds:
                raise EmbeddedError(
                    f"the embedded database is still starting and has said nothing for {patience.seconds:g} s "
                    f"(database_start_deadline); its last words are in {self._log_file}: look at its disk, or raise that setting"
                )
            if now() - told >= 1:
                told = now()
                patience.still("waiting for the embedded database, which recovers")
            if now() - self._logged >= REPEAT:
                self._logged = now()
                self.log.info("the embedded database is recovering; its log is {log}", log=str(self._log_file))

    async def stop(self) -> None:
        """Stop it, gracefully first."""
        for number, patience in ESCALATION:
            if self.ended.called:
                return
            if number != signal.SIGINT:
                self.log.warn("the embedded database does not stop, sending {signal}", signal=number.name)
            self._process.send_signal(number)
            await _until(self._reactor, lambda: bool(self.ended.called), patience)

    def said(self) -> str:
        """The log output of this run, at most the last 8 KB."""
        with open(self._log_file, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._said_from, size - 8192))
            return file.read().decode(errors="replace")

    def _watch(self) -> None:
        code = self._process.wait()
        try:
            self._reactor.callFromThread(self.ended.callback, code)
        except Exception:  # the reactor is gone, and every waiter with it
            pass


async def end_predecessor(reactor: Any, cluster: Cluster, sockets: Path) -> None:
    """Stop the server that a killed daemon left running on the folder, and remove a pid file that names an unrelated
    process, or a zombie that nobody reaps (containers without an init): PostgreSQL would refuse to start because of
    it."""
    lines = pid_file(cluster.folder)
    if not lines or not lines[0].isdigit() or not _exists(int(lines[0])):
        return  # PostgreSQL detects that itself
    pid = int(lines[0])
    if await deferToThread(_is_server_of, pid, cluster.folder):
        Logger().info("stopping the database server {pid} that an earlier daemon left", pid=pid)
        for number, patience in ESCALATION:
            if not _runs(pid):
                break
            os.kill(pid, number)
            await _until(reactor, lambda: not _runs(pid), patience)
    # Its backends exit with it, but slightly later, and must be gone before the file is removed.
    await _until(reactor, lambda: deferToThread(_nobody_works_in, cluster.folder), 10.0)
    if _exists(pid) and pid_file(cluster.folder)[:1] == [str(pid)]:
        Logger().warn("postmaster.pid names process {pid}, which is not the database's: deleting it", pid=pid)
        (cluster.folder / "postmaster.pid").unlink()
        (sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


async def _until(reactor: Any, condition: Callable[[], bool | Deferred[bool]], seconds: float) -> None:
    end = reactor.seconds() + seconds
    while not await maybeDeferred(condition) and reactor.seconds() < end:
        await sleep(reactor, 0.01)


def pid_file(folder: Path) -> list[str]:
    """The lines of postmaster.pid: pid, folder, start, port, socket folder, address, shared memory, status."""
    try:
        return [line.strip() for line in (folder / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def rotated(log: Path) -> int:
    """Rotate a log that has grown large; returns the offset of the next write."""
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size <= MAX_LOG:
        return size
    log.replace(log.with_name(log.name + ".1"))
    return 0


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _runs(pid: int) -> bool:
    """Whether it exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, IndexError):
        return _exists(pid)


def _is_server_of(pid: int, folder: Path) -> bool:
    said = subprocess.run(
        ["ps", "-ww", "-p", str(pid), "-o", "command="], capture_output=True, text=True, errors="replace"
    ).stdout
    return "postgres" in said and f"-D {folder}" in said


def _nobody_works_in(folder: Path) -> bool:
    """Whether it is no process's working directory, as it is for each of PostgreSQL's (as far as /proc tells)."""
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink() == folder:
                return False
        except OSError:
            continue
    return True
