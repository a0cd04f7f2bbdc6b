"""The daemon as real ``twistd`` processes on a private PostgreSQL, and clients that load it over sockets.

The clients are threads with blocking sockets: they stand for other people's programs, and share nothing with the daemon.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import attrs

from servers import free_port as free_port
from servers import wait_until

TWISTD = Path(sys.executable).parent / "twistd"
HARVESTCTL = Path(sys.executable).parent / "harvestctl"
PASSWORD = "a long walk to market"
#: The logs of all daemons so far, and how far tests/slow.py has read each.
LOGS: dict[Path, int] = {}
#: Settings of all daemons in a run of the tests, by tests/slow.py; empty for others who start some, such as benchmarks.
WATCH: dict[str, Any] = {}


class Program(Protocol):
    """A running program: a :class:`subprocess.Popen`, or as much of one."""

    returncode: int | None

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def kill(self) -> None: ...


#: Descriptors of what a program reads, says, and complains to.
Files = tuple[int, int, int]
#: Of a program, its arguments, its environment, its working folder, and its files.
Starter = Callable[[Path, Sequence[str], Mapping[str, str], Path, Files], Program]


def executed(program: Path, words: Sequence[str], env: Mapping[str, str], cwd: Path, files: Files) -> Program:
    """Start a program in a session of its own, as a shell would."""
    stdin, stdout, stderr = files
    return subprocess.Popen(
        [program, *words], env=dict(env), cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
    )


#: How programs are started where the start itself is not what is tested; in a run of the tests by tests/forking.py.
START: list[Starter] = [executed]


def environment(data: Path, **settings: Any) -> dict[str, str]:
    """The test's own settings and nothing of the person's who runs it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HARVEST_")}
    ours = {"DATA_DIR": data, "RATE_LIMITS": "false", "DEMO": "false", "QUEUE_LEASE": 5, "QUEUE_RETRY_SCALE": 0.05}
    ours |= {"MAILS_PER_RECIPIENT": 100_000}  # a farm of these markets has a week's orders in a minute
    ours |= WATCH | {name.upper(): value for name, value in settings.items()}
    return clean | {f"HARVEST_{name}": str(value) for name, value in ours.items()} | {"HARVEST_TESTING": "1"}


class Daemon:
    """One process of a plugin. Its output is in ``log``."""

    def __init__(self, plugin: str, folder: Path, **settings: Any) -> None:
        self.plugin = plugin
        self.folder = folder
        self.settings = settings
        self.port = int(settings.get("http_port", 0))
        self.log = folder / f"{plugin}-{id(self):x}.log"
        LOGS[self.log] = 0
        self.process: Program | None = None
        #: None: as all are.
        self.starter: Starter | None = None

    def begin(self, **settings: Any) -> None:
        """Start it, with further settings for this once."""
        words = ("--nodaemon", "--pidfile=", self.plugin)
        env = environment(self.folder, **(self.settings | settings))
        with open(os.devnull, "rb") as nothing, open(self.log, "ab") as log:
            files = (nothing.fileno(), log.fileno(), log.fileno())
            self.process = (self.starter or START[-1])(TWISTD, words, env, self.folder, files)

    def start(self, **settings: Any) -> None:
        """Start it and, where it serves, wait until it is ready."""
        self.begin(**settings)
        if self.port:
            wait_until(f"{self.plugin} is ready", self._ready, 30)

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            return request(self.port, "GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; answers its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.plugin} did not stop:\n{self.log.read_text()[-4000:]}") from None


