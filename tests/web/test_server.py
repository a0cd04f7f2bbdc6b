"""The listening port: over real sockets, from start to an orderly stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Protocol

from harvestd.settings.table import Settings
from harvestd.web.server import PortInUse, WebService
from tests.waiting import eventually
from tests.web.client import encode
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES, seen


class Raw(Protocol):
    """A client that keeps what it got; ``ended`` is why the connection closed."""

    def __init__(self) -> None:
        self.got = b""
        self.ended: str | None = None

    def dataReceived(self, data: bytes) -> None:
        self.got += data

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = reason.type.__name__

    async def until(self, what: bytes) -> None:
        await eventually(f"{what!r} in {self.got[-300:]!r}", lambda: what in self.got)

    async def close(self) -> None:
        self.transport.abortConnection()
        await eventually("the connection is closed", lambda: self.ended is not None)


async def connect(port: int) -> Raw:
    from twisted.internet import reactor

    raw: Raw = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), Raw())
    return raw


def make_web(settings: Settings, **more: Any) -> WebService:
    return WebService(make_parts(settings, None), ROUTES, **more)


@pytest_twisted.async_yield_fixture
async def web(web_settings: Settings) -> AsyncIterator[WebService]:
    web = make_web(web_settings)
    web.start()
    yield web
    await Deferred.fromCoroutine(web.stop())


async def test_it_answers_on_its_port(web: WebService) -> None:
    raw = await connect(web.port)
    raw.transport.write(encode("GET", "/health"))
    await raw.until(b'{"status":"ok"}')
    await raw.close()


async def test_a_port_in_use_is_named_with_the_cure(web: WebService, web_settings: Settings) -> None:
    other = make_web(attrs.evolve(web_settings, http_port=web.port))
    with pytest.raises(PortInUse, match=f"port {web.port} on 127.0.0.1 is in use.*HARVEST_HTTP_PORT"):
        other.start()
    await other.stop()


async def test_an_address_of_another_machine_is_named_with_the_cure(web_settings: Settings) -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1 is no address of this machine; set HARVEST_HTTP_HOST"):
        make_web(attrs.evolve(web_settings, http_host="192.0.2.1")).start()


async def test_several_listen_on_one_port_when_they_say_so(web_settings: Settings) -> None:
    """As ``--processes`` has it: the system deals the connections out."""
    first = make_web(web_settings, reuse_port=True)
    first.start()
    second = make_web(attrs.evolve(web_settings, http_port=first.port), reuse_port=True)
    second.start()
    clients = [await connect(first.port) for _ in range(40)]
    await eventually("all are open", lambda: len(first.site.channels) + len(second.site.channels) == 40)
    assert first.site.channels and second.site.channels
    for raw in clients:
        await raw.close()
    await first.stop()
    await second.stop()


async def test_a_client_that_is_still_sending_gets_to_see_why(web: WebService) -> None:
    """A plain close with bytes unread would reset the connection, and the answer with it."""
    raw = await connect(web.port)
    raw.transport.write(encode("POST", "/api/echo", body=b"", headers={"Content-Length": "50000000"}))
    raw.transport.write(b"x" * 20_000_000)
    await eventually("the connection ends", lambda: raw.ended)
    assert raw.got.startswith(b"HTTP/1.1 413 ")
    assert raw.got.endswith(b"}")
    assert raw.ended == "ConnectionDone"


@pytest.mark.parametrize("short", [True, False])
async def test_a_client_that_has_sent_all_gets_its_answers(web_settings: Settings, short: bool) -> None:
    """Shutting the sending side is no hanging up (RFC 9112, 9.6). What is not whole by then has no answer."""
    web = make_web(attrs.evolve(web_settings, short_way=short))
    web.start()
    listing = encode("GET", "/api/cached")
    for sent, answers in [(listing, 1)] * 10 + [
        (encode("POST", "/api/echo", body=b'{"name": "a"}', headers={"Content-Type": "application/json"}), 1),
        (encode("GET", "/api/cached?limit=100"), 1), (listing * 3, 3), (listing + b"GET /api/li", 1), (b"GET /api/li", 0), (b"", 0),
        (encode("POST", "/api/echo", body=b"", headers={"Content-Length": "50"}) + b"{", 0), (b"\r\n" + listing, 1),
    ]:  # fmt: skip
        raw = await connect(web.port)
        raw.transport.write(sent)
        raw.transport.loseWriteConnection()
        await eventually("the connection ends", lambda: raw.ended is not None)  # noqa: B023
        assert raw.got.count(b"HTTP/1.1 200 ") == answers, sent
        if answers:
            size = int(raw.got.rpartition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            assert len(raw.got.rpartition(b"\r\n\r\n")[2]) == size
    await eventually("no connection is left", lambda: not web.site.channels)
    await Deferred.fromCoroutine(web.stop())


async def test_stop_finishes_what_is_under_way(web_settings: Settings) -> None:
    """Its answer arrives whole, with Connection: close; connections without a request are closed; no new one is taken."""
    web = make_web(web_settings)
    web.start()
    seen.waiting, port = Deferred(), web.port
    waiting, busy, idle = seen.waiting, await connect(port), await connect(port)
    busy.transport.write(encode("GET", "/api/wait"))
    idle.transport.write(encode("GET", "/api/list"))
    await idle.until(b"HTTP/1.1 200")
    await eventually("the handler runs", lambda: web._gate.working == 1)
    stopped = Deferred.fromCoroutine(web.stop())
    with pytest.raises(ConnectionRefusedError):
        await connect(port)
    await eventually("the idle one is closed", lambda: idle.ended)
    assert not stopped.called
    waiting.callback(None)
    await stopped
    await eventually("the busy one is closed", lambda: busy.ended)
    assert busy.got.startswith(b"HTTP/1.1 204") and b"Connection: close" in busy.got


async def test_a_request_on_an_open_connection_is_still_answered_while_stopping(web_settings: Settings) -> None:
    web = make_web(web_settings)
    web.start()
    raw = await connect(web.port)
    raw.transport.write(encode("GET", "/api/list"))
    await raw.until(b'"next":"cursor"}')
    raw.got = b""
    stopped = Deferred.fromCoroutine(web.stop())
    raw.transport.write(encode("GET", "/api/list"))
    await stopped
    await eventually("it is closed", lambda: raw.ended)
    assert raw.got.startswith(b"HTTP/1.1 200") and b"Connection: close" in raw.got


async def test_stop_is_bounded(web_settings: Settings) -> None:
    """A handler that does not end is given up after most of the setting stop_deadline."""
    web = make_web(attrs.evolve(web_settings, stop_deadline=0.5))
    web.start()
    seen.waiting = waiting = Deferred()
    raw = await connect(web.port)
    raw.transport.write(encode("GET", "/api/wait"))
    await eventually("the handler runs", lambda: web._gate.working == 1)
    await web.stop()
    await eventually("it is cut", lambda: raw.ended)
    waiting.callback(None)
