"""Readiness and metrics of real processes: down when requests cannot be served, and told by every process for itself."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import PostgresServer, wait_until
from tests.daemons import Daemon, free_port, request

Make = Callable[..., Daemon]


def ready(port: int) -> tuple[int, str]:
    status, answer, _ = request(port, "GET", "/health/ready")
    return status, answer["status"]


def test_a_data_folder_that_was_deleted_under_a_running_market_is_down(api: Make, folder: Path) -> None:
    daemon = api()
    daemon.start()
    assert ready(daemon.port)[0] == 200
    shutil.rmtree((folder / "postgres").resolve())
    wait_until("it is down", lambda: ready(daemon.port) == (503, "down"), 10)
    assert request(daemon.port, "GET", "/health")[0] == 200, "the process is alive"


def test_a_database_that_takes_no_writes_is_down(api: Make, postgres: PostgresServer) -> None:
    """Such as one on a disk that is read only or full, or one that is a standby now: reads alone still work there."""
    primary = PostgresServer()
    primary.start()
    primary.query("postgres", "create database market template harvest_template")
    standby = PostgresServer(primary=primary)
    try:
        standby.start()
        daemon = api(database_url=standby.url("market"), workers="off")
        daemon.begin()
        wait_until("it serves", lambda: _answers(daemon.port), 30)
        assert request(daemon.port, "GET", "/api/farms")[0] == 200
        wait_until("it is down", lambda: ready(daemon.port) == (503, "down"), 10)
    finally:
        daemon.kill()
        standby.remove()
        primary.remove()


def _answers(port: int) -> bool:
    try:
        return request(port, "GET", "/health")[0] == 200
    except OSError:
        return False


def test_a_worker_has_metrics_and_health_of_its_own(api: Make, database_url: str) -> None:
    port = free_port()
    worker = api("harvest-worker", database_url=database_url, metrics_port=port)
    worker.begin()
    wait_until("it is ready", lambda: _answers(port) and ready(port) == (200, "ok"), 30)
    _, answer, _ = request(port, "GET", "/health/ready")
    assert {"workers", "database", "outbox"} <= answer["parts"].keys()
    text = request(port, "GET", "/metrics")[1].decode()
    for name in (
        "harvest_mails_total",
        "harvest_consumer_handled_total",
        "harvest_queue_messages",
        "harvest_database_pool",
    ):
        assert f"# TYPE {name.removesuffix('_total')}" in text or f"# TYPE {name}" in text, name
    assert request(port, "GET", "/api/products")[0] == 404, "and nothing else"
    assert worker.stop() == 0


def test_each_process_of_several_has_a_port_for_its_own(api: Make, database_url: str) -> None:
    first = next(port for port in iter(free_port, 0) if _is_free(port + 1))
    daemon = api(database_url=database_url, processes=2, metrics_port=first)
    daemon.start()
    wait_until("both answer", lambda: _answers(first) and _answers(first + 1), 30)
    texts = [request(port, "GET", "/metrics")[1].decode() for port in (first, first + 1)]
    started = [next(line for line in text.splitlines() if line.startswith("process_start_time")) for text in texts]
    assert started[0] != started[1]
    assert daemon.stop() == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.mark.parametrize("plugin", ["harvest-worker"])
def test_a_metrics_port_in_use_is_named_by_its_setting(api: Make, database_url: str, plugin: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        worker = api(plugin, database_url=database_url, metrics_port=other.getsockname()[1])
        worker.begin()
        assert worker.process is not None
        assert worker.process.wait(30) == 1
    assert "set HARVEST_METRICS_PORT to a free one" in worker.log.read_text()
