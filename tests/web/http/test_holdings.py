"""What clients make a process hold is bounded: in all, for each address, and for each connection."""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred

from harvestd import tables as table
from harvestd.settings.table import Settings
from harvestd.web.http.spool import IN_MEMORY
from harvestd.web.server import make_site
from tests.waiting import eventually
from tests.web.client import Client, Connection, encode
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES, seen

MB = 1_048_576
LARGE = "/api/cached?limit=100"


def client_of(settings: Settings, **changes: object) -> Client:
    return Client(make_site(make_parts(attrs.evolve(settings, **changes), None), ROUTES))


def hosts(number: int) -> list[str]:
    return [f"192.0.2.{n}" for n in range(number)]


async def test_above_the_limit_those_that_hold_most_are_ended(web_settings: Settings) -> None:
    """Not those that came last, or hold little."""
    client = client_of(web_settings, buffer_limit=2 * MB)  # of which their answer, which all read, is one
    small = client.connect()
    small.send(b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b" " * 500)
    readers = [client.connect(host) for host in hosts(40)]
    for reader in readers:
        reader.transport.reading = False
        reader.send(encode("GET", LARGE))

    def settled() -> bool:
        return all(not one.open or one.transport.dataBuffer for one in readers)

    await eventually("all are answered or ended", settled)
    assert client.site.holdings.count() <= 2 * MB
    assert 5 < sum(one.open for one in readers) < 40
    assert small.open
    parts_shortages = client.site._metrics.value("harvest_shortages_total", what="buffers")
    assert parts_shortages and parts_shortages >= 1


async def test_bodies_that_are_held_back_are_counted_and_large_ones_are_on_disk(web_settings: Settings) -> None:
    client = client_of(web_settings)
    held = [client.connect(host) for host in hosts(20)]
    head = b"POST /api/big HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 290000\r\n\r\n"
    for one in held:
        one.send(head + b" " * 289_999)
    await eventually("each has had its turn", lambda: client.site.admission.files == 20)
    assert client.site.holdings.count() < 20 * 8192
    for one in held[:10]:
        one.hang_up()
    await eventually("theirs are given back", lambda: client.site.admission.files == 10)
    for one in held[10:]:
        one.send(b" ")
    await eventually("all are given back", lambda: client.site.admission.files == 0)


async def test_a_body_on_disk_is_read_whole(web_settings: Settings) -> None:
    client = client_of(web_settings)
    body = b'{"name": "a"' + b" " * (3 * IN_MEMORY) + b"}"
    answer = await client.post("/api/big", body=body, headers={"Content-Type": "application/json"})
    assert answer.status == 200


async def test_a_body_that_finds_no_room_on_disk_is_503(web_settings: Settings) -> None:
    client = client_of(web_settings)
    client.site.admission._descriptors = 1
    wire = client.connect()
    wire.send(b"POST /api/big HTTP/1.1\r\nHost: a\r\nContent-Length: 290000\r\n\r\n" + b" " * 100_000)
    answer = await wire.receive()
    assert (answer.status, answer.json()["type"]) == (503, "/problems/unavailable")


def taken(client: Client, host: str) -> Connection | None:
    if client.site.buildProtocol(IPv4Address("TCP", host, 1)) is None:
        return None
    return client.connect(host)


async def test_an_address_has_so_many_connections(web_settings: Settings) -> None:
    client = client_of(web_settings, connections_per_address=3)
    first = [taken(client, "2001:db8::" + n) for n in "1234"]
    assert [one is not None for one in first] == [True, True, True, False]
    assert taken(client, "2001:db8:0:1::1") is not None
    assert first[0] is not None
    first[0].hang_up()
    assert taken(client, "2001:db8::9") is not None


async def test_a_trusted_proxy_has_as_many_as_there_are(web_settings: Settings) -> None:
    client = client_of(web_settings, connections_per_address=3, trusted_proxies=("10.0.0.0/8",))
    assert None not in [taken(client, "10.1.2.3") for _ in range(10)]


