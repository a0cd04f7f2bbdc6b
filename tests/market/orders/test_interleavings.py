"""Whatever a client does in whatever order: each whole request is answered or its connection is closed, and nobody is left waiting."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.runtime.lifecycle import sleep
from harvestd.web.http.turns import Turns
from tests.waiting import eventually
from tests.web.client import Client, Connection, encode

BODY = b'{"name": "a"}'
JSON = {"Content-Type": "application/json"}
ASKED = (
    encode("GET", "/api/list"),
    encode("GET", "/api/cached?limit=100"),
    encode("GET", "/docs"),
    encode("GET", "/api/nothing"),
    encode("POST", "/api/echo", body=BODY, headers=JSON),
    encode("POST", "/api//x", body=BODY, headers=JSON),
    encode("OPTIONS", "*"),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.lists(st.sampled_from(ASKED), min_size=1, max_size=4), st.integers(1, 4)),
        st.tuples(st.just("stop")),
        st.tuples(st.just("take"), st.integers(1, 200_000)),
        st.tuples(st.just("turn"), st.integers(1, 4)),
    ),
    max_size=8,
)
ENDS = st.sampled_from(["read", "half-close", "loss"])


def pieces(data: bytes, number: int) -> list[bytes]:
    size = -(-len(data) // number)
    return [data[at : at + size] for at in range(0, len(data), size)]


async def go(wire: Connection, steps: list[tuple[Any, ...]], end: str) -> int:
    """The number of whole requests that the client sent while the connection was open."""
    sent = 0
    for what, *more in steps:
        if what == "send":
            sent += len(more[0])
            for piece in pieces(b"".join(more[0]), more[1]):
                wire.send(piece)
        elif what == "stop":
            wire.transport.reading = False
        elif what == "take":
            wire.transport.take(more[0])
        else:
            for _ in range(more[0]):
                await sleep(reactor, 0)
    if end == "loss":
        wire.hang_up()
    elif end == "half-close" and wire.open:
        wire.protocol.readConnectionLost()
    return sent


async def settle(wire: Connection, sent: int) -> None:
    def settled() -> bool:
        wire.transport.take(1_000_000)
        return not wire.open or wire.transport.written.count(b"HTTP/1.1 ") == sent

    await eventually("each is answered, or the connection closed", settled)
    queue = wire.protocol.site.turns._queue
    await eventually("no turn is left", lambda: not len(queue))


async def test_each_whole_request_is_answered_or_its_connection_closed(client: Client) -> None:
    """The examples are drawn first: hypothesis does not wait for the reactor."""
    drawn: list[tuple[list[tuple[Any, ...]], str]] = []

    @settings(max_examples=60, database=None, deadline=None)
    @given(STEPS, ENDS)
    def draw(steps: list[tuple[Any, ...]], end: str) -> None:
        drawn.append((steps, end))

    draw()
    for n, (steps, end) in enumerate(drawn):
        wire = client.connect(f"192.0.2.{n % 200}")
        try:
            await settle(wire, await go(wire, steps, end))
        except AssertionError as error:
            raise AssertionError(f"{steps} and {end}: {error}") from error
        if wire.open:
            wire.hang_up()


async def test_what_goes_wrong_with_one_ends_it_and_nobody_else(expected_errors: Any) -> None:
    turns, done, ended = Turns(reactor), Deferred[None](), []

    class Broken:
        def go_on(self) -> None:
            raise ZeroDivisionError

        def fail(self) -> None:
            ended.append(self)

    class Whole:
        def go_on(self) -> None:
            done.callback(None)

        def fail(self) -> None:
            raise AssertionError

    turns.wait("a", Broken())
    turns.wait("b", Whole())
    await eventually("the other has its turn", lambda: done.called)
    assert len(ended) == 1
    assert len(expected_errors(ZeroDivisionError)) == 1
