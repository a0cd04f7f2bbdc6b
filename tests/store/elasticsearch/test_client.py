"""Requests to a search engine: bounded whole, repeated once where a kept connection was stale, to the next node where one is
gone. What answers here is a small server that misbehaves as it is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, ServerFactory

from harvestd.store.elasticsearch import response_body
from harvestd.store.elasticsearch.client import ElasticsearchClient, EngineError
from servers import free_port
from servers.pace import Pace


def answer(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


class Talk(Protocol):
    factory: Node

    def connectionMade(self) -> None:
        self.factory.open.append(self)

    def dataReceived(self, data: bytes) -> None:
        self.factory.requests.append(data)
        given = self.factory.answers.pop(0) if len(self.factory.answers) > 1 else self.factory.answers[0]
        assert self.transport is not None
        if given is None:
            self.transport.loseConnection()
        else:
            self.transport.write(given)

    def connectionLost(self, reason: Any = None) -> None:
        self.factory.open.remove(self)


@attrs.define(eq=False)
class Node(ServerFactory):
    """``answers`` are given in turn, the last for ever; None hangs up."""

    answers: list[bytes | None]
    requests: list[bytes] = attrs.field(factory=list)
    open: list[Talk] = attrs.field(factory=list)
    port: Any = None
    numPorts = 0
    noisy = False

    def buildProtocol(self, address: Any) -> Talk:
        talk = Talk()
        talk.factory = self
        return talk

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port.getHost().port}"


@pytest_twisted.async_yield_fixture
async def node() -> AsyncIterator[Callable[..., Node]]:
    from twisted.internet import reactor

    made: list[Node] = []

    def make(*answers: bytes | None) -> Node:
        one = Node(list(answers))
        one.port = reactor.listenTCP(0, one, interface="127.0.0.1")
        made.append(one)
        return one

    yield make
    for one in made:
        for talk in one.open:
            talk.transport.abortConnection()
        await one.port.stopListening()


@pytest_twisted.async_yield_fixture
async def client() -> AsyncIterator[Callable[[str], ElasticsearchClient]]:
    from twisted.internet import reactor

    made: list[ElasticsearchClient] = []

    def make(urls: str) -> ElasticsearchClient:
        made.append(ElasticsearchClient(reactor, urls))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.mark.parametrize(
    ("given", "why"),
    [(answer(b"<html>busy</html>"), "something else than JSON"), (answer(b"\xff\xfe"), "something else than JSON"),
     (answer(b"no", "503 Service Unavailable"), "HTTP 503"), (answer(b"[" * 100_000), "something else than JSON"),
     (answer(b'{"error": {"root_cause": [{"type": "x_exception", "reason": "because"}]}, "status": 429}', "429 Too Many"),
      "HTTP 429 x_exception: because"),
     (answer(b'{"error": "plain words"}', "401 Unauthorized"), "plain words"), (answer(b'{"error": [1]}', "500 No"), "HTTP 500"),
     (b"SSH-2.0-OpenSSH\r\n\r\n", ""), (answer(b"{}", length=10), "no answer within"), (b"HTTP/1.1 200 OK\r\n", "no answer within"),
     (None, "")],
)  # fmt: skip
async def test_whatever_answers_it_is_an_answer_or_unavailable_within_the_time(
    node: Any, client: Any, given: bytes | None, why: str
) -> None:
    """Also when the headers come in time and the content does not."""

    one, pace = node(given), Pace()
    with pytest.raises(EngineError) as raised:
        await client(one.url).call("POST", "/x/_search", {}, 0.3)
    assert why in raised.value.detail
    assert pace.seconds() < 2.0


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_redirect_is_followed(node: Any, client: Any, method: str) -> None:
    """Whoever it leads to would get the question, and the password."""
    other = node(answer(b"{}"))
    one = node(answer(b"", f"302 Found\r\nLocation: {other.url}/elsewhere"))
    with pytest.raises(EngineError, match="302"):
        await client(one.url.replace("//", "//user:secret@")).call(method, "/x/_search", {}, 5.0)
    assert other.requests == []


async def test_an_endless_answer_is_not_gathered(node: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_body, "MAX", 1000)
    one = node(answer(b"[" + b"1," * 2000))
    with pytest.raises(EngineError, match="more than 1000 bytes"):
        await client(one.url).call("GET", "/", None, 5.0)


async def test_after_a_time_out_the_connection_is_given_up(node: Any, client: Any) -> None:
    """A late answer must not be taken for the next one's."""
    from tests.waiting import eventually

    one = node(answer(b"{", length=100))
    with pytest.raises(EngineError):
        await client(one.url).call("GET", "/", None, 0.1)
    await eventually("the connection is closed", lambda: not one.open)


async def test_a_question_on_a_connection_that_was_just_closed_is_asked_again(node: Any, client: Any) -> None:
    one = node(answer(b"{}"), None, answer(b'{"second": true}'))
    asking = client(one.url)
    assert await asking.call("POST", "/", {}) == {}
    assert await asking.call("POST", "/", {}) == {"second": True}
    assert len(one.requests) == 3


async def test_connections_are_kept(node: Any, client: Any) -> None:
    one = node(answer(b"{}"))
    asking = client(one.url)
    for _ in range(5):
        await asking.call("POST", "/", {})
    assert len(one.open) == 1


async def test_many_questions_at_once_have_their_own_connections(node: Any, client: Any) -> None:
    one = node(answer(b"{}"))
    asking = client(one.url)
    for _ in range(2):
        for waiting in [Deferred.fromCoroutine(asking.call("POST", "/", {})) for _ in range(10)]:
            await waiting
    assert len(one.open) == 10


async def test_when_a_node_is_gone_the_next_is_asked_and_kept_to(node: Any, client: Any) -> None:
    one = node(answer(b"{}"))
    asking = client(f"http://127.0.0.1:{free_port()} , {one.url}")
    for _ in range(3):
        assert await asking.call("GET", "/") == {}
    assert asking._nodes[0][0] == one.url


async def test_when_no_node_is_there_it_says_so_at_once(client: Any) -> None:

    pace = Pace()
    with pytest.raises(EngineError, match="refused"):
        await client(f"http://127.0.0.1:{free_port()}").call("GET", "/", None, 5.0)
    assert pace.seconds() < 1.0


async def test_user_and_password_of_the_url_are_sent_and_nowhere_else_told(node: Any, client: Any) -> None:
    one = node(answer(b"{}"), answer(b"", "401 Unauthorized"))
    asking = client(one.url.replace("http://", "http://market:s%40cret@"))
    await asking.call("GET", "/")
    assert b"Authorization: Basic bWFya2V0OnNAY3JldA==" in one.requests[0]
    with pytest.raises(EngineError) as raised:
        await asking.call("GET", "/")
    assert "cret" not in raised.value.detail


async def test_lines_end_each_with_a_line_break(node: Any, client: Any) -> None:
    one = node(answer(b"{}"))
    await client(one.url).call("POST", "/_bulk", [{"a": 1}, {"b": "x\ny"}])
    head, _, body = one.requests[0].partition(b"\r\n\r\n")
    assert [json.loads(line) for line in body.split(b"\n")[:-1]] == [{"a": 1}, {"b": "x\ny"}]
    assert body.endswith(b"\n") and b"application/x-ndjson" in head
