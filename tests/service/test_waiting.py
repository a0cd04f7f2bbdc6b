"""A daemon that starts before its database: it waits, says so, goes on by itself, and gives up when it said it would."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harvestd.store.embedded.folder_lock import FolderLock
from servers import PostgresServer, wait_until
from servers.postgres import TEMPLATE
from tests.daemons import Daemon, request
from tests.process.conftest import database_pid
from tests.process.test_notify import Listener

Make = Callable[..., Daemon]


def said(daemon: Daemon, words: str) -> None:
    wait_until(words, lambda: words in daemon.log.read_text(), 20)


def ended(daemon: Daemon) -> str:
    assert daemon.process is not None
    assert daemon.process.wait(30) == 1, daemon.log.read_text()
    text = daemon.log.read_text()
    assert "Traceback" not in text
    return text


@pytest.fixture
def away() -> Iterator[PostgresServer]:
    """A server with a migrated database, which does not run."""
    server = PostgresServer()
    try:
        server.start()
        server.query("postgres", f"create database market template {TEMPLATE}")
        server.stop()
        yield server
    finally:
        server.remove()


def test_a_database_that_comes_later_is_waited_for_and_the_supervisor_knows(
    api: Make, away: PostgresServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Listener(str(folder / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    daemon = api(database_url=away.url("market"))
    daemon.begin()
    while "EXTEND_TIMEOUT_USEC" not in (heard := ear.next()):
        pass
    assert heard["STATUS"].startswith("waiting for PostgreSQL: ")
    assert int(heard["EXTEND_TIMEOUT_USEC"]) > 5e6, "longer than a try"
    said(daemon, "waiting for PostgreSQL, for 60 s at most: PostgreSQL: ")
    away.start()
    ear.until("READY")
    assert request(daemon.port, "GET", "/health/ready")[0] == 200
    assert daemon.stop() == 0
    ear.socket.close()


def test_a_database_that_recovers_is_waited_for(api: Make, away: PostgresServer) -> None:
    """A standby that takes no connections answers as one does that recovers; it ends when it is promoted."""
    away.start()
    standby = PostgresServer(conf="hot_standby = off\n", primary=away)
    try:
        standby.begin()
        daemon = api(database_url=standby.url("market"))
        daemon.begin()
        said(daemon, "FATAL:  the database system is not")
        standby.run("pg_ctl", "promote", "-D", standby.data)
        said(daemon, "ready: the API is at")
        assert daemon.stop() == 0
    finally:
        standby.remove()


@pytest.mark.parametrize("plugin", ["harvest-api", "harvest-worker"])
def test_a_database_that_does_not_come_is_given_up_in_a_sentence(api: Make, away: PostgresServer, plugin: str) -> None:
    daemon = api(plugin, database_url=away.url("market"), database_start_deadline=0.5)
    daemon.begin()
    assert "the database does not answer, waited for during 0.5 s (database_start_deadline): " in ended(daemon)


def test_an_answer_that_waiting_does_not_change_is_told_at_once(api: Make, postgres: PostgresServer) -> None:
    daemon = api(database_url=postgres.url("nowhere"), database_start_deadline=600)
    daemon.begin()
    text = ended(daemon)
    assert 'database "nowhere" does not exist: correct database_url' in text
    assert "waiting for" not in text


def test_a_signal_ends_a_start_that_waits(api: Make, away: PostgresServer) -> None:
    daemon = api(database_url=away.url("market"), stop_deadline=60)
    daemon.begin()
    said(daemon, "waiting for PostgreSQL")
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(10) == 0


def test_a_worker_waits_for_the_embedded_database_of_an_api_that_starts(
    api: Make, folder: Path, database_url: str
) -> None:
    lock = FolderLock(folder)
    lock.take()
    try:
        worker = api("harvest-worker")
        worker.begin()
        said(worker, "is starting it")
        lock.tell({"url": database_url})
        said(worker, "ready, process of harvest-worker")
        assert worker.stop() == 0
    finally:
        lock.release()


def test_an_embedded_database_whose_recovery_does_not_advance_is_given_up(api: Make, folder: Path) -> None:
    daemon: Any = api()
    daemon.start()
    assert daemon.stop() == 0
    (folder / "postgres" / "recovery.signal").touch()
    with open(folder / "postgres" / "postgresql.conf", "a") as conf:
        conf.write("restore_command = 'sleep 600'\n")
    daemon.begin(database_start_deadline=1)
    text = ended(daemon)
    assert "still starting and has said nothing for 1 s (database_start_deadline)" in text
    assert database_pid(folder) is None
