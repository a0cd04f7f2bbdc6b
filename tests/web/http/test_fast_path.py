"""The short way answers exactly as the long way does, or not at all."""

from __future__ import annotations

import socket
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread

from harvestd.settings.table import Settings
from harvestd.store.limiter import MemoryLimiter
from harvestd.web.http.listening import cease, listen
from harvestd.web.http.parsing import EMPTY_LINES
from harvestd.web.server import make_site
from tests.web.client import Connection, Response
from tests.web.conftest import make_parts, token_for
from tests.web.dummies import ROUTES, seen
from tests.web.http.test_wire import UNCLEAR_HEADS

PATH = "/api/cached?limit=5"
GET = b"GET /api/cached?limit=5 HTTP/1.1\r\nHost: localhost\r\n"


@attrs.define
class Ways:
    """A site that has learned :data:`PATH`, and whether it took the long way since."""

    site: Any
    parts: Any
    long: int = 0

    def connect(self, host: str = "127.0.0.1") -> Connection:
        return Connection(self.site, host)

    async def ask(self, data: bytes, host: str = "127.0.0.1") -> tuple[Response, bool]:
        """The first answer to ``data``, and whether it came the short way."""
        before = self.long
        wire = self.connect(host)
        wire.send(data)
        response = await wire.receive(head=data.startswith(b"HEAD"))
        return response, self.long == before


async def learned(settings: Settings, **changes: Any) -> Ways:
    """A fresh site that was asked for :data:`PATH` often enough."""
    parts = make_parts(attrs.evolve(settings, **changes), None, Clock())
    ways = Ways(make_site(parts, ROUTES), parts)
    render = ways.site.resource.render

    def counted(request: Any) -> Any:
        ways.long += 1
        return render(request)

    ways.site.resource.render = counted
    for _ in range(2):
        await ways.ask(GET + b"\r\n")
    assert ways.long == 2
    ways.long = 0
    return ways


def plain(response: Response) -> tuple[Any, ...]:
    """What two answers to one question have in common."""
    own = {"date", "x-request-id"}
    return response.status, [pair for pair in response.all if pair[0].lower() not in own], response.body


# --- the same answers ---


async def test_what_is_in_the_cache_is_answered_before_there_is_a_request(web_settings: Settings) -> None:
    ways, long = await learned(web_settings), await learned(web_settings, short_way=False)
    short_answer, short = await ways.ask(GET + b"\r\n")
    long_answer, also = await long.ask(GET + b"\r\n")
    assert (short, also) == (True, False)
    assert plain(short_answer) == plain(long_answer)
    assert short_answer.status == 200
    assert {"date", "x-request-id", "etag", "content-security-policy"} <= short_answer.headers.keys()


async def test_who_has_it_already_gets_a_304(web_settings: Settings) -> None:
    ways, long = await learned(web_settings), await learned(web_settings, short_way=False)
    tag = (await ways.ask(GET + b"\r\n"))[0].headers["etag"].encode()
    for sent, status in ((tag, 304), (b"W/" + tag, 304), (b'"other", ' + tag, 304), (b"*", 304), (b'"other"', 200)):
        data = GET + b"If-None-Match: " + sent + b"\r\n\r\n"
        (answer, short), (expected, _) = await ways.ask(data), await long.ask(data)
        assert (answer.status, short) == (status, True)
        assert plain(answer) == plain(expected)


async def test_a_request_id_that_is_well_formed_is_kept(web_settings: Settings) -> None:
    ways = await learned(web_settings)
    kept, short = await ways.ask(GET + b"X-Request-Id: r-1\r\n\r\n")
    made, also = await ways.ask(GET + b"X-Request-Id: a b\r\n\r\n")
    assert short and also
    assert kept.headers["x-request-id"] == "r-1"
    assert len(made.headers["x-request-id"]) == 36


async def test_one_connection_goes_both_ways_in_turn(web_settings: Settings) -> None:
    ways = await learned(web_settings)
    wire = ways.connect()
    for number in range(3):
        wire.send(GET + b"X-Request-Id: s%d\r\n\r\n" % number)
        assert (await wire.receive()).headers["x-request-id"] == f"s{number}"
        wire.send(b"GET /api/list HTTP/1.1\r\nHost: a\r\nX-Request-Id: l%d\r\n\r\n" % number)
        assert (await wire.receive()).headers["x-request-id"] == f"l{number}"
    assert ways.long == 3


# --- what goes the long way ---

