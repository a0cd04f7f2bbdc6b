"""The connection itself, byte by byte: nothing unbounded, nothing that two servers could read differently."""

from __future__ import annotations

import attrs
import pytest
from twisted.internet.task import Clock

from harvestd.settings.table import Settings
from harvestd.web.replies import CLOSED_POLICY, SECURITY
from harvestd.web.server import make_site
from tests.waiting import eventually
from tests.web.client import Client, Connection, encode
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES, seen

HEAD = b"Host: localhost\r\n"
ECHO = b'{"name": "a"}'


@pytest.fixture
def wire(client: Client) -> Connection:
    return client.connect()


async def refused(wire: Connection, data: bytes, status: int = 400) -> None:
    """``data`` is answered with problem details of ``status`` and the end of the connection."""
    wire.send(data)
    response = await wire.receive()
    assert response.status == status, response
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["connection"] == "close"
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert response.json()["status"] == status
    for name, value in (*SECURITY, CLOSED_POLICY):
        assert response.headers[name.decode().lower()] == value.decode()
    assert not wire.open
    assert not wire.transport.written


# --- what is not clear ---


UNCLEAR_HEADS = {
    "no Host": b"GET /api/list HTTP/1.1\r\n\r\n",
    "no Host in 1.0": b"GET /api/list HTTP/1.0\r\n\r\n",
    "two Hosts": b"GET /api/list HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "two who ask": b"GET /api/list HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "two keys": b"GET /api/list HTTP/1.1\r\nHost: a\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n",
    "empty Host": b"GET /api/list HTTP/1.1\r\nHost: \r\n\r\n",
    "Host with a path": b"GET /api/list HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "Host with a user": b"GET /api/list HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "Host with white space": b"GET /api/list HTTP/1.1\r\nHost: a b\r\n\r\n",
    "two Hosts in one": b"GET /api/list HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "Host with a bad port": b"GET /api/list HTTP/1.1\r\nHost: a:port\r\n\r\n",
    "absolute form with a bad host": b"GET http://a@b/api/list HTTP/1.1\r\nHost: a\r\n\r\n",
    "authority form": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "no slash": b"GET api/list HTTP/1.1\r\nHost: a\r\n\r\n",
    "a star for GET": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "not ASCII": b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /api/list\r\nHost: a\r\n\r\n",
    "an unknown version": b"GET /api/list HTTP/3.0\r\nHost: a\r\n\r\n",
    "two spaces": b"GET  /api/list HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab in the request line": b"GET\t/api/list HTTP/1.1\r\nHost: a\r\n\r\n",
    "a bad method": b"G(T /api/list HTTP/1.1\r\nHost: a\r\n\r\n",
    "binary": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "obs-fold": b"GET /api/list HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n",
    "obs-fold with a tab": b"GET /api/list HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\tc\r\n\r\n",
    "white space first": b"GET /api/list HTTP/1.1\r\n Host: a\r\n\r\n",
    "white space before the colon": b"GET /api/list HTTP/1.1\r\nHost : a\r\n\r\n",
    "no colon": b"GET /api/list HTTP/1.1\r\nHost: a\r\nX-A\r\n\r\n",
    "no name": b"GET /api/list HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    "a bare LF": b"GET /api/list HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n",
    "a bare LF in the request line": b"GET /api/list HTTP/1.1\nHost: a\r\n\r\n",
    "a bare CR": b"GET /api/list HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n",
    "NUL": b"GET /api/list HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n",
    "a control character": b"GET /api/list HTTP/1.1\r\nHost: a\r\nX-A: b\x1bc\r\n\r\n",
}


@pytest.mark.parametrize("data", UNCLEAR_HEADS.items(), ids=lambda item: item[0])
async def test_heads_that_are_not_clear_are_400(wire: Connection, data: tuple[str, bytes]) -> None:
    await refused(wire, data[1])


