"""``twistd harvest-api`` and ``harvest-worker`` as processes: how they start, stop, fail to start, and are mended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from harvestd.settings.rows import ROWS
from harvestd.settings.table import OF_THE_API
from servers import PostgresServer, free_port, wait_until
from tests import slow
from tests.daemons import TWISTD, Daemon, ctl, environment, register, request, run, told, unread
from tests.forking import WHOLE_END
from tests.process.conftest import database_pid

Make = Callable[..., Daemon]


def failed(daemon: Daemon) -> str:
    """What a daemon that must not start said; its status must not be 0."""
    daemon.begin()
    assert daemon.process is not None
    assert daemon.process.wait(30) == 1, daemon.log.read_text()
    said = daemon.log.read_text()
    assert "Traceback" not in said
    return said


def login(port: int, tag: str) -> int:
    body = {"email": f"{tag}@example.org", "password": "a long walk to market"}
    return request(port, "POST", "/api/auth/login", body)[0]


# --- start and stop ---


def test_what_was_stored_is_there_after_a_restart(api: Make, folder: Path) -> None:
    daemon = api(first=True, executed=True)
    daemon.start()
    register(daemon.port, "ada")
    assert daemon.stop() == 0
    assert database_pid(folder) is None, "the database is stopped with it"
    daemon.start()
    assert login(daemon.port, "ada") == 200
    assert daemon.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_an_orderly_stop(api: Make, folder: Path, number: signal.Signals) -> None:
    daemon = api(executed=True)
    daemon.start()
    assert daemon.process is not None
    daemon.process.send_signal(number)
    assert daemon.process.wait(20) == 0
    assert f"{number.name} received" in daemon.log.read_text()
    assert database_pid(folder) is None


def test_a_request_under_way_is_answered_before_the_end(api: Make) -> None:
    daemon = api(fail_points="transaction.before_commit=sleep:2", workers="off")
    daemon.start()
    assert daemon.process is not None
    with socket.create_connection(("127.0.0.1", daemon.port)) as client:
        body = json.dumps(
            {
                "email": "b@example.org",
                "username": "bob",
                "password": "a long walk to market",
                "name": "B",
                "role": "buyer",
            }
        )
        head = f"POST /api/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall((head + body).encode())
        wait_until("the request is under way", lambda: in_flight(daemon.port) > 1)
        daemon.process.send_signal(signal.SIGTERM)
        client.settimeout(20)
        assert client.recv(100).startswith(b"HTTP/1.1 201 ")
    assert daemon.process.wait(20) == 0


def in_flight(port: int) -> float:
    """Requests being worked on, that for this number included."""
    text = request(port, "GET", "/metrics")[1].decode()
    return float(next(line for line in text.splitlines() if line.startswith("harvest_http_in_flight")).split()[1])


def test_a_second_signal_ends_at_once(api: Make, folder: Path) -> None:
    daemon = api(fail_points="transaction.before_commit=hang@1", executed=True, workers="off", stop_deadline=60)
    daemon.start()
    assert daemon.process is not None
    with socket.create_connection(("127.0.0.1", daemon.port)) as client:
        body = '{"email":"b@example.org","username":"bob","password":"a long walk to market","name":"B","role":"buyer"}'
        head = f"POST /api/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall((head + body).encode())
        wait_until("the request is under way", lambda: in_flight(daemon.port) > 1)
        daemon.process.send_signal(signal.SIGTERM)
        wait_until("the first signal is heard", lambda: "SIGTERM received" in daemon.log.read_text())
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(5) == 128 + signal.SIGTERM
    wait_until("the database is gone, too", lambda: database_pid(folder) is None, 10)


def test_a_signal_while_it_starts(api: Make, folder: Path) -> None:
    daemon = api(first=True, executed=True)
    daemon.begin()
    wait_until("it has begun", lambda: "creating the embedded database" in daemon.log.read_text(), 20)
    assert daemon.stop() == 0
    assert "ready" not in daemon.log.read_text() or "stopped" in daemon.log.read_text()
    assert database_pid(folder) is None


def test_it_logs_as_the_settings_say(api: Make) -> None:
    daemon = api(log_format="json")
    daemon.start()
    daemon.stop()
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    ready = next(line["message"] for line in lines if line["message"].startswith("ready"))
    assert f"http://127.0.0.1:{daemon.port}/docs" in ready


def test_in_the_background_it_logs_to_a_file(folder: Path) -> None:
    port, pid_file, log = free_port(), folder / "pid", folder / "market.log"
    command = [TWISTD, f"--pidfile={pid_file}", f"--logfile={log}", "harvest-api", f"--http-port={port}"]
    subprocess.run(command, env=environment(folder), cwd=folder, check=True, timeout=30)
    try:
        wait_until("it is ready", lambda: log.exists() and " ready: the API is at" in log.read_text(), 30)
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
    wait_until("it is stopped", lambda: not pid_file.exists(), 20)
    assert "stopped" in log.read_text().splitlines()[-1]


def test_port_0_takes_a_free_one_and_says_which(api: Make) -> None:
    daemon = api(http_port=0)
    daemon.begin()
    wait_until("it is ready", lambda: "ready: the API is at http://127.0.0.1:" in daemon.log.read_text(), 30)
    port = int(daemon.log.read_text().split("the API is at http://127.0.0.1:")[1].split("/")[0])
    assert request(port, "GET", "/health")[0] == 200
    assert daemon.stop() == 0


def test_a_callback_that_holds_the_reactor_is_reported(api: Make) -> None:
    daemon = api(debug_slow_callback=0.001)
    daemon.start()
    daemon.stop()
    assert "held the reactor for" in daemon.log.read_text()


def test_no_step_of_a_start_holds_the_reactor(api: Make) -> None:
    """What takes long is done in a thread, or before the reactor runs: the types of all routes, their addresses, the collector."""
    daemon = api(executed=True)
    daemon.start()
    daemon.stop()
    assert [held for held in slow.reports(daemon.log.read_text()) if held.cpu > slow.LIMIT] == []


# --- starts that fail ---


def test_a_port_in_use(api: Make, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = failed(api(http_port=port, first=True, executed=True))
    assert f"port {port} on 127.0.0.1 is in use by " in said
    assert f"(process {os.getpid()})" in said, "whose it is"
    assert "HARVEST_HTTP_PORT" in said
    assert len(said.splitlines()) <= 2, "the port is looked at before anything else is started"
    assert not (folder / "postgres").exists()


def test_a_port_in_use_by_a_market_of_several_processes(api: Make, folder: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert "is in use" in failed(api(http_port=port, processes=2, first=True))


def test_a_data_folder_that_cannot_be(api: Make, folder: Path) -> None:
    (folder / "file").write_text("")
    said = failed(api(data_dir=folder / "file" / "data"))
    assert "is not a folder" in said
    assert "data_dir" in said


def test_a_data_folder_that_cannot_be_written(api: Make, folder: Path) -> None:
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    said = failed(api(data_dir="/proc/harvest" if os.geteuid() == 0 else locked / "data"))
    assert "data_dir" in said


def test_a_wrong_setting(api: Make) -> None:
    said = failed(api(first=True, http_port=123456, log_level="loud"))
    assert "http_port = '123456' (from HARVEST_HTTP_PORT)" in said
    assert "log_level = 'loud'" in said


def test_a_search_language_that_the_database_does_not_have(api: Make, folder: Path) -> None:
    said = failed(api(search_language="klingon"))
    assert "a setting is wrong: search_language = 'klingon': the database has no such" in said
    assert "english is always there" in said
    assert database_pid(folder) is None, "what was started before it failed is stopped"


def test_a_wrong_option(folder: Path) -> None:
    done = told(TWISTD, ["--nodaemon", "--pidfile=", "harvest-api", "--htp-port=1"], environment(folder), folder)
    assert done.returncode == 2
    assert "--help" in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("option", ["--http-port=99999", "--workers=maybe", "--config=nope.toml"])
def test_a_wrong_value_of_an_option_can_never_be_right(folder: Path, option: str) -> None:
    done = told(TWISTD, ["--nodaemon", "--pidfile=", "harvest-api", option], environment(folder), folder)
    assert (done.returncode, option.split("=")[0].strip("-") in done.stderr.replace("_", "-")) == (2, True), done.stderr


@pytest.mark.parametrize("option", ["--help", "--version", "--no-such-option"])
@pytest.mark.parametrize("plugin", ["harvest-api", "harvest-worker"])
def test_a_pipe_that_nobody_reads_is_no_fault(folder: Path, plugin: str, option: str) -> None:
    env = environment(folder) | {WHOLE_END: "1"}
    with tempfile.TemporaryFile() as other, unread() as pipe:
        files = (other.fileno(), pipe) if option == "--no-such-option" else (pipe, other.fileno())
        code = run(TWISTD, [plugin, option], env, folder, *files)
        other.seek(0)
        assert (code, other.read()) == (141, b"")


@pytest.mark.parametrize("plugin", ["harvest-api", "harvest-worker"])
def test_help_offers_what_the_process_does_something_by(folder: Path, plugin: str) -> None:
    done = told(TWISTD, [plugin, "--help"], environment(folder), folder)
    assert done.returncode == 0
    offered = {line.split("=")[0].strip() for line in done.stdout.splitlines() if line.startswith("  --")}
    of_the_api = {row.option for row in ROWS.values() if row.api}
    assert OF_THE_API <= ROWS.keys()
    assert {"--http-port", "--processes", "--demo", "--rate-login"} <= of_the_api
    assert {"--queues", "--database-url", "--metrics-port", "--config"} <= offered
    assert of_the_api <= offered if plugin == "harvest-api" else not of_the_api & offered
    assert told(TWISTD, [plugin, "--http-port=x"], environment(folder), folder).returncode == 2


def test_a_log_that_cannot_be_written(folder: Path) -> None:
    words = ["--nodaemon", "--pidfile=", f"--logfile={folder}/gone/log", "harvest-api"]
    done = told(TWISTD, words, environment(folder), folder)
    assert done.returncode == 1
    assert done.stderr == f"the log {folder}/gone/log cannot be written: No such file or directory; see --logfile\n"


def test_a_second_daemon_on_one_data_folder(api: Make) -> None:
    first = api()
    first.start()
    assert first.process is not None
    said = failed(api())
    assert f"is in use by the harvestd of process {first.process.pid}" in said
    assert request(first.port, "GET", "/health/ready")[0] == 200


def test_a_secret_that_others_can_read(api: Make, folder: Path) -> None:
    (folder / "secret").write_text("x" * 40)
    (folder / "secret").chmod(0o644)
    assert f"chmod 600 {folder}/secret" in failed(api())
    assert database_pid(folder) is None, "what was started before it failed is stopped"


def test_a_database_of_ones_own_that_is_not_there(api: Make) -> None:
    said = failed(api(database_url=f"postgresql://u:geheim@127.0.0.1:{free_port()}/market", database_start_deadline=0))
    assert "the database does not answer" in said
    assert "geheim" not in said


def test_a_database_of_ones_own_is_migrated_by_its_operator(api: Make, folder: Path, postgres: PostgresServer) -> None:
    url = postgres.url(postgres.clone(template="template0"))
    assert "run harvestctl migrate" in failed(api(database_url=url))
    assert ctl(folder, "migrate", database_url=url).returncode == 0
    daemon = api(database_url=url)
    daemon.start()
    assert daemon.stop() == 0


def test_a_worker_without_a_database(api: Make) -> None:
    said = failed(api("harvest-worker"))
    assert "no harvest-api runs on" in said
    assert "database_url" in said


# --- what is mended ---


def test_a_killed_predecessor(api: Make, folder: Path) -> None:
    daemon = api(executed=True)
    daemon.start()
    register(daemon.port, "ada")
    daemon.kill()
    left = database_pid(folder)
    assert left is not None, "its database goes on without it"
    daemon.start()
    assert login(daemon.port, "ada") == 200
    assert database_pid(folder) != left
    assert daemon.stop() == 0


def test_a_half_made_data_folder(api: Make, folder: Path) -> None:
    half = folder / "postgres.unfinished"
    half.mkdir()
    (half / "postgresql.conf").write_text("half of it")
    daemon = api(first=True)
    daemon.start()
    assert not half.exists()
    assert daemon.stop() == 0


# --- several processes ---


def started_at(port: int) -> Any:
    """When the process that answers was started."""
    text = request(port, "GET", "/metrics")[1].decode()
    return next(line for line in text.splitlines() if line.startswith("process_start_time_seconds"))


def serving(port: int, asked: int = 16) -> set[Any]:
    """Which processes answer; none when one of them breaks a connection, as a killed one does."""
    try:
        return {started_at(port) for _ in range(asked)}
    except (OSError, HTTPException):
        return set()


def test_several_processes_serve_one_port(api: Make) -> None:
    daemon = api(processes=2, workers="on", executed=True)
    daemon.start()
    wait_until("both answer", lambda: len(serving(daemon.port)) == 2, 20)
    register(daemon.port, "ada")
    assert {login(daemon.port, "ada") for _ in range(10)} == {200}, "either process knows what the other stored"
    before = serving(daemon.port)
    os.kill(child_of(daemon), signal.SIGKILL)
    wait_until("another is started", lambda: len(serving(daemon.port) - before) == 1, 20)
    child = child_of(daemon)
    assert daemon.stop() == 0
    wait_until("no process is left", lambda: not alive(child), 5)


def test_children_end_when_their_parent_is_killed(api: Make) -> None:
    daemon = api(processes=2, executed=True)
    daemon.start()
    wait_until("both answer", lambda: len(serving(daemon.port)) == 2, 20)
    child = child_of(daemon)
    daemon.kill()
    wait_until("the child is gone", lambda: not alive(child), 20)


def child_of(daemon: Daemon) -> int:
    """The pid of the newest further process, from the log."""
    lines = [line for line in daemon.log.read_text().splitlines() if "process 2 is " in line]
    return int(lines[-1].rsplit("process 2 is ", 1)[1])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_takes_the_queues_that_its_option_names(folder: Path, database_url: str) -> None:
    with open(folder / "worker.log", "wb") as log:
        worker = subprocess.Popen(
            [TWISTD, "--nodaemon", "--pidfile=", "harvest-worker", "--queues", "orders,search"],
            env=environment(folder, database_url=database_url), stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    try:
        with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True

            def consumed() -> set[str]:
                cursor.execute("select queue from queue_consumers")
                return {row[0] for row in cursor.fetchall()}

            wait_until("both are consumed", lambda: consumed() == {"harvest.orders", "harvest.search"})
    finally:
        worker.terminate()
        assert worker.wait(20) == 0, (folder / "worker.log").read_text()


def test_a_worker_beside_the_api_does_what_it_leaves(api: Make, folder: Path) -> None:
    daemon, worker = api(workers="off"), api("harvest-worker")
    daemon.start()
    register(daemon.port, "ada")
    worker.start()
    wait_until("the mail is there", lambda: list((folder / "mail").glob("*.eml")), 20)
    assert worker.stop() == 0
    assert daemon.stop() == 0
