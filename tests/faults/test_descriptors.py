"""A process that may open no more files: what is in memory is answered, the rest is 503, and whoever waits knows for what."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harvestd.web.pages.documents import STATIC
from servers import PostgresServer, wait_until
from servers.private import free_port
from tests.daemons import Daemon, connect, exchange
from tests.faults.market import market
from tests.faults.test_mail import WAITING


@contextmanager
def exhausted(daemon: Daemon) -> Iterator[None]:
    """The descriptors that it has, and no further: none of those that it closes can be opened again either."""
    assert daemon.process is not None
    pid = daemon.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


#: A Site's limits where the process may open so many files and no more, and what it says of that.
MEASURED = """
import resource, sys
from twisted.logger import formatEvent, globalLogPublisher
resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
globalLogPublisher.addObserver(lambda event: print(formatEvent(event)))
from harvestd.settings.table import Settings
from harvestd.web.http.admission import Admission
Admission(Settings(connections_most=int(sys.argv[1]), database_pool=10), None, None).measure()
"""


def test_connections_that_the_process_has_no_descriptors_for_are_told_at_the_start_with_the_cure() -> None:
    def said(most: str) -> str:
        return subprocess.run([sys.executable, "-c", MEASURED, most], capture_output=True, text=True, check=True).stdout

    assert said("790") == ""
    assert "connections_most is 791, and the process may open 1000 files: 790 connections will be taken" in said("791")
    assert "raise LimitNOFILE (systemd) or ulimit -n to 1001, or lower connections_most" in said("791")


@pytest.mark.timeout(180)
def test_without_a_descriptor_pages_are_answered_the_first_time_too_and_nothing_is_500(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with market(postgres, tmp_path, workers=0) as shop:
        client = connect(shop.api.port)
        assert exchange(client, "GET", "/health")[0] == 200  # so that there is a connection

        def get(path: str) -> Any:
            return exchange(client, "GET", path)

        contract = get("/openapi.json")[1]
        with exhausted(shop.api):
            tags = [tag["name"] for tag in contract["tags"]]
            for path in (
                "/docs",
                *(f"/docs/{name}" for name in (*STATIC, *tags, "schemas")),
                "/",
                "/problems",
                "/health",
            ):
                assert get(path)[0] == 200, path
            for path in (path for path, methods in contract["paths"].items() if "get" in methods and "{" not in path):
                assert get(path)[0] in (200, 401, 403, 404, 422, 503), path  # 404: no issuer is set
        assert "/api/products" in contract["paths"] and get("/api/products")[0] == 200
        client.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", ["folder", "address", "name"])
def test_without_a_descriptor_mail_waits_and_says_why_and_what_to_do(
    postgres: PostgresServer, tmp_path: Path, how: str
) -> None:
    url = {"folder": "", "address": f"smtp://127.0.0.1:{free_port()}", "name": f"smtp://localhost:{free_port()}"}[how]
    with market(postgres, tmp_path, queue_retry_scale=0.01, smtp_url=url) as shop:
        shop.query(WAITING.replace("'k'", "'first'"), 1)
        wait_until("the worker works", lambda: shop.query("select 1 from mails where attempts > 0 or cause <> ''"), 60)
        with exhausted(shop.worker):
            shop.query(WAITING, 3)
            told = "select 1 from mails where cause like '%no more files%ulimit%'"
            wait_until("each says why", lambda: len(shop.query(told)) >= 3, 60)
        if how == "folder":
            wait_until("all are sent", lambda: not shop.query("select 1 from mails where state <> 'sent'"), 60)
