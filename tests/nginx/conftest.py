"""Nginx with the market's files, in front of recording upstreams or of real daemons."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from servers import PostgresServer, free_port, temporary_folder
from servers.nginx import NginxServer
from tests.daemons import Daemon
from tests.nginx.upstream import Upstream


@attrs.frozen
class Answer:
    """What a client got. ``headers`` by lower-case name, every one of them."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every header of a name."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        """The header of a name, which must not be there twice; "" without one."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else ""


def ask(
    nginx: NginxServer,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    connection: Any = None,
    **headers: str,
) -> Answer:
    """One exchange over TLS, on a connection of its own unless one is given; headers as ``If_Match="…"``."""
    own = connection is None
    connection = connection or nginx.connect()
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        content = response.read()
        return Answer(response.status, tuple((k.lower(), v) for k, v in response.getheaders()), content)
    finally:
        if own:
            connection.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A recording upstream."""
    made = Upstream()
    yield made
    made.close()


@pytest.fixture
def front() -> Iterator[Callable[..., NginxServer]]:
    """Starts Nginx in front of ports, with the options of NginxServer."""
    made: list[NginxServer] = []

    def start(*ports: int, **options: Any) -> NginxServer:
        made.append(NginxServer(ports, **options))
        made[-1].start()
        return made[-1]

    yield start
    for server in made:
        server.remove()


@attrs.frozen
class Shop:
    """A real daemon and Nginx before it."""

    daemon: Daemon
    nginx: NginxServer


@pytest.fixture(scope="session")
def shop(postgres: PostgresServer) -> Iterator[Shop]:
    """One for all tests that change nothing that others see."""
    folder, database = temporary_folder("shop"), postgres.clone()
    daemon = Daemon(
        "harvest-api", folder, http_port=free_port(), database_url=postgres.url(database),
        trusted_proxies="127.0.0.1/32", body_limit="10MiB", log_format="json",
    )  # fmt: skip
    nginx = NginxServer([daemon.port])
    try:
        daemon.start()
        nginx.start()
        yield Shop(daemon, nginx)
    finally:
        nginx.remove()
        daemon.kill()
        postgres.drop(database)
        shutil.rmtree(folder, ignore_errors=True)