CHUNKED = b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    {
        "CL+TE": b"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n",
        "TE+CL": b"Transfer-Encoding: chunked\r\nContent-Length: 13\r\n\r\n",
        "two different CLs": b"Content-Length: 13\r\nContent-Length: 5\r\n\r\n",
        "two equal CLs": b"Content-Length: 13\r\nContent-Length: 13\r\n\r\n",
        "two CLs in one": b"Content-Length: 13, 13\r\n\r\n",
        "a signed CL": b"Content-Length: +13\r\n\r\n",
        "a negative CL": b"Content-Length: -1\r\n\r\n",
        "a hexadecimal CL": b"Content-Length: 0xd\r\n\r\n",
        "a CL with an underscore": b"Content-Length: 1_3\r\n\r\n",
        "a CL of 5,000 digits": b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        "an empty CL": b"Content-Length: \r\n\r\n",
        "identity": b"Transfer-Encoding: identity\r\nContent-Length: 13\r\n\r\n",
        "gzip, chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "chunked, chunked": b"Transfer-Encoding: chunked, chunked\r\n\r\n",
        "xchunked": b"Transfer-Encoding: xchunked\r\n\r\n",
        "chunked with a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n",
        "quoted chunked": b'Transfer-Encoding: "chunked"\r\n\r\n',
        "white space before the colon": b"Transfer-Encoding : chunked\r\n\r\n",
    }.items(),
    ids=lambda item: item[0],
)
async def test_bodies_whose_end_is_not_clear_are_400(wire: Connection, data: tuple[str, bytes]) -> None:
    """And what follows on the connection is never taken for a request."""
    smuggled = b"0\r\n\r\nGET /api/crash HTTP/1.1\r\nHost: a\r\n\r\n"
    await refused(
        wire, b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + data[1] + smuggled
    )


async def test_chunked_from_http_1_0_is_400(wire: Connection) -> None:
    await refused(wire, b"POST /api/echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    "chunks",
    [b"x\r\n", b"0x5\r\nhello\r\n", b"+5\r\nhello\r\n", b"-1\r\n", b"5 \r\nhello\r\n", b" 5\r\nhello\r\n", b"\r\n", b"5\r\nhelloworld\r\n",
     b"5\nhello\r\n", b"5;a=\x00\r\nhello\r\n", b"5;a\nb\r\nhello\r\n", b"5;" + b"a" * 2000, b"0\r\n" + b"X: y\r\n" * 20_000],
)  # fmt: skip
async def test_chunk_tricks_are_400(wire: Connection, chunks: bytes) -> None:
    await refused(wire, CHUNKED + chunks + b"GET /api/crash HTTP/1.1\r\nHost: a\r\n\r\n")


async def test_a_host_outside_the_setting_is_400(web_settings: Settings) -> None:
    settings = attrs.evolve(web_settings, allowed_hosts=("Market.Example", "*.farms.example", "[::1]"))
    client = Client(make_site(make_parts(settings, None), ROUTES))
    for host in (
        "market.example",
        "MARKET.example:8080",
        "a.farms.example",
        "a.b.farms.example:1",
        "[::1]",
        "[::1]:80",
    ):
        assert (await client.get("/api/list", headers={"Host": host})).status == 200, host
    for host in ("evil.example", "farms.example", "market.example.evil", "[::2]"):
        assert (await client.get("/api/list", headers={"Host": host})).status == 400, host
    evil = client.connect()
    await refused(evil, b"GET http://evil.example/api/list HTTP/1.1\r\nHost: market.example\r\n\r\n")


@pytest.mark.parametrize("fault", [b"X-A: b\x00c\r\n", b"Content-Length: 99999999\r\n", b"X-A: b\r\n c\r\n"])
async def test_a_refusal_has_the_id_that_the_request_came_with(wire: Connection, fault: bytes) -> None:
    """As far as it was read; one that is not well formed is replaced, as everywhere."""
    start = b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine-1\r\nX-B: c\r\n"
    wire.send(start + fault + b"\r\n")
    response = await wire.receive()
    assert response.headers["x-request-id"] == response.json()["request_id"] == "mine-1"


