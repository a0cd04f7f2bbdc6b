"""HTTP without sockets: a client that talks to a Site over a transport in memory, byte for byte as over a real one.

``await client.request("POST", "/api/things", json={...}, headers={...})`` for whole exchanges; ``client.connect()`` gives a
:class:`Connection` on which bytes can be sent piecemeal, out of order, or not at all.
"""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Mapping
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer, ITransport
from twisted.python.failure import Failure
from zope.interface import implementer

ABSENT: Any = object()
#: What every cookie of the market is like (``web/cookies.py``).
COOKIE = re.compile(
    r"(?:__Host-harvest_\w+=[^;,\s]*; Path=/; Max-Age=[0-9]+; HttpOnly; SameSite=Lax; Secure"
    r"|harvest_\w+=[^;,\s]*; Path=/; Max-Age=[0-9]+; HttpOnly; SameSite=Lax)"
)


@attrs.frozen
class Response:
    """``headers`` by lower-case name, several of one name in ``all``; ``body`` without its framing."""

    status: int
    headers: dict[str, str]
    all: tuple[tuple[str, str], ...]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return jsonlib.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@implementer(ITransport, IPushProducer)
class MemoryTransport:
    """What was written is in ``written``; ``full`` pretends that the client does not read."""

    def __init__(self, protocol: Any, host: str) -> None:
        self.protocol = protocol
        self.host = host
        self.written = bytearray()
        self.open = True
        self.disconnecting = False
        self.aborted = False
        self.paused = False
        self.producer: Any = None
        self.producer_paused = False
        self.arrived: list[Deferred[None]] = []
        self.reading = True
        self.dataBuffer = b""
        self.offset = 0

    def write(self, data: bytes) -> None:
        if self.open and not self.disconnecting:
            if self.reading:
                self.written += data
            else:
                self.dataBuffer += data
                if self.producer is not None and len(self.dataBuffer) > 65536:
                    self.producer_paused = True
                    self.producer.pauseProducing()
            self._tell()

    def writeSequence(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def loseConnection(self) -> None:
        if self.open and not self.disconnecting:
            self.disconnecting = True
            if not self.dataBuffer:
                self.close()

    def abortConnection(self) -> None:
        self.aborted = True
        self.close()

    def close(self, reason: Any = None) -> None:
        """The connection ends, whoever ended it."""
        if self.open:
            self.open = False
            self.protocol.connectionLost(Failure(reason or ConnectionDone()))
            self._tell()

    def take(self, size: int) -> None:
        """The client reads up to ``size`` bytes of what it left, as the kernel then would of a socket's."""
        taken, self.dataBuffer = self.dataBuffer[:size], self.dataBuffer[size:]
        self.written += taken
        self._tell()
        if not self.dataBuffer:
            if self.producer is not None and self.producer_paused:
                self.producer_paused = False
                self.producer.resumeProducing()
            elif self.disconnecting:
                self.close()

    def _tell(self) -> None:
        waiting, self.arrived = self.arrived, []
        for one in waiting:
            reactor.callLater(0, one.callback, None)  # as to another process: who wrote it goes on first

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", self.host, 50000)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 8080)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False

    def stopProducing(self) -> None:
        self.loseConnection()


class Connection:
    """One connection to a Site; kept alive until either side closes it."""

    def __init__(self, site: Any, host: str = "127.0.0.1") -> None:
        self.protocol = site.buildProtocol(IPv4Address("TCP", host, 50000))
        assert self.protocol is not None, "the site takes no more connections"
        self.transport = MemoryTransport(self.protocol, host)
        self.protocol.makeConnection(self.transport)

    @property
    def open(self) -> bool:
        return self.transport.open

    def send(self, data: bytes) -> None:
        """Bytes to the server."""
        if self.transport.open:
            self.protocol.dataReceived(data)

    def hang_up(self) -> None:
        """Close from the client's side."""
        self.transport.close()

    async def receive(self, head: bool = False) -> Response:
        """The next whole response; ``head`` when it answers a HEAD. AssertionError if the connection ends before."""
        while True:
            found = _parse(bytes(self.transport.written), head, not self.transport.open)
            if found is not None:
                response, used = found
                del self.transport.written[:used]
                return response
            assert self.transport.open, f"closed after {bytes(self.transport.written)!r}"
            waiting: Deferred[None] = Deferred()
            self.transport.arrived.append(waiting)
            await waiting

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = ABSENT,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One exchange."""
        self.send(encode(method, path, json=json, body=body, headers=headers))
        return await self.receive(head=method == "HEAD")


class Client:
    """Each request on a connection of its own; ``headers`` go with all of them (a test sets ``Authorization``)."""

    def __init__(self, site: Any, headers: Mapping[str, str] | None = None) -> None:
        self.site = site
        self.headers = dict(headers or {})

    def connect(self, host: str = "127.0.0.1") -> Connection:
        """A connection from ``host``."""
        return Connection(self.site, host)

    def signed_in(self, token: str) -> Client:
        """The same, as somebody."""
        return Client(self.site, {**self.headers, "Authorization": f"Bearer {token}"})

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = ABSENT,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> Response:
        """One exchange on a fresh connection; ``json`` is encoded and gets its Content-Type."""
        connection = self.connect(host)
        merged = {**self.headers, **(headers or {})}
        response = await connection.request(method, path, json=json, body=body, headers=merged)
        if connection.open:
            connection.hang_up()
        return response

    async def get(self, path: str, **more: Any) -> Response:
        return await self.request("GET", path, **more)

    async def post(self, path: str, json: Any = ABSENT, **more: Any) -> Response:
        return await self.request("POST", path, json=json, **more)


def encode(
    method: str, path: str, *, json: Any = ABSENT, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """A request as bytes."""
    given = {"Host": "localhost:8080", **(headers or {})}
    if json is not ABSENT:
        body = jsonlib.dumps(json).encode()
        given.setdefault("Content-Type", "application/json")
    if body is not None:
        given.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", *[f"{name}: {value}" for name, value in given.items()], "", ""]
    return "\r\n".join(lines).encode("latin-1") + (body or b"")


def _parse(data: bytes, head: bool, closed: bool) -> tuple[Response, int] | None:
    start = 0
    while True:
        end = data.find(b"\r\n\r\n", start)
        if end < 0:
            return None
        lines = data[start:end].decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        if status != 100:
            break
        start = end + 4
    pairs = tuple((line.partition(": ")[0], line.partition(": ")[2]) for line in lines[1:])
    headers = {name.lower(): value for name, value in pairs}
    begin = end + 4
    if head or status in (204, 304):
        size = 0
    elif "content-length" in headers:
        size = int(headers["content-length"])
    elif headers.get("transfer-encoding") == "chunked":
        found = _chunks(data, begin)
        return None if found is None else (Response(status, headers, pairs, found[0]), found[1])
    elif closed:
        size = len(data) - begin
    else:
        return None
    if len(data) < begin + size:
        return None
    body = data[begin : begin + size]
    if body and headers.get("content-type") == "application/problem+json":
        assert says_more(jsonlib.loads(body)), f"the detail says no more than the title: {body!r}"
    for name, value in pairs:
        assert name.lower() != "set-cookie" or COOKIE.fullmatch(value), f"a cookie that others could set: {value}"
    return Response(status, headers, pairs, body), begin + size


def _chunks(data: bytes, at: int) -> tuple[bytes, int] | None:
    """A body in chunks and the byte after it; None if it is not whole."""
    body = b""
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(data[at:line], 16)
        at = line + 2 + size + 2
        if len(data) < at:
            return None
        if not size:
            return body, at
        body += data[line + 2 : line + 2 + size]


def says_more(problem: Mapping[str, Any]) -> bool:
    """Whether the detail of a problem is more than its title once again."""
    title, detail = ("".join(filter(str.isalnum, problem[name])).casefold() for name in ("title", "detail"))
    return bool(detail) and detail != title
