"""Requests that come faster than their answers are taken: what a connection holds does not depend on how many."""

from __future__ import annotations

import pytest
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from harvestd.runtime.lifecycle import sleep
from harvestd.settings.table import Settings
from harvestd.web.http.pieces import PIECE
from harvestd.web.http.turns import FREE, SLICE
from harvestd.web.server import make_site
from tests.waiting import eventually
from tests.web.client import Client, Connection, encode
from tests.web.conftest import make_parts
from tests.web.dummies import ROUTES

LARGE = "/api/cached?limit=100"
#: The answer that filled the transport, the piece that it was filled beyond, and heads.
FULL = 2 * PIECE + 4096


@pytest.fixture
def wire(client: Client) -> Connection:
    return client.connect()


async def turns(number: int = 20) -> None:
    """Let the reactor go round."""
    for _ in range(number):
        await sleep(reactor, 0)


PATHS = {"large": LARGE, "read": "/api/list", "refused": "/api/nothing", "page": "/"}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_nothing_more_is_begun_for_who_does_not_read(wire: Connection, path: str) -> None:
    wire.transport.reading = False
    wire.send(encode("GET", path) * 1500)
    held = -1
    while held != len(wire.transport.dataBuffer):
        held = len(wire.transport.dataBuffer)
        await turns()
        assert held < FULL
    assert wire.open
    assert wire.transport.paused


async def test_all_of_it_is_answered_to_who_reads_in_the_end(wire: Connection) -> None:
    wire.transport.reading = False
    wire.send(encode("GET", LARGE) * 2 + encode("GET", "/api/list") * 3)
    answers = []

    async def read() -> None:
        for _ in range(5):
            answers.append(await wire.receive())

    reading = ensureDeferred(read())

    def took() -> bool:
        assert len(wire.transport.dataBuffer) < FULL
        wire.transport.take(50_000)
        return len(answers) == 5

    await eventually("five answers", took, every=0.001)
    await reading
    assert [len(answer.body) > 1_000_000 for answer in answers[:2]] == [True, True]
    assert answers[0].body == answers[1].body
    assert [answer.status for answer in answers[2:]] == [200] * 3
    wire.transport.reading = True
    assert (await wire.request("GET", "/api/list")).status == 200


async def test_a_connection_has_one_request_in_a_turn_of_the_reactor(client: Client, wire: Connection) -> None:
    other = client.connect()
    wire.send(encode("GET", "/") * 200)
    other.send(encode("GET", "/"))
    assert (await other.receive()).status == 200
    assert wire.transport.written.count(b"HTTP/1.1 200") <= 20
    await eventually("all", lambda: wire.transport.written.count(b"HTTP/1.1 200") == 200)


async def test_no_more_is_read_while_requests_wait(wire: Connection) -> None:
    wire.send(encode("GET", "/") * 3)
    assert wire.transport.paused
    for _ in range(3):
        assert (await wire.receive()).status == 200
    await eventually("it reads on", lambda: not wire.transport.paused)


async def test_what_is_cut_off_in_the_middle_is_whole_later(wire: Connection) -> None:
    """A request that has come in part when the transport fills is no late one when the rest comes."""
    wire.transport.reading = False
    whole = encode("GET", "/api/list")
    wire.send(encode("GET", LARGE) + whole[:20])
    await turns()
    wire.transport.reading = True
    wire.transport.take(10**7)
    await eventually("the large one", lambda: len(wire.transport.written) > 1_000_000)
    wire.send(whole[20:])
    assert (await wire.receive()).status == 200
    assert (await wire.receive()).status == 200


def turn(clock: Clock, times: int = 1) -> None:
    """As a reactor does: what is due now, and not what that asks for. (``Clock.advance`` runs that, too.)"""
    for _ in range(times):
        for call in [call for call in clock.calls if call.getTime() <= clock.seconds()]:
            clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


@pytest.mark.parametrize("path", ["/api/list", LARGE], ids=["long way", "short way"])
@pytest.mark.parametrize("cut", [0, 20], ids=["whole", "in two"])
def test_of_a_crowd_that_sends_together_a_turn_takes_a_few_and_a_strangers_comes_after_one_of_them(
    web_settings: Settings, path: str, cut: int
) -> None:
    """Each request takes a millisecond here."""
    clock = Clock()
    site = make_site(make_parts(web_settings, None, clock), ROUTES)
    log, asked = [], encode("GET", path)

    def answered(*told: object) -> None:
        clock.rightNow += 0.001
        log.append(told[-1] or told[-2])

    site.answered = answered  # type: ignore[method-assign]
    teacher = Connection(site, "192.0.2.9")
    for _ in range(3):
        teacher.send(asked)
    crowd = [Connection(site, "192.0.2.7") for _ in range(200)]
    stranger = Connection(site, "192.0.2.8")
    if cut:
        for one in (*crowd, stranger):
            one.send(asked[:cut])
        turn(clock, 400)
    log.clear()
    for one in (*crowd, stranger):
        one.send(asked[cut:])
    a_turn = FREE + SLICE * 1000 + 2
    assert 0 < len(log) <= a_turn
    turn(clock)
    assert len(log) <= 2 * a_turn and stranger.transport.written, "it has had its turn"
    turn(clock, 400)
    assert all(one.transport.written for one in crowd) and len(log) == 201