#: Good for as long as the whole run may last.
AUTHORIZED = b"Authorization: Bearer " + token_for("anna", ttl=86_400).encode() + b"\r\n"


@pytest.mark.parametrize(
    "data",
    {
        "somebody": GET + AUTHORIZED + b"\r\n",
        "a body": GET + b"Content-Length: 2\r\n\r\n{}",
        "a length": GET + b"Content-Length: 0\r\n\r\n",
        "chunks": GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "the last request": GET + b"Connection: close\r\n\r\n",
        "an upgrade": GET + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.0": GET.replace(b"1.1", b"1.0") + b"\r\n",
        "HEAD": GET.replace(b"GET", b"HEAD") + b"\r\n",
        "another address": GET.replace(b"=5", b"=6") + b"\r\n",
        "an empty line first": b"\r\n" + GET + b"\r\n",
        "two at once": (GET + b"\r\n") * 2,
        "the half of another": GET + b"\r\nGET /",
    }.values(),
)
async def test_whatever_is_not_certain_goes_the_long_way(web_settings: Settings, data: bytes) -> None:
    answer, short = await (await learned(web_settings)).ask(data)
    assert not short
    assert answer.status == 200


async def test_a_request_in_pieces_goes_the_long_way(web_settings: Settings) -> None:
    ways = await learned(web_settings)
    wire = ways.connect()
    for byte in GET + b"\r\n":
        wire.send(bytes([byte]))
    assert (await wire.receive()).status == 200
    assert ways.long == 1


async def test_what_was_dropped_goes_the_long_way_and_is_shown_anew(web_settings: Settings) -> None:
    ways = await learned(web_settings, cache_stale=0.0)
    old, _ = await ways.ask(GET + b"\r\n")
    seen.version += 1
    ways.parts.cache.drop_here(["things"])
    new, short = await ways.ask(GET + b"\r\n")
    assert not short
    again, short = await ways.ask(GET + b"\r\n")
    assert short
    assert old.body != new.body == again.body
    assert old.headers["etag"] != again.headers["etag"] == new.headers["etag"]


async def test_what_is_served_while_it_is_loaded_anew_says_its_age_and_nothing_else_does(
    web_settings: Settings,
) -> None:
    """RFC 9111, 5.1: Age says that an answer was not made, or found to be still right, for the one who asks."""
    ways = await learned(
        web_settings, cache_ttl=2.0
    )  # its chance, a tenth, is less than for what it is served after it
    fresh, _ = await ways.ask(GET + b"\r\n")
    ways.parts.reactor.advance(3)
    tag = fresh.headers["etag"].encode()
    stale, short = await ways.ask(GET + b"If-None-Match: " + tag + b"\r\n\r\n")
    again, _ = await ways.ask(GET + b"\r\n")
    assert (short, stale.status) == (False, 304)
    assert int(stale.headers["age"]) == 3
    assert "age" not in fresh.headers and "age" not in again.headers


async def test_a_site_that_stops_says_that_connections_end(web_settings: Settings) -> None:
    ways = await learned(web_settings)
    ways.site.draining = True
    answer, short = await ways.ask(GET + b"\r\n")
    assert not short
    assert answer.headers["connection"] == "close"


async def test_a_host_outside_the_setting_is_refused_on_each_way(web_settings: Settings) -> None:
    ways = await learned(web_settings, allowed_hosts=("localhost",))
    assert (await ways.ask(GET + b"\r\n"))[1]
    assert (await ways.ask(GET.replace(b"localhost", b"elsewhere") + b"\r\n"))[0].status == 400


@pytest.mark.parametrize("data", UNCLEAR_HEADS.values(), ids=list(UNCLEAR_HEADS))
async def test_heads_that_are_not_clear_are_refused_as_ever(web_settings: Settings, data: bytes) -> None:
    ways = await learned(web_settings)
    wire = ways.connect()
    wire.send(data.replace(b"/api/list", PATH.encode()))
    assert (await wire.receive()).status == 400
    assert not wire.open


