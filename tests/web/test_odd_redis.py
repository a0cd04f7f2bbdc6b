"""Whoever can write to Redis, or is what answers there: reads are served all the same, and nothing is logged as an error.

(What a test has logged as an error fails it: ``tests/leaks.py``.)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import hiredis
import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

from harvestd import tables as table
from harvestd.market.accounts.sign_ins import PostgresSignIns
from harvestd.market.accounts.sign_ins_near import NearSignIns
from harvestd.market.accounts.sign_ins_redis import RedisSignIns
from harvestd.parts import Parts
from harvestd.store.cache.near import NearCache
from harvestd.store.limiter import MemoryLimiter
from harvestd.store.redis import replies as redis_replies
from harvestd.store.redis.cache import RedisCache
from harvestd.store.redis.client import RedisClient
from harvestd.store.redis.limiter import RedisLimiter
from harvestd.web.server import make_site
from servers.redis import RedisServer
from tests.people import Market
from tests.web.client import Client

ODD = [
    b"", b" ", b"0", b"-1", b"1", b"nan", b"1e400", b"9" * 400, b"\xff\xfe\x00", b"\xf0\x9f\x8c\xbd", b"x" * 300_000, b"[" * 5000,
    b"1abcdefabcdef0000000000000000", b"0000000000000" + b"0" * 16, b"9999999999999" + b"f" * 16, b"9" * 13 + b"F" * 16,
    b"1" * 28, b"1" * 30, b"1" * 29 + b"\n", b"0" * 16, b"f" * 16 + b" ", b"0" * 16 + b" - " + b"0" * 32 + b" x buyer y ",
    b"0" * 16 + b" - ", b"2" + b"0" * 29, b"3" + b"0" * 29 + b"\x00" * 60, b"null", b'{"c":1}', b"\r\n", b"%s%d%x",
]  # fmt: skip
TYPES = [("RPUSH", "a", "b"), ("SADD", "a"), ("HSET", "a", "b"), ("ZADD", "1", "a"), ("XADD", "*", "a", "b")]


@attrs.define
class Process:
    """The site of one process on Redis; :meth:`forget` empties its memory."""

    market: Market
    near: NearCache
    sessions: NearSignIns
    link: RedisClient

    def forget(self) -> None:
        self.near._entries.clear()
        self.sessions._known.clear()


@pytest_twisted.async_yield_fixture
async def process(parts: Parts) -> AsyncIterator[Callable[..., Any]]:
    links: list[RedisClient] = []

    async def make(url: str) -> Process:
        link = RedisClient(reactor, url, "t:", 2.0)
        await link.start()
        links.append(link)
        near = NearCache(reactor, parts.topics, 10_000_000, 0.0)
        source = RedisSignIns(link, PostgresSignIns(parts.database, parts.now), parts.secret)
        sessions = NearSignIns(reactor, parts.topics, source)
        counted = RedisLimiter(link, MemoryLimiter(reactor.seconds))  # type: ignore[attr-defined]
        settings = attrs.evolve(parts.settings, rate_limits=True, rate_default="9000/3600", rate_read="9000/3600")
        own = attrs.evolve(
            parts, cache=RedisCache(near, link, parts.secret), sign_ins=sessions, limiter=counted, settings=settings
        )
        return Process(Market(own, Client(make_site(own, table.ROUTES))), near, sessions, link)

    yield make
    for link in links:
        await link.stop()


async def reads(process: Process, person: Any) -> list[int]:
    """What somebody and what nobody asks for."""
    process.forget()
    answers = [
        await process.market.stranger.get("/api/products"),
        await process.market.stranger.get("/api/categories"),
        await person.get("/api/users/me"),
    ]
    return [answer.status for answer in answers]


@pytest.mark.limit(120)
async def test_whatever_lies_under_any_key_reads_are_served(process: Any, redis: RedisServer) -> None:
    here = await process(redis.url())
    person = await here.market.person()
    assert await reads(here, person) == [200] * 3
    names: Any = redis.ask("KEYS", "*")
    kinds = {name.split(b":")[1] for name in names}
    assert kinds >= {b"cache", b"family", b"products", b"categories", b"session", b"sessions", b"ratelimit"}, kinds
    for name in names:
        for value in ODD:
            redis.ask("SET", name, value)
            assert await reads(here, person) == [200] * 3, (name, value[:50])
        for command, *arguments in TYPES:
            redis.ask("DEL", name)
            redis.ask(command, name, *arguments)
            assert await reads(here, person) == [200] * 3, (name, command)
        redis.ask("DEL", name)
    assert here.link.available


#: As the protocol has them.
REPLIES = [
    b"+OK\r\n", b":1\r\n", b":-1\r\n", b":9223372036854775807\r\n", b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"$0\r\n\r\n", b"$2\r\n\xff\xfe\r\n",
    b"*1\r\n*1\r\n*1\r\n:1\r\n", b"*3\r\n:1\r\n:1\r\n:1\r\n", b"*3\r\n:0\r\n:-5\r\n:0\r\n", b"*3\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nz\r\n",
    b"*4\r\n$-1\r\n:1\r\n:1\r\n$-1\r\n", b"*4\r\n$1\r\nx\r\n:9\r\n:1\r\n:1\r\n", b"*5\r\n$-1\r\n:0\r\n:1\r\n$29\r\n" + b"z" * 29 + b"\r\n*0\r\n",
    b"*6\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", b"*2\r\n-ERR odd\r\n:1\r\n", b"-ERR odd\r\n", b"-WRONGTYPE odd\r\n", b"*200\r\n" + b":1\r\n" * 200,
    b"*7\r\n" + b"$-1\r\n:9223372036854775807\r\n:9223372036854775807\r\n" + (b"$29\r\n" + b"9" * 29 + b"\r\n") * 4,
    b"*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n",
]  # fmt: skip


class Odd(Protocol):
    """Says to each script what the test has put into ``said``, and to all else that it is well."""

    said = b"+OK\r\n"

    def connectionMade(self) -> None:
        self._reader = hiredis.Reader()

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        while (command := self._reader.gets()) is not False:
            assert self.transport is not None
            self.transport.write(Odd.said if command[0] in (b"EVALSHA", b"EVAL") else b"+OK\r\n")


@pytest_twisted.async_yield_fixture
async def odd() -> AsyncIterator[str]:
    port = reactor.listenTCP(0, Factory.forProtocol(Odd), interface="127.0.0.1")  # type: ignore[attr-defined]
    yield f"redis://127.0.0.1:{port.getHost().port}"
    await port.stopListening()


async def test_whatever_a_script_is_answered_reads_are_served(process: Any, odd: str) -> None:
    here = await process(odd)
    person = await here.market.person()
    for reply in REPLIES:
        Odd.said = reply
        assert await reads(here, person) == [200] * 3, reply


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text() | st.just(ValueError("odd"))
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner))
tokens = st.binary(min_size=29, max_size=29) | st.from_regex(r"\A[0-9]{13}[0-9a-f]{16}\Z").map(str.encode)


@given(anything | st.lists(scalars | tokens, min_size=3, max_size=6))
def test_every_reader_answers_what_it_promises_or_none(reply: Any) -> None:
    answer = redis_replies.answer(reply, 1)
    assert answer is None or (isinstance(answer.youngest, int) and isinstance(answer.left, int))
    sign_ins = redis_replies.sign_ins(reply)
    assert sign_ins is None or (len(sign_ins.epoch) == 16 and isinstance(sign_ins.known, bytes))
    usage = redis_replies.usage(reply, 60_000_000)
    assert usage is None or (isinstance(usage[0], bool) and 0 < usage[2] <= 60_000_000)
    assert len(redis_replies.run_id(reply)) in (0, 40)
