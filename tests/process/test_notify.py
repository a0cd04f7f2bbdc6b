"""What the supervisor hears of a process, on a real socket of the kind that systemd has; what SIGHUP does under one."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from harvestd.process.notify import Supervisor
from servers import PostgresServer, wait_until
from tests.daemons import Daemon, request

Make = Callable[..., Daemon]


class Listener:
    """The supervisor's end."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(30)
        self.address = address

    def next(self) -> dict[str, str]:
        """The next datagram's values."""
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def until(self, name: str, value: str = "1") -> dict[str, str]:
        """The next that says so."""
        while True:
            heard = self.next()
            if heard.get(name) == value:
                return heard


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    made = Listener(str(tmp_path / "notify") if request.param == "path" else f"@harvest-test-{os.getpid()}")
    yield made
    made.socket.close()


def test_values_arrive_whole_and_the_variables_are_gone(listener: Listener) -> None:
    environ = {
        "NOTIFY_SOCKET": listener.address,
        "WATCHDOG_USEC": "3000000",
        "WATCHDOG_PID": str(os.getpid()),
        "A": "b",
    }
    supervisor = Supervisor(environ)
    assert environ == {"A": "b"}, "no process started from here speaks for this one"
    assert (supervisor.listens, supervisor.patience) == (True, 3.0)
    supervisor.ready("serving\nREADY=0")
    assert listener.next() == {"READY": "1", "STATUS": "serving READY=0"}, "a text cannot add a line of its own"


def test_being_alive_is_told_twice_in_its_patience(listener: Listener) -> None:
    supervisor, clock = Supervisor({"NOTIFY_SOCKET": listener.address, "WATCHDOG_USEC": "3000000"}), Clock()
    supervisor.watch(clock)
    assert listener.next() == {"WATCHDOG": "1"}
    clock.advance(1.5)
    assert listener.next() == {"WATCHDOG": "1"}
    listener.socket.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listener.next()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "3000000"},
        {"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "3000000"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "soon"},
    ],
)
def test_nobody_listens(environ: dict[str, str]) -> None:
    supervisor = Supervisor(environ)
    supervisor.ready("serving")  # never fails
    assert supervisor.patience == 0.0


# --- a real process ---


@pytest.fixture
def ear(folder: Path) -> Iterator[Listener]:
    made = Listener(str(folder / "notify"))
    yield made
    made.socket.close()


@pytest.fixture
def supervised(
    api: Make, postgres: PostgresServer, ear: Listener, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Daemon]]:
    """Starts an API under a supervisor, and waits until that knows it to be ready."""
    database = postgres.clone()

    def start(patience: float = 30.0, **settings: Any) -> Daemon:
        monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
        monkeypatch.setenv("WATCHDOG_USEC", str(int(patience * 1e6)))
        daemon = api(database_url=postgres.url(database), **settings)
        daemon.begin()
        return daemon

    yield start
    postgres.drop(database)


def test_a_process_is_ready_when_it_answers_and_stops_with_a_word(
    supervised: Callable[..., Daemon], ear: Listener
) -> None:
    daemon = supervised(stop_grace=5)
    ready = ear.until("READY")
    assert str(daemon.port) in ready["STATUS"]
    with socket.create_connection(("127.0.0.1", daemon.port)) as idle:  # at once, without waiting for anything else
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        ear.until("STOPPING")
        wait_until("it takes no more connections", lambda: refused(daemon.port), 5)
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        idle.settimeout(5)
        answer = idle.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200 "), "a connection that was open before is good for another request"
        assert b"Connection: close" in answer
    assert daemon.process.wait(10) == 0, "and the end does not wait for the grace of connections that are gone"


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return True
    return False


def test_a_process_that_hangs_is_not_heard_of(supervised: Callable[..., Daemon], ear: Listener) -> None:
    """The ticks come from the reactor: when that stands still, so do they, and the supervisor acts."""
    daemon = supervised(patience=0.4)
    ear.until("READY")
    for _ in range(3):
        ear.until("WATCHDOG")
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGSTOP)
    ear.socket.settimeout(0.4)
    with pytest.raises(TimeoutError):
        for _ in range(5):  # those that were under way
            ear.next()
    daemon.process.send_signal(signal.SIGCONT)
    ear.socket.settimeout(10)
    ear.until("WATCHDOG")
    assert daemon.stop() == 0


def test_hang_up_under_a_supervisor_reads_the_settings_again(
    supervised: Callable[..., Daemon], ear: Listener, folder: Path
) -> None:
    (folder / "harvest.toml").write_text('market_name = "One"\n')
    daemon = supervised()
    ear.until("READY")
    assert daemon.process is not None

    def hang_up(text: str, said: str) -> None:
        (folder / "harvest.toml").write_text(text)
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGHUP)
        assert int(ear.until("RELOADING")["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        ear.until("READY")
        wait_until(said, lambda: said in daemon.log.read_text(), 5)

    hang_up(
        'market_name = "Two"\nlog_level = "debug"\n', "log_level taken; changed, and waiting for a restart: market_name"
    )
    hang_up('market_name = "Two"\nlog_level = "warn"\n', "waiting for a restart: market_name")
    waiting = [line for line in daemon.log.read_text().splitlines() if "waiting for a restart" in line]
    assert len(waiting) == 2 and all(" warn " in line for line in waiting), "whatever the level is"
    hang_up('market_name = "Two"\nlog_level = "debug"\n', "log_level taken")
    hang_up("log_level = 'loud'\n", "nothing is reloaded, since a setting is wrong")
    hang_up("queues = 'parcels'\n", "there is no such queue")
    assert request(daemon.port, "GET", "/api/market")[1]["name"] == "One"
    assert daemon.stop() == 0
    assert " debug [runtime.lifecycle.Lifecycle] stopping web" in daemon.log.read_text(), "it says more since the first"


def test_children_do_not_speak_for_their_parent(supervised: Callable[..., Daemon], ear: Listener) -> None:
    daemon = supervised(processes=2)
    ear.until("READY")
    wait_until("there is a child", lambda: "process 2 is " in daemon.log.read_text(), 10)
    child = int(daemon.log.read_text().rsplit("process 2 is ", 1)[1].split()[0])

    def environment() -> bytes:
        return Path(f"/proc/{child}/environ").read_bytes()

    wait_until("it is a program of its own", lambda: b"HARVEST_CHILD=1" in environment(), 10)
    environ = environment()
    assert b"NOTIFY_SOCKET" not in environ
    assert b"WATCHDOG" not in environ
    assert daemon.stop() == 0