PIECES = [
    b"Host: localhost\r\n", b"Host: elsewhere\r\n", b"Host: a b\r\n", b"Host : a\r\n", b"Connection: keep-alive\r\n",
    b"Connection: close\r\n", b"If-None-Match: *\r\n", b'If-None-Match: "x"\r\n', b"X-Request-Id: r\r\n",
    b"X-Forwarded-For: 192.0.2.7\r\n", b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"Expect: 100-continue\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", AUTHORIZED, b"Authorization: x\r\n",
    b"Cookie: a=b\r\n", b"X-A: b\r\n c\r\n", b"X-A\r\n", b": x\r\n", b"X-A: b\x00\r\n", b"X-A: b\x7f\r\n", b"X-A: \xe4\r\n",
    b"X-A:\r\n", b"X-A: b\n", b"X-A: b\rX-B: c\r\n", b"X-A: " + b"b" * 1001 + b"\r\n", b"\r\n", b"Accept: */*\r\n",
    b"hOST: localhost\r\n", b"Range: bytes=0-1\r\n", b"Upgrade: websocket\r\n", b"If-Match: \"v1\"\r\n", b"X-A: \t b \t\r\n",
]  # fmt: skip
FIRST = [
    b"GET /api/cached?limit=5 HTTP/1.1\r\n", b"GET /api/cached?limit=%35 HTTP/1.1\r\n", b"GET  /api/cached HTTP/1.1\r\n",
    b"get /api/cached?limit=5 HTTP/1.1\r\n", b"GET http://localhost/api/cached?limit=5 HTTP/1.1\r\n",
    b"GET /api/cached?limit=5 HTTP/1.1 \r\n", b"POST /api/cached?limit=5 HTTP/1.1\r\n", b"GET /api/cached?limit=5 HTTP/1.1\n",
]  # fmt: skip


@given(
    first=st.sampled_from(FIRST),
    headers=st.lists(st.sampled_from(PIECES), max_size=5),
    end=st.sampled_from([b"\r\n", b"\r\n\r\n", b"\r\nGET / HTTP/1.1\r\n", b"\n", b""]),
)
@example(FIRST[0], [b"Host: localhost\r\n"], b"\r\n")
@example(FIRST[0], [b"Host: localhost\r\n", b"Host: localhost\r\n"], b"\r\n")
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_nothing_tells_the_two_ways_apart(
    web_settings: Settings, first: bytes, headers: list[bytes], end: bytes
) -> None:
    """Whatever is sent, what comes back and what becomes of the connection is what it is without a lane."""
    outcomes = []
    for short_way in (True, False):
        ways = await learned(web_settings, short_way=short_way, trusted_proxies=("127.0.0.0/8",), rate_limits=True)
        wire = ways.connect()
        wire.send(first + b"".join(headers) + end)
        written = bytes(wire.transport.written)
        status, _, rest = written.partition(b"\r\n")
        lines = [line for line in rest.split(b"\r\n") if not line.startswith((b"Date: ", b"X-Request-Id: "))]
        told = [line for line in lines if b'"request_id"' not in line]  # in a refusal it is another each time
        outcomes.append((status, told, wire.open))
    assert outcomes[0] == outcomes[1]


# --- and counts like any other ---


async def test_it_is_counted_and_noted(web_settings: Settings) -> None:
    ways = await learned(web_settings)
    ways.site.access.flush()
    hits = ways.parts.cache.state().hits
    await ways.ask(GET + b"\r\n", host="192.0.2.9")
    (noted,) = ways.site.access._noted
    assert (noted.method, noted.path, noted.route, noted.status) == ("GET", "/api/cached", "get_api_cached", 200)
    assert (noted.address, noted.bytes > 0) == ("192.0.2.9", True)
    value = ways.parts.metrics.value
    assert value("harvest_http_requests_total", method="GET", route="get_api_cached", status="200") == 3
    assert value("harvest_http_request_seconds_count", route="get_api_cached") == 3
    assert ways.parts.cache.state().hits == hits + 1


async def test_limits_hold_on_it(web_settings: Settings) -> None:
    ways = await learned(web_settings, rate_limits=True, rate_default="4/60", rate_read="4/60")
    answers = [await ways.ask(GET + b"\r\n") for _ in range(3)]
    assert [(answer.status, short) for answer, short in answers] == [(200, True), (200, True), (429, False)]
    assert [answer.headers["ratelimit"].split(";")[1] for answer, _ in answers] == ["r=1", "r=0", "r=0"]
    other, short = await ways.ask(GET + b"\r\n", host="192.0.2.9")
    assert (other.status, short) == (200, True), "somebody else's requests are theirs"