def ctl(
    folder: Path, *arguments: str, standard_input: bytes = b"", **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Run harvestctl; ``standard_input`` of less than 64 KiB comes through a pipe."""
    env = environment(folder, **settings)
    with tempfile.TemporaryFile() as output:
        code = run(HARVESTCTL, arguments, env, folder, output.fileno(), output.fileno(), standard_input)
        output.seek(0)
        return subprocess.CompletedProcess((HARVESTCTL, *arguments), code, output.read().decode())


def run(
    program: Path, words: Sequence[str], env: Mapping[str, str], cwd: Path, stdout: int, stderr: int, given: bytes = b""
) -> int:
    """Run a program that writes to these descriptors; answers its exit code."""
    if given:
        stdin, write = os.pipe()
        with open(write, "wb") as pipe:
            pipe.write(given)
    else:
        stdin = os.open(os.devnull, os.O_RDONLY)
    try:
        process = START[-1](program, words, env, cwd, (stdin, stdout, stderr))
    finally:
        os.close(stdin)
    try:
        return process.wait(300)
    finally:
        process.kill()


@contextmanager
def unread() -> Iterator[int]:
    """The end of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    try:
        yield write
    finally:
        os.close(write)


def told(program: Path, words: Sequence[str], env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program; what it says and what it complains of, each by itself."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        code = run(program, words, env, cwd, stdout.fileno(), stderr.fileno())
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess((program, *words), code, stdout.read().decode(), stderr.read().decode())


def request(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, timeout: float = 30
) -> tuple[int, Any, dict[str, str]]:
    """One exchange on a connection of its own: status, decoded JSON, headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        return exchange(connection, method, path, body, headers)
    finally:
        connection.close()


def connect(port: int, context: ssl.SSLContext | None = None, timeout: float = 20) -> http.client.HTTPConnection:
    """A connection that is not open yet; over TLS with a context."""
    if context is not None:
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
    return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any, dict[str, str]]:
    """One exchange on an open connection."""
    sent = dict(headers or {})
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        sent["Content-Type"] = "application/json"
    connection.request(method, path, data, sent)
    response = connection.getresponse()
    raw = response.read()
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    found = json.loads(raw) if kind.endswith(("/json", "+json")) else raw
    return response.status, found, {name.lower(): value for name, value in response.headers.items()}


def register(port: int, tag: str, role: str = "buyer", farm: str | None = None) -> tuple[str, dict[str, Any]]:
    """A new account: its access token, and the user."""
    body = {"email": f"{tag}@example.org", "username": tag, "password": PASSWORD, "name": tag.title(), "role": role}
    status, answer, _ = request(port, "POST", "/api/auth/register", body | ({"farm_name": farm} if farm else {}))
    assert status == 201, answer
    return answer["access_token"], answer["user"]


@attrs.frozen
class Job:
    """An order to place: the whole request is in it, so that it can be sent again."""

    key: str
    token: str
    lines: tuple[tuple[str, str], ...]


@attrs.define
class Book:
    """What clients were told: order id by key for every 201, and counts of the other answers; ``begun`` jobs in all."""

    begun: int = 0
    acknowledged: dict[str, str] = attrs.field(factory=dict)
    refused: dict[int, int] = attrs.field(factory=dict)
    retried: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    wrong: list[str] = attrs.field(factory=list)


class Clients:
    """Sixteen clients that work through jobs, of which there may be no end until somebody says ``enough``. One whose
    connection breaks, or who is told to wait, sends the same request again with the same key, as a good client does;
    whatever else is wrong is noted in the book. Each rests for ``pause`` seconds after a job."""

    def __init__(
        self, port: Callable[[], int], jobs: Iterable[Job], number: int = 16, patience: float = 60.0,
        context: ssl.SSLContext | None = None, pause: float = 0.0,
    ) -> None:  # fmt: skip
        self.book = Book()
        self._context = context
        self._pause = pause
        self._port = port
        self._patience = patience
        self._jobs = iter(jobs)
        self._enough = False
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        self._began = time.monotonic()

    def begin(self) -> None:
        """Start them all."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def enough(self) -> None:
        """Begin no further job."""
        self._enough = True

    @property
    def working(self) -> bool:
        """Whether any of them still works."""
        return any(thread.is_alive() for thread in self._threads)

    def finish(self, seconds: float = 300) -> Book:
        """Wait for them; AssertionError when they take longer."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        assert not self.working, f"clients were not done within {seconds:g} s: {self.book}"
        self.book.seconds = time.monotonic() - self._began
        return self.book

    def _work(self) -> None:
        connection = None
        while (job := self._next()) is not None:
            connection = self._place(job, connection)
            time.sleep(self._pause)
        if connection is not None:
            connection.close()

    def _next(self) -> Job | None:
        with self._lock:
            job = None if self._enough else next(self._jobs, None)
            self.book.begun += job is not None
        return job

    def _place(self, job: Job, connection: Any) -> Any:
        body = {"lines": [{"product_id": p, "quantity": q} for p, q in job.lines]}
        headers = {"Authorization": f"Bearer {job.token}", "Idempotency-Key": job.key}
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                if connection is None:
                    connection = connect(self._port(), self._context)
                status, answer, sent = exchange(connection, "POST", "/api/orders", body, headers)
            except (OSError, http.client.HTTPException):
                connection = self._again(connection, 0.05)
                continue
            with self._lock:
                self.book.slowest = max(self.book.slowest, time.monotonic() - began)
            if status in (502, 503, 504) or (status == 409 and answer["type"] == "/problems/key-in-flight"):
                if status == 503 and "retry-after" not in sent:
                    self.book.wrong.append(f"{job.key}: 503 without Retry-After")
                connection = self._again(connection, 0.1)
                continue
            self._note(job, status, answer)
            return connection
        self.book.wrong.append(f"{job.key}: no answer within {self._patience:g} s")
        return connection

    def _again(self, connection: Any, pause: float) -> None:
        with self._lock:
            self.book.retried += 1
        if connection is not None:
            connection.close()
        time.sleep(pause)

    def _note(self, job: Job, status: int, answer: Any) -> None:
        with self._lock:
            if status == 201:
                self.book.acknowledged[job.key] = answer["id"]
            elif status == 409:
                self.book.refused[status] = self.book.refused.get(status, 0) + 1
            else:
                self.book.wrong.append(f"{job.key}: {status} {answer}")