async def test_a_refusal_replaces_an_id_that_is_not_well_formed(wire: Connection) -> None:
    wire.send(b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a b\r\nContent-Length: 99999999\r\n\r\n")
    response = await wire.receive()
    assert (response.status, len(response.headers["x-request-id"])) == (413, 36)


async def test_absolute_form_is_understood(wire: Connection) -> None:
    wire.send(b"GET http://localhost/api/list?limit=3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await wire.receive()).status == 200
    assert seen.bodies[-1].limit == 3


# --- what is too much ---


async def test_20_kb_of_headers_are_431(wire: Connection) -> None:
    many = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 190) for n in range(100))
    await refused(wire, b"GET /api/list HTTP/1.1\r\n" + HEAD + many + b"\r\n", 431)


@pytest.mark.parametrize("data", [b"GET /" + b"a" * 20_000, b"GET / HTTP/1.1\r\nX-A: " + b"a" * 20_000, b"a" * 20_000])
async def test_a_line_without_end_is_431(wire: Connection, data: bytes) -> None:
    """Held in memory up to the limit and not beyond, ended or not."""
    for start in range(0, len(data), 1000):
        wire.send(data[start : start + 1000])
    assert (await wire.receive()).status == 431
    assert not wire.open


async def test_more_than_150_header_lines_are_431(wire: Connection) -> None:
    await refused(wire, b"GET /api/list HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 151 + b"\r\n", 431)


BEFORE_ROUTING = {
    "a large body": (b"Accept-Language: de\r\nContent-Length: 99999999\r\n\r\n", 413, "65,536 kB"),
    "a large header": (b"Accept-Language: de\r\nCookie: " + b"a" * 20_000, 431, "16,384 kB"),
    "a large header, and others between": (
        b"Accept-Language: de\r\nX-A: b\r\nCookie: " + b"a" * 20_000,
        431,
        "16,384 kB",
    ),
    "many headers": (b"Accept-Language: de\r\n" + b"X-A: b\r\n" * 200, 431, "150"),
    "a header that is none": (b"Accept-Language: de\r\nno colon\r\n\r\n", 400, ""),
    "no length": (b"Accept-Language: de\r\nContent-Length: x\r\n\r\n", 400, "Content-Length"),
}


@pytest.mark.parametrize("fault", BEFORE_ROUTING.values(), ids=BEFORE_ROUTING)
async def test_what_is_refused_before_routing_is_told_in_the_language_that_was_read(
    web_settings: Settings, fault: tuple[bytes, int, str]
) -> None:
    """With the limit, and what to do about it."""
    data, status, limit = fault
    settings = attrs.evolve(web_settings, market_languages=("en", "de", "fr"))
    wire = Client(make_site(make_parts(settings, None), ROUTES)).connect()
    wire.send(b"POST /api/echo HTTP/1.1\r\n" + HEAD + data)
    response = await wire.receive()
    assert (response.status, response.headers["content-language"]) == (status, "de")
    assert response.headers["vary"] == "Accept-Language"
    detail = response.json()["detail"]
    assert limit in detail and sentence_is_german(detail)
    assert status == 400 or "; " in detail, "a cure"


def sentence_is_german(text: str) -> bool:
    return bool({"der", "die", "eine", "ein", "mehr", "ist"} & set(text.lower().split()))


async def test_what_is_refused_before_its_language_was_read_is_told_in_the_market_s(web_settings: Settings) -> None:
    settings = attrs.evolve(web_settings, market_languages=("fr", "de"))
    wire = Client(make_site(make_parts(settings, None), ROUTES)).connect()
    wire.send(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nAccept-Language: de\r\n")
    response = await wire.receive()
    assert (response.status, response.headers["content-language"]) == (431, "fr")


async def test_headers_just_below_the_limits_are_fine(wire: Connection) -> None:
    wire.send(b"GET /api/list HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 140 + b"Y: " + b"z" * 15_000 + b"\r\n\r\n")
    assert (await wire.receive()).status == 200


async def test_a_body_above_the_cap_is_413_before_any_of_it_came(wire: Connection) -> None:
    await refused(wire, b"POST /api/echo HTTP/1.1\r\n" + HEAD + b"Content-Length: 1048577\r\n\r\n", 413)


async def test_expect_continue_is_not_answered_before_the_size_is_checked(client: Client) -> None:
    head = b"POST /api/echo HTTP/1.1\r\n" + HEAD + b"Expect: 100-continue\r\nContent-Type: application/json\r\n"
    large = client.connect()
    large.send(head + b"Content-Length: 99999999\r\n\r\n")
    assert large.transport.written.startswith(b"HTTP/1.1 413")
    small = client.connect()
    small.send(head + b"Content-Length: 13\r\n\r\n")
    assert small.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    small.send(ECHO)
    assert (await small.receive()).status == 200


async def test_a_chunked_body_above_the_cap_is_413_and_its_memory_is_bounded(wire: Connection) -> None:
    wire.send(CHUNKED)
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    for _ in range(100):
        wire.send(chunk)
    assert (await wire.receive()).status == 413
    assert not wire.open
    assert wire.protocol.requests[-1:] == [] or wire.protocol.requests[-1].content.closed


async def test_one_chunk_of_any_size_is_counted_as_it_comes(wire: Connection) -> None:
    wire.send(CHUNKED + b"ffffffffffffff\r\n")
    for _ in range(40):
        wire.send(b" " * 65536)
    assert (await wire.receive()).status == 413


async def test_a_route_says_how_much_it_takes_and_the_setting_is_the_most(web_settings: Settings) -> None:
    """The cap is asked for by method and path before the body is read; addresses that are not there have the usual one."""
    client = Client(make_site(make_parts(web_settings, None), ROUTES))
    body = b" " * 200_000 + ECHO
    headers = {"Content-Type": "application/json"}
    assert (await client.post("/api/big", body=body, headers=headers)).status == 200
    for method, path in (("POST", "/api/echo"), ("GET", "/api/big"), ("POST", "/nowhere")):
        assert (await client.request(method, path, body=body, headers=headers)).status == 413
    assert (await client.post("/api/big", body=b" " * 300_001, headers=headers)).status == 413
    small = Client(make_site(make_parts(attrs.evolve(web_settings, body_limit=100_000), None), ROUTES))
    assert (await small.post("/api/big", body=body, headers=headers)).status == 413
    assert (await small.post("/nowhere", body=body, headers=headers)).status == 413


async def test_connections_above_the_setting_are_refused(web_settings: Settings) -> None:
    site = make_site(make_parts(attrs.evolve(web_settings, connections_most=10), None), ROUTES)
    client = Client(site)
    held = [client.connect() for _ in range(10)]
    assert site.buildProtocol(None) is None
    held[0].hang_up()
    assert (await client.get("/api/list")).status == 200


# --- connections that stay ---


async def test_pipelined_requests_are_answered_in_order(wire: Connection) -> None:
    wire.send(b"".join(encode("GET", f"/api/things/{n}") for n in range(5)))
    assert [(await wire.receive()).json()["id"] for _ in range(5)] == ["0", "1", "2", "3", "4"]
    assert wire.open


async def test_a_request_may_come_in_single_bytes(wire: Connection) -> None:
    for byte in encode("POST", "/api/echo", json={"name": "a"}):
        wire.send(bytes([byte]))
    assert (await wire.receive()).status == 200


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close", "upgrade,close"])
async def test_connection_close_is_honoured(wire: Connection, value: str) -> None:
    assert (await wire.request("GET", "/api/list", headers={"Connection": value})).status == 200
    assert not wire.open


async def test_http_1_0_is_answered_and_closed(wire: Connection) -> None:
    wire.send(b"GET /api/list HTTP/1.0\r\nHost: a\r\n\r\n")
    assert (await wire.receive()).status == 200
    assert not wire.open


async def test_a_refused_request_spoils_nothing_before_it(wire: Connection) -> None:
    wire.send(encode("GET", "/api/list") + b"GET /api/list HTTP/1.1\r\n\r\n" + encode("GET", "/api/list"))
    assert (await wire.receive()).status == 200
    assert (await wire.receive()).status == 400
    await eventually("it is closed", lambda: not wire.open)
    assert not wire.transport.written


async def test_forms_are_never_parsed(wire: Connection) -> None:
    """Twisted would hold a multipart body several times over."""
    body = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n"
    response = await wire.request(
        "POST", "/api/login", body=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert response.status == 415
    assert (
        await wire.request("POST", "/api/echo", body=body, headers={"Content-Type": "multipart/form-data"})
    ).status == 415


# --- what is too slow ---


@attrs.define
class Timed:
    """A client of a Site whose time stands still until :meth:`pass_by`."""

    client: Client
    clock: Clock

    def pass_by(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)


@pytest.fixture
def timed(web_settings: Settings) -> Timed:
    clock = Clock()
    site = make_site(make_parts(web_settings, None, clock), ROUTES)
    site.startFactory()
    return Timed(Client(site), clock)


async def test_dripped_headers_end_at_an_absolute_deadline(timed: Timed) -> None:
    """Bytes that keep coming do not put it off."""
    wire = timed.client.connect()
    wire.send(b"GET / HTTP/1.1\r\n")
    for _ in range(9):
        timed.pass_by(1)
        wire.send(b"X: y\r\n")
    assert wire.open
    timed.pass_by(2)
    assert (await wire.receive()).status == 408
    assert not wire.open


async def test_a_connection_that_says_nothing_is_closed(timed: Timed) -> None:
    wire = timed.client.connect()
    timed.pass_by(11)
    assert not wire.open
    assert not wire.transport.written


async def test_a_dripped_body_ends_at_an_absolute_deadline(timed: Timed) -> None:
    wire = timed.client.connect()
    wire.send(b"POST /api/echo HTTP/1.1\r\n" + HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(14):
        timed.pass_by(1)
        wire.send(b" ")
    assert wire.open
    timed.pass_by(2)
    assert (await wire.receive()).status == 408


async def test_a_kept_connection_is_closed_after_the_idle_deadline(timed: Timed) -> None:
    wire = timed.client.connect()
    await wire.request("GET", "/api/list")
    timed.pass_by(50)
    await wire.request("GET", "/api/list")
    timed.pass_by(59)
    assert wire.open
    timed.pass_by(2)
    assert not wire.open


async def test_a_reader_that_takes_nothing_is_cut_off(timed: Timed) -> None:
    wire = timed.client.connect()
    wire.transport.reading = False
    wire.send(encode("GET", "/api/list"))
    timed.pass_by(14)
    assert wire.open
    timed.pass_by(2)
    assert wire.transport.aborted


async def test_a_slow_reader_that_reads_is_not(timed: Timed) -> None:
    """And its connection is idle only once it has taken all of its answer."""
    wire = timed.client.connect()
    wire.transport.reading = False
    wire.send(encode("GET", "/api/list"))
    wire.transport.write(b"x" * 300_000)
    for _ in range(12):
        timed.pass_by(10)
        wire.transport.dataBuffer = wire.transport.dataBuffer[20_000:]
    assert wire.open


async def test_a_reader_that_takes_a_byte_now_and_then_is_cut_off(timed: Timed) -> None:
    wire = timed.client.connect()
    wire.transport.reading = False
    wire.transport.write(b"x" * 300_000)
    for _ in range(17):
        timed.pass_by(1)
        wire.transport.dataBuffer = wire.transport.dataBuffer[1:]
    assert wire.transport.aborted


async def test_a_handler_may_take_its_time(timed: Timed) -> None:
    """Deadlines are for clients; what we work on has its own bounds."""
    from twisted.internet.defer import Deferred

    waiting: Deferred[None] = Deferred()
    seen.waiting = waiting
    wire = timed.client.connect()
    wire.send(encode("GET", "/api/wait"))
    timed.pass_by(100)
    assert wire.open
    waiting.callback(None)
    assert (await wire.receive()).status == 204