async def test_behind_a_proxy_the_client_is_who_is_counted(web_settings: Settings) -> None:
    ways = await learned(
        web_settings, rate_limits=True, rate_default="2/60", rate_read="2/60", trusted_proxies=("127.0.0.1/32",)
    )
    for client in (b"192.0.2.1", b"192.0.2.2"):
        answer, short = await ways.ask(GET + b"X-Forwarded-For: " + client + b"\r\n\r\n")
        assert (answer.status, short, answer.headers["ratelimit"].split(";")[1]) == (200, True, "r=1")


async def test_what_it_knows_is_bounded(web_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvestd.web.http.fast_path.MAX", 3)
    ways = await learned(web_settings)
    for number in range(5):
        for _ in range(3):
            await ways.ask(b"GET /api/cached?limit=%d HTTP/1.1\r\nHost: h%d\r\n\r\n" % (number + 1, number))
    lane = ways.site.lane
    assert (len(lane._ways), len(lane._hosts) <= 3) == (3, True)


@pytest.mark.parametrize("way", ["short", "long"])
async def test_a_few_empty_lines_before_a_request_mean_nothing_whoever_answered_the_last(
    web_settings: Settings, way: str
) -> None:
    """RFC 9112, 2.2; they count for nothing once they are past, nor against the limit of a head."""
    ways = await learned(attrs.evolve(web_settings, short_way=True))
    wire = ways.connect()
    limit = web_settings.header_limit
    for n in range(30):
        for line in (b"\r\n",) * (n % (EMPTY_LINES + 1)) if n % 2 else (b"\r\n" * (n % (EMPTY_LINES + 1)),):
            wire.send(line)
        wire.send((GET if way == "short" else GET + b"Cookie: a=b\r\nTE: a\r\n") + b"\r\n")
        assert (await wire.receive()).status == 200
    head = GET + b"X-Long: " + b"a" * (limit - len(GET) - 12)
    wire.send(b"\r\n" * EMPTY_LINES + head + b"\r\n\r\n")
    assert (await wire.receive()).status == 200


@pytest.mark.parametrize("before", [0, 1], ids=["at once", "after a request"])
@pytest.mark.parametrize("way", ["short", "long"])
@pytest.mark.parametrize("together", [True, False])
async def test_a_flood_of_empty_lines_is_400_and_the_end(
    web_settings: Settings, way: str, before: int, together: bool
) -> None:
    ways = await learned(attrs.evolve(web_settings, short_way=True))
    wire = ways.connect()
    for _ in range(before):
        wire.send((GET if way == "short" else GET + b"TE: a\r\n") + b"\r\n")
        assert (await wire.receive()).status == 200
    for lines in (b"\r\n" * 100_000,) if together else (b"\r\n",) * (EMPTY_LINES + 1):
        wire.send(lines)
    wire.send(GET + b"\r\n")
    answer = await wire.receive()
    assert (answer.status, answer.headers["connection"], "empty lines" in answer.json()["detail"]) == (
        400,
        "close",
        True,
    )
    assert not wire.open and not wire.transport.written


# --- on a socket ---


async def test_a_reader_that_is_slow_gets_all_of_it(web_settings: Settings) -> None:
    """What does not fit into the socket at once follows, and nothing overtakes it."""
    parts = make_parts(web_settings, None)
    site = make_site(parts, ROUTES)
    listening = listen(reactor, site, "127.0.0.1", 0, False)
    try:
        bodies = await deferToThread(_read_slowly, listening.getHost().port)
    finally:
        await cease(reactor, listening)
        site.finish()
    assert [len(body) > 1_000_000 for body in bodies] == [True] * 4
    assert len(set(bodies)) == 1
    assert parts.cache.state().hits == 3


def _read_slowly(port: int) -> list[bytes]:
    """Ask for a large answer, a few times, with room for a little of it."""
    bodies = []
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", port))
        stream = client.makefile("rb")
        for _ in range(4):
            client.sendall(GET.replace(b"limit=5", b"limit=100") + b"\r\n")
            head = b"".join(iter(stream.readline, b"\r\n"))
            bodies.append(stream.read(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])))
    return bodies


async def test_where_limits_have_to_be_asked_for_all_go_the_long_way(web_settings: Settings) -> None:
    """Each is looked up and counted once."""

    class Elsewhere(MemoryLimiter):
        at_hand = False

    settings = attrs.evolve(web_settings, rate_limits=True)
    parts = attrs.evolve(make_parts(settings, None, Clock()), limiter=Elsewhere(Clock().seconds))
    assert make_site(parts, ROUTES).lane is None
    assert make_site(attrs.evolve(parts, settings=web_settings), ROUTES).lane is not None