@pytest.mark.parametrize("proxied", [False, True])
async def test_an_address_has_so_many_requests_in_hand(web_settings: Settings, proxied: bool) -> None:
    changes = {"trusted_proxies": ("127.0.0.0/8",)} if proxied else {}
    client = client_of(web_settings, requests_per_address=2, rate_limits=True, **changes)

    def ask(address: str) -> Connection:
        wire = client.connect("127.0.0.1" if proxied else address)
        wire.send(encode("GET", "/api/wait", headers={"X-Forwarded-For": address}))
        return wire

    seen.waiting = waiting = Deferred[None]()
    held = [ask("192.0.2.1"), ask("192.0.2.1")]
    refused = await ask("192.0.2.1").receive()
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    policy = refused.headers["ratelimit-policy"], refused.headers["ratelimit"]
    assert policy == ('"address_requests";q=2;qu="concurrent-requests"', '"address_requests";r=0'), (
        "a quota without a window"
    )
    other = ask("192.0.2.2")
    waiting.callback(None)
    assert [(await one.receive()).status for one in [*held, other]] == [204] * 3
    seen.waiting = None
    assert (await client.get("/api/list", host="192.0.2.1")).status == 200


async def test_a_reader_below_the_least_rate_is_ended(web_settings: Settings) -> None:
    """4 KB in fifteen seconds were enough once: 500 such readers held 700 MB for as long as they liked."""
    from twisted.internet.task import Clock

    clock = Clock()
    site = make_site(
        make_parts(attrs.evolve(web_settings, read_rate_least=1000, write_deadline=10), None, clock), ROUTES
    )
    site.startFactory()
    slow, steady = Client(site).connect(), Client(site).connect()
    for wire in (slow, steady):
        wire.transport.reading = False
        wire.send(encode("GET", LARGE))
    for _ in range(25):
        clock.advance(0.5)
        clock.advance(0.5)
        slow.transport.take(900)
        steady.transport.take(1100)
    assert (slow.open, steady.open) == (False, True)


async def test_an_address_has_so_many_searches_in_hand(web_settings: Settings) -> None:
    class Slow:
        async def suggest(self, prefix: str, limit: int) -> tuple[()]:
            await held
            return ()

    held = Deferred[None]()
    settings = attrs.evolve(web_settings, rate_limits=True, searches_per_address=2)
    parts: Any = attrs.evolve(make_parts(settings, None), search=cast(Any, Slow()))
    client = Client(make_site(parts, table.ROUTES))

    def ask(host: str, prefix: str) -> Connection:
        wire = client.connect(host)
        wire.send(encode("GET", f"/api/search/suggest?q={prefix}"))
        return wire

    first = [ask("192.0.2.1", "a"), ask("192.0.2.1", "b")]
    assert (await ask("192.0.2.1", "c").receive()).status == 429
    assert (await client.get("/api/market", host="192.0.2.1")).status == 200
    other = ask("192.0.2.2", "d")
    held.callback(None)
    assert [(await one.receive()).status for one in [*first, other]] == [200] * 3
    assert parts.metrics.value("harvest_shortages_total", what="address_searches") == 1


async def test_a_body_is_counted_while_its_slowest_reader_has_not_got_it_and_once_for_all_of_them(
    web_settings: Settings,
) -> None:
    """The cache may have dropped it long before."""
    client = client_of(web_settings)
    await client.get(LARGE)
    readers = [client.connect(host) for host in hosts(20)]
    for reader in readers:
        reader.transport.reading = False
        reader.send(encode("GET", LARGE))
    await eventually("all are being answered", lambda: all(one.transport.dataBuffer for one in readers))
    body = (await client.get(LARGE)).body
    buffered = sum(len(one.transport.dataBuffer) for one in readers)
    assert buffered + len(body) - 20 <= client.site.holdings.count() <= buffered + len(body)
    for reader in readers:
        reader.hang_up()
    assert client.site.holdings.count() == 0 and client.site.holdings._bodies == {}
