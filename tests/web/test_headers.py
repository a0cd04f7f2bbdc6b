"""Headers are bytes until they are known: no byte in any of them leaves a client without an answer."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

import harvestd.web
from harvestd.settings.table import Settings
from harvestd.web.headers import READ
from harvestd.web.server import make_site
from tests.web.client import Client
from tests.web.conftest import make_parts, token_for
from tests.web.dummies import ROUTES

#: Forms that some reader of numbers, lists, dates, tokens or addresses may choke on.
ODD = (
    b"", b" ", b",", b",,,", b";", b"=", b"==", b'"', b'""', b'"a', b"*", b"\\", b"%00", b"%ff", b"\xc3\xa9", b"\xc3", b"\xe2\x80\xa8",
    b"\xd9\xa1", b"-1", b"1e9", b"9" * 5000, b"a" * 5000, b"\xff" * 5000, b"a" * 5000 + b"\xff", b"[", b"[::1", b"[::1]:x", b"1.2.3",
    b"unknown", b"_hidden", b"a=b; c", b"Bearer", b"Bearer ", b"Bearer \xff", b"Bearer a.b.c", b"Bearer " + b"." * 4000, b"Basic \xff",
    b"Bearer ..", b"Bearer eyJhbGciOiJub25lIn0.e30.", b"W/", b'W/"', b'"v99999999999999999999-x"', b'"v\xb2-x"', b"00-\xff-\xff-00",
    b"application/json; charset=\xff", b"gzip, \xff", b"http\xff", b"https, https", b"text/html;q=\xff", b"harvest_cart=\xff",
)  # fmt: skip
#: A request of each kind of route: read, cached, changing, with a condition.
REQUESTS = (
    (b"GET", b"/api/list", b""), (b"GET", b"/api/cached", b""), (b"GET", b"/metrics", b""), (b"GET", b"/problems", b""),
    (b"POST", b"/api/echo", b'{"name": "a"}'), (b"PATCH", b"/api/things/1", b'{"name": "a"}'), (b"GET", b"/api/mine", b""),
    (b"GET", b"/nowhere", b""),
)  # fmt: skip
#: These say how the request is to be read, and have tests of their own (test_wire.py).
FRAMING = {"host", "connection", "content-length", "transfer-encoding", "expect"}


def test_every_header_that_is_read_stands_in_the_table() -> None:
    pattern = re.compile(
        r"""(?:text\(b|(?:getRawHeaders|hasHeader)\(b?)"([A-Za-z-]+)"|headers\.get\("([a-z-]+)"|^HEADER = "([a-z-]+)\"""",
        re.MULTILINE,
    )
    found = set()
    for file in Path(harvestd.web.__path__[0]).rglob("*.py"):
        found |= {name.lower() for names in pattern.findall(file.read_text()) for name in names if name}
    assert found - set(READ) == set()


@pytest.mark.parametrize("proxies", [(), ("127.0.0.0/8",)])
@pytest.mark.parametrize("name", sorted(set(READ) - FRAMING))
async def test_no_byte_in_a_header_leaves_a_client_without_an_answer(
    web_settings: Settings, name: str, proxies: tuple[str, ...]
) -> None:
    settings = attrs.evolve(web_settings, trusted_proxies=proxies)
    client = Client(make_site(make_parts(settings, None), ROUTES))
    every = [bytes([byte]) for byte in range(0x80, 0x100)]
    some = [b"127.0.0.1" + byte for byte in every[::32]]
    for method, path, body in REQUESTS:
        for value in (*(every if path == b"/api/cached" else some), *ODD):
            head = [b"%b %b HTTP/1.1" % (method, path), b"Host: localhost", name.encode() + b": " + value]
            if body:
                head.append(b"Content-Length: %d" % len(body))
                head += [b"Content-Type: application/json"] if name != "content-type" else []
                head += [b"Authorization: Bearer " + token_for("u").encode()] if name != "authorization" else []
            wire = client.connect()
            wire.send(b"\r\n".join(head) + b"\r\n\r\n" + body)
            response = await wire.receive()
            assert response.status < 500, (method, path, value, response)
            wire.hang_up()


async def test_no_byte_on_the_short_way_leaves_a_client_without_an_answer(web_settings: Settings) -> None:
    client = Client(make_site(make_parts(web_settings, None), ROUTES))
    for _ in range(3):
        await client.get("/api/cached")
    for name in sorted(set(READ) - FRAMING - {"authorization"}):
        for value in (*(bytes([byte]) for byte in range(0x80, 0x100)), *ODD):
            wire = client.connect()
            wire.send(b"GET /api/cached HTTP/1.1\r\nHost: localhost\r\n" + name.encode() + b": " + value + b"\r\n\r\n")
            assert (await wire.receive()).status in (200, 304), (name, value)
            wire.hang_up()


@pytest.mark.parametrize("method", ["get", "Get", "gEt", "post", "Options", "head"])
async def test_methods_are_in_capitals(client: Client, method: str) -> None:
    """RFC 9110, 9.1: they are case-sensitive."""
    response = await client.request(method, "/api/list")
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (await client.request(method, "/nowhere")).status == 404


@pytest.mark.parametrize("key", ["", " ", '""', "\xff", "a b", "a" * 256])
async def test_an_idempotency_key_that_is_empty_or_unclear_is_400_also_where_none_is_needed(
    client: Client, key: str
) -> None:
    response = await client.post("/api/maybe", {"name": "a"}, headers={"Idempotency-Key": key})
    assert (response.status, response.json()["type"]) == (400, "/problems/idempotency-key")
