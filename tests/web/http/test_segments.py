"""However the network cuts a stream of bytes, it means the same."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from harvestd.settings.table import Settings
from harvestd.web.server import make_site
from tests.web.client import Connection, encode
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES

CHUNKED = b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAMS = (
    encode("GET", "/api/things/1") + encode("POST", "/api/echo", json={"name": "a"}) + encode("GET", "/api/things/2"),
    CHUNKED + b'4;x=y\r\n{"na\r\n9\r\nme": "a"}\r\n0\r\nX: y\r\n\r\n' + encode("GET", "/api/things/2"),
    b"\r\n" + encode("HEAD", "/api/list") + encode("OPTIONS", "/api/list") + encode("GET", "/nowhere"),
    encode("GET", "/api/things/1")
    + b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"
    + encode("GET", "/api/things/2"),
    CHUNKED + b'3\r\n{"nXXX\r\n0\r\n\r\n' + encode("GET", "/api/things/2"),
    b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345"
    + encode("GET", "/api/list"),
)
#: What differs from answer to answer.
_VARIES = re.compile(rb'(Date: |X-Request-Id: |"request_id":")[^\r"]*')


clock = Clock()


@cache
def site() -> object:
    return make_site(make_parts(Settings(rate_limits=False), None, clock), ROUTES)


def written(pieces: list[bytes]) -> tuple[bytes, bool]:
    """All that was answered, and whether the connection is still open."""
    wire = Connection(site())
    for piece in pieces:
        wire.send(piece)
    for _ in STREAMS:  # requests behind others wait for a turn of the reactor
        clock.advance(0)
    return bytes(wire.transport.written), wire.open


def answers(pieces: list[bytes]) -> tuple[bytes, bool]:
    """The same without what varies."""
    data, is_open = written(pieces)
    return _VARIES.sub(rb"\1", data), is_open


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[start:end] for start, end in pairwise(ends)]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 10_000), max_size=20))
def test_any_cutting_has_the_same_answers(stream: bytes, places: list[int]) -> None:
    assert answers(cut(stream, places)) == answers([stream])


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([s for s in STREAMS if b"HEAD" not in s]), st.integers(0, 10_000), st.binary(max_size=6))
def test_any_damage_is_answered_by_http_and_nothing_else(stream: bytes, place: int, damage: bytes) -> None:
    """Never an exception, never a page of Twisted's, never bytes that are no answer."""
    at = place % len(stream)
    left, _ = written([stream[:at] + damage + stream[at + len(damage) :]])
    while left:
        head, _, left = left.partition(b"\r\n\r\n")
        assert re.match(rb"HTTP/1\.1 [1-5][0-9][0-9] [A-Za-z -]+\r\nServer: harvestd\r\n", head), head
        assert b" 500 " not in head[:15]
        length = re.search(rb"Content-Length: ([0-9]+)", head)
        left = left[int(length[1]) if length else 0 :]
