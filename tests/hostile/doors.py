"""The two ways into a market: the daemon's own port, and Nginx before it. What is sent is bytes, since much of what a bad client
sends no library would.
"""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from servers import PostgresServer, free_port, temporary_folder
from servers.nginx import NginxServer
from tests.daemons import PASSWORD, Daemon, register, request
from tests.hostile.raw import connected

DIRECT, NGINX = "direct", "nginx"


@attrs.frozen
class Answer:
    """What came back; ``status`` is 0 where the connection was closed without a word. ``headers`` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@attrs.frozen
class Door:
    """One of the ways in."""

    name: str
    _connect: Callable[[str], socket.socket]
    #: The address of most clients. The daemon trusts 127.0.0.1 as its proxy; Nginx limits all others by the second.
    _source: str

    def ask(self, data: bytes, source: str = "") -> Answer:
        """One request on a connection of its own, from an address of 127.0.0.0/8."""
        with self._connect(source or self._source) as connection:
            try:
                connection.sendall(data)
            except OSError:  # refused before all of it came
                pass
            return _answer(connection)


@attrs.frozen
class House:
    """A market, its doors, and who is there."""

    daemon: Daemon
    nginx: NginxServer
    server: PostgresServer
    database: str

    def door(self, name: str) -> Door:
        """The way in of this name."""
        if name == DIRECT:
            return Door(name, lambda source: connected(self.daemon.port, source), "127.0.0.9")
        return Door(name, self._tls, "127.0.0.1")

    def _tls(self, source: str) -> socket.socket:
        return self.nginx.trust.wrap_socket(connected(self.nginx.tls_port, source), server_hostname="localhost")

    def person(self, tag: str, role: str = "buyer") -> tuple[str, dict[str, Any]]:
        """Somebody new, signed in: the access token and the user. Farmers have a farm; an admin was a buyer once."""
        farm = f"Farm of {tag}" if role == "farmer" else None
        token, user = register(self.daemon.port, tag, "buyer" if role == "admin" else role, farm)
        if role == "admin":
            self.server.query(self.database, "update users set role = 'admin' where username = %s returning id", tag)
        return token, user

    def cookie(self, tag: str) -> str:
        """The cookie of a browser that somebody signed in."""
        body = {"email": f"{tag}@example.org", "password": PASSWORD}
        return request(self.daemon.port, "POST", "/api/auth/session", body)[2]["set-cookie"].partition(";")[0]


@contextmanager
def house(server: PostgresServer, **settings: Any) -> Iterator[House]:
    """A market of its own behind Nginx."""
    folder, database = temporary_folder("doors"), server.clone()
    daemon = Daemon(
        "harvest-api", folder, http_port=free_port(), database_url=server.url(database), trusted_proxies="127.0.0.1/32",
        allowed_hosts="localhost,127.0.0.1", workers="off", **settings,
    )  # fmt: skip
    nginx = NginxServer([daemon.port])
    try:
        daemon.start()
        nginx.start()
        yield House(daemon, nginx, server, database)
    finally:
        nginx.remove()
        daemon.kill()
        server.drop(database)
        shutil.rmtree(folder, ignore_errors=True)


def call(
    method: str, path: str, body: Any = None, token: str = "", host: str = "Host: localhost", raw: Any = None, **headers: Any
) -> bytes:  # fmt: skip
    """A request whose HTTP is sound; headers as ``If_Match="*"``. ``raw`` is a body as it is."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    sent = {"Content-Type": "application/json"} if content else {}
    sent |= {"Authorization": f"Bearer {token}"} if token else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    if content or method in ("POST", "PUT", "PATCH"):
        sent.setdefault("Content-Length", str(len(content)))
    lines = [f"{method} {path} HTTP/1.1", host, *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def _answer(connection: socket.socket) -> Answer:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = _more(connection)
        if not piece:
            return Answer(0, {}, data)
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")) and (piece := _more(connection)):
        body += piece
    return Answer(int(first.split(" ", 2)[1]), headers, body)


def _more(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""
