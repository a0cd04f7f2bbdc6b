"""The connection to Redis: replies reach who asked, every call is bounded, and an outage costs next to nothing."""

from __future__ import annotations

import random
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol

from harvestd.runtime.lifecycle import sleep
from harvestd.store.redis.client import RedisClient, RedisRefused, RedisUnavailable, Script
from harvestd.store.redis.protocol import RedisConnectionProtocol
from harvestd.store.redis.url import Target
from servers import Proxy, free_port
from servers.pace import Pace
from servers.redis import RedisServer
from tests.waiting import eventually

Made = Callable[..., Awaitable[RedisClient]]


@pytest_twisted.async_yield_fixture
async def linked() -> AsyncIterator[Made]:
    """Makes started links, and stops them."""
    links: list[RedisClient] = []

    async def made(url: str, **given: Any) -> RedisClient:
        link = RedisClient(reactor, url, "t:", **given)
        links.append(link)
        await link.start()
        return link

    yield made
    for link in links:
        await link.stop()


def through(proxy: Proxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}"


async def fails(link: RedisClient, *command: Any) -> None:
    """A call that finds Redis away."""
    with pytest.raises(RedisUnavailable):
        await link.call(*(command or ("GET", "k")))


async def away(link: RedisClient, *command: Any) -> float:
    """Have a call fail; answers after how many seconds."""
    pace = Pace()
    await fails(link, *command)
    return pace.seconds()


async def returned(link: RedisClient) -> None:
    await eventually("Redis is used again", lambda: link.available, 15)


# --- what it answers ---


async def test_bytes_come_back_as_they_were_and_numbers_only_where_redis_has_numbers(
    redis: RedisServer, linked: Made
) -> None:
    link = await linked(redis.url())
    for value in (b"\x00\xff\r\n$3\r\n", b"", b"12", b"1.50", b"QUEUED", b"x" * 300_000):
        assert await link.call("SET", link.key("v"), value) == b"OK"
        assert await link.call("GET", link.key("v")) == value
    assert await link.call("GET", "nothing") is None
    assert await link.call("INCRBY", "n", 5) == 5
    assert await link.call("MGET", "n", "nothing", link.key("v")) == [b"5", None, b"x" * 300_000]
    assert redis.ask("STRLEN", "t:v") == 300_000


async def test_a_script_runs_by_its_digest_also_on_a_server_that_has_forgotten_it(
    redis: RedisServer, linked: Made
) -> None:
    link, script = await linked(redis.url()), Script("return {KEYS[1], ARGV[1], 3}")
    for _ in range(2):
        assert await link.script(script, ["k"], [b"\xff"]) == [b"k", b"\xff", 3]
    redis.ask("SCRIPT", "FLUSH")
    assert await link.script(script, ["k"], ["a"]) == [b"k", b"a", 3]
    assert redis.ask("SCRIPT", "EXISTS", script.sha) == [1]


async def test_an_error_about_the_command_is_told_to_its_caller_and_disturbs_nobody(
    redis: RedisServer, linked: Made
) -> None:
    link = await linked(redis.url())
    await link.call("SET", "text", "x")
    for _ in range(10):
        with pytest.raises(RedisRefused, match="WRONGTYPE"):
            await link.call("LPUSH", "text", "y")
        with pytest.raises(RedisRefused, match="my own"):
            await link.script(Script("return redis.error_reply('ERR my own')"), [], [])
    assert link.available and link.breaker.opened == 0


async def test_calls_are_carried_out_in_the_order_in_which_they_were_begun(redis: RedisServer, linked: Made) -> None:
    link = await linked(redis.url())
    calls = [Deferred.fromCoroutine(link.call("APPEND", "word", letter)) for letter in "abcdefgh"]
    await gatherResults(calls)
    assert redis.ask("GET", "word") == b"abcdefgh"


# --- nobody gets another's reply ---


@pytest.mark.limit(60)
async def test_nobody_ever_gets_another_callers_reply(redis: RedisServer, proxy: Proxy, linked: Made) -> None:
    """300 callers, each asking for a key of its own, through a network that delays and cuts, with callers that give up
    and answers that come too late."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    redis.ask("MSET", *(word for n in range(300) for word in (f"t:{n}", f"value of {n}")))
    link = await linked(through(proxy))
    outcomes: Counter[str] = Counter()
    wanted = ("answered", "given up", "no answer within 50 ms")
    began = time.monotonic()

    def going() -> bool:
        """For four seconds, and on a slow machine until each has happened often enough to tell of anything."""
        here = time.monotonic() - began
        return here < 4 or (here < 40 and min(outcomes[one] for one in wanted) <= 50)

    async def caller(n: int) -> None:
        while going():
            call = Deferred.fromCoroutine(link.call("GET", f"t:{n}"))
            if draw.random() < 0.3:
                reactor.callLater(draw.uniform(0, 0.04), call.cancel)
            try:
                assert await call == f"value of {n}".encode()
                outcomes["answered"] += 1
            except CancelledError:
                outcomes["given up"] += 1
            except RedisUnavailable as error:
                outcomes[str(error).partition(":")[0]] += 1
            await sleep(reactor, draw.uniform(0, 0.02))

    async def harm() -> None:
        while going():
            proxy.delay_back = draw.choice([0.0, 0.0, 0.005, 0.02, 0.045, 0.06, 0.2])
            if draw.random() < 0.2:
                proxy.cut()
            await sleep(reactor, draw.uniform(0.02, 0.2))
        proxy.mend()

    await gatherResults(
        [Deferred.fromCoroutine(work) for work in [*map(caller, range(300)), harm()]], consumeErrors=True
    )
    print(dict(outcomes))
    assert min(outcomes[one] for one in wanted) > 50


async def test_a_caller_that_gives_up_costs_nobody_the_connection(
    redis: RedisServer, proxy: Proxy, linked: Made
) -> None:
    link = await linked(through(proxy), timeout=1.0)
    redis.ask("MSET", "a", "of a", "b", "of b")
    proxy.delay_back = 0.05
    for _ in range(3):
        given_up = Deferred.fromCoroutine(link.call("GET", "a"))
        other = Deferred.fromCoroutine(link.call("GET", "b"))
        given_up.cancel()
        with pytest.raises(CancelledError):
            await given_up
        assert await other == b"of b"
    assert proxy.accepted == 1 and link.state().pending == 0


async def test_an_answer_that_comes_too_late_ends_its_connection_and_fails_all_that_wait_on_it(
    redis: RedisServer, proxy: Proxy, linked: Made
) -> None:
    link = await linked(through(proxy))
    proxy.delay_back = 0.3
    first = Deferred.fromCoroutine(link.call("SET", "k", "first"))
    await sleep(reactor, 0.03)
    second = Deferred.fromCoroutine(link.call("GET", "k"))
    for call in (first, second):
        with pytest.raises(RedisUnavailable, match="no answer within 50 ms"):
            await call
    proxy.mend()
    await returned(link)
    assert proxy.accepted == 2
    assert await link.call("GET", "k") == b"first"


class Speaker(Protocol):
    """A server that answers each piece of what it is sent with the next of its words."""

    def connectionMade(self) -> None:
        self.words = list(self.factory.words)
        self.dataReceived(b"")

    def dataReceived(self, data: bytes) -> None:
        if self.words:
            self.transport.write(self.words.pop(0))


@pytest_twisted.async_yield_fixture
async def speaking() -> AsyncIterator[Callable[..., str]]:
    """Starts a false Redis and answers its URL: what it says when it is connected to, then after each thing it hears."""
    ports = []

    def listen(*words: bytes) -> str:
        factory = Factory.forProtocol(Speaker)
        factory.words = words
        ports.append(reactor.listenTCP(0, factory, interface="127.0.0.1"))
        return f"redis://127.0.0.1:{ports[-1].getHost().port}"

    yield listen
    for port in ports:
        await port.stopListening()


GREETED = (b"", b"$10\r\nrun_id:abc\r\n", b"+OK\r\n")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ((b"-ERR max number of clients reached\r\n",), "max number of clients"),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "does not speak Redis's protocol"),
        ((b"", b"*99999999999999999999\r\n"), "does not speak Redis's protocol"),
        ((b"", b"-NOAUTH Authentication required.\r\n"), "NOAUTH"),
        ((b"", b"$8\r\nrun_id:a\r\n+OK\r\n"), "unasked"),
    ],
)
async def test_what_says_something_else_than_replies_is_not_used(
    speaking: Callable[..., str], linked: Made, words: tuple[bytes, ...], cause: str
) -> None:
    link = await linked(speaking(*words))
    assert not link.available
    assert cause in (await link.condition()).detail


async def test_a_reply_that_nobody_asked_for_is_given_to_nobody(speaking: Callable[..., str], linked: Made) -> None:
    link = await linked(speaking(*GREETED, b"$1\r\na\r\n$1\r\nb\r\n", b"$1\r\nc\r\n"))
    with pytest.raises(RedisUnavailable, match="unasked"):  # which of the two was meant, nobody knows
        await link.call("GET", "a")
    assert not link.available


# --- bounds and outages ---


async def test_a_frozen_redis_costs_one_time_out_and_then_nobody_anything(own: RedisServer, linked: Made) -> None:
    link = await linked(own.url())
    own.freeze()
    pace = Pace()
    await gatherResults([Deferred.fromCoroutine(fails(link)) for _ in range(200)])
    assert pace.seconds() < 0.3
    assert not link.available and link.breaker.opened == 1
    pace = Pace()
    for _ in range(1000):
        failed = Deferred.fromCoroutine(link.call("GET", "k"))
        assert failed.called
        failed.addErrback(lambda failure: failure.trap(RedisUnavailable))
    assert pace.seconds() < 1.0
    assert (await link.condition()).state == "degraded"
    own.thaw()
    await returned(link)
    assert await link.call("GET", "k") is None
    assert (await link.condition()).state == "ok"


async def test_a_killed_redis_is_used_again_when_it_is_back_and_known_as_another_run(
    own: RedisServer, linked: Made
) -> None:
    link = await linked(own.url())
    run = link.run_id
    own.kill()
    await away(link)
    own.start()
    await returned(link)
    assert await link.call("GET", "k") is None
    assert run and link.run_id and link.run_id != run


async def test_a_flushed_redis_is_simply_empty(own: RedisServer, linked: Made) -> None:
    link = await linked(own.url())
    await link.call("SET", "k", "v")
    own.flush()
    assert await link.call("GET", "k") is None
    assert link.breaker.opened == 0


async def test_a_redis_that_is_full_is_left_alone_until_it_has_room(own: RedisServer, linked: Made) -> None:
    link = await linked(own.url())
    own.ask("CONFIG", "SET", "maxmemory", "1")
    for _ in range(3):
        with pytest.raises(RedisUnavailable, match="OOM"):
            await link.call("SET", "k", "v")
    assert not link.available
    await sleep(reactor, 0.3)  # a probe that only looked whether somebody answers would have closed the breaker
    assert not link.available and "OOM" in (await link.condition()).detail
    own.ask("CONFIG", "SET", "maxmemory", "100mb")
    await returned(link)
    assert await link.call("SET", "k", "v") == b"OK"


async def test_a_redis_that_became_a_replica_is_left_alone_until_it_takes_writes(
    own: RedisServer, linked: Made
) -> None:
    link = await linked(own.url())
    own.ask("REPLICAOF", "127.0.0.1", "1")
    for _ in range(3):
        with pytest.raises(RedisUnavailable, match="READONLY"):
            await link.call("SET", "k", "v")
    assert not link.available
    await away(link, "GET", "k")  # which it would do
    own.ask("REPLICAOF", "NO", "ONE")
    await returned(link)


async def test_a_slow_redis_is_waited_for_no_longer_than_the_time_out(
    redis: RedisServer, proxy: Proxy, linked: Made
) -> None:
    link = await linked(through(proxy))
    proxy.delay_there = 2.0
    assert await away(link) < 0.3
    proxy.mend()
    await returned(link)


async def test_a_swallowed_connection_is_given_up_and_made_anew(redis: RedisServer, proxy: Proxy, linked: Made) -> None:
    link = await linked(through(proxy))
    proxy.blackhole = True
    assert await away(link) < 0.3
    proxy.mend()
    await returned(link)


async def test_a_reactor_that_was_held_is_not_taken_for_a_late_redis(redis: RedisServer, linked: Made) -> None:
    """What is late is read before it is judged, also when the question itself could not be sent before."""
    link = await linked(redis.url())
    for held in (0.03, 0.05, 0.06, 0.2):
        calls = [Deferred.fromCoroutine(link.call("INCR", "n")) for _ in range(50)]
        time.sleep(held)
        await gatherResults(calls)
        call = Deferred.fromCoroutine(link.call("INCR", "n"))
        await sleep(reactor, 0)  # sent; the reply comes while the reactor is held
        time.sleep(held)
        await call
    assert link.breaker.opened == 0


async def test_a_redis_that_is_away_does_not_stop_the_start(linked: Made) -> None:
    server = RedisServer()
    try:
        pace = Pace()
        link = await linked(server.url())
        assert pace.seconds() < 1.0 and not link.available
        await away(link)
        server.start()
        await returned(link)
    finally:
        await link.stop()
        server.remove()


async def test_a_redis_that_answers_nothing_does_not_stop_the_start_either(own: RedisServer, linked: Made) -> None:
    own.freeze()
    pace = Pace()
    link = await linked(own.url())
    assert pace.seconds() < 2.0 and not link.available


async def test_after_an_outage_who_has_to_catch_up_does_so_before_anybody_may_call(
    own: RedisServer, linked: Made
) -> None:
    link, seen = await linked(own.url()), []

    async def catch_up(call: Any) -> None:
        seen.append((link.available, await call("INCR", "t:caught")))
        if len(seen) < 3:
            raise RuntimeError("not yet")

    link.on_return(catch_up)
    own.restart()
    await away(link)
    await returned(link)
    assert seen == [(False, 1), (False, 2), (False, 3)]


async def test_stopping_fails_what_waits_and_leaves_nothing(redis: RedisServer, proxy: Proxy) -> None:
    link = RedisClient(reactor, through(proxy), "t:")
    await link.start()
    proxy.delay_back = 0.2
    waiting = Deferred.fromCoroutine(link.call("GET", "k"))
    await link.stop()
    with pytest.raises(RedisUnavailable, match="closed"):
        await waiting
    await away(link)


async def test_stopped_while_it_looks_for_a_redis_that_answers_nothing(own: RedisServer) -> None:
    own.freeze()
    link = RedisClient(reactor, own.url(), "t:")
    starting = Deferred.fromCoroutine(link.start())
    await starting
    await eventually("it connects again", lambda: link.breaker._looking is not None)
    await sleep(reactor, 0.25)
    await link.stop()
    assert not link.available


async def test_calls_are_counted_and_timed(redis: RedisServer, linked: Made) -> None:
    link = await linked(redis.url())
    before = link.state()
    for _ in range(3):
        await link.call("GET", "k")
    state = link.state()
    assert state.available and state.calls == before.calls + 3 and state.failed == state.pending == state.opened == 0
    assert 0 < state.seconds < 1


# --- where Redis is ---


async def test_account_and_database_are_those_of_the_url(own: RedisServer, linked: Made) -> None:
    where = f"127.0.0.1:{own.port}"
    own.ask("ACL", "SETUSER", "market", "on", ">königlich", "~*", "+@all")
    own.ask("CONFIG", "SET", "requirepass", "geheim+/:@")
    for login in (":geheim%2B%2F%3A%40", "default:geheim%2B%2F%3A%40", "market:k%C3%B6niglich"):
        link = await linked(f"redis://{login}@{where}/3")
        assert link.available
        await link.call("SET", "k", login)
    assert b"db=3" in await link.call("CLIENT", "INFO")
    for login, cause in (("", "NOAUTH"), (":hunter2@", "WRONGPASS")):
        link = await linked(f"redis://{login}{where}")
        detail = (await link.condition()).detail
        assert cause in detail and "hunter2" not in detail and "hunter2" not in repr(link.target)


async def test_a_unix_socket_will_do(tmp_path: Path, linked: Made) -> None:
    server = RedisServer("unixsocket", "redis.sock")
    try:
        server.start()
        link = await linked(f"unix://{server.folder}/redis.sock#2")
        assert b"db=2" in await link.call("CLIENT", "INFO")
        await link.stop()
    finally:
        server.remove()


def certificate(folder: Path) -> None:
    """A certificate for localhost that signs itself, and its key, as ``cert.pem`` and ``key.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


async def test_tls_is_verified(tmp_path: Path, linked: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate(tmp_path)
    files = ("tls-cert-file", f"{tmp_path}/cert.pem", "tls-key-file", f"{tmp_path}/key.pem", "tls-auth-clients", "no")
    port = free_port()
    server = RedisServer("tls-port", str(port), *files)
    try:
        server.start()
        link = await linked(f"rediss://localhost:{port}")
        assert not link.available and "certificate verify failed" in (await link.condition()).detail
        monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/cert.pem")
        link = await linked(f"rediss://localhost:{port}")
        assert await link.call("SET", "k", b"x" * 100_000) == b"OK"
        server.freeze()
        assert await away(link) < 0.3
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("redis://cache", Target("cache")),
        ("redis://cache:7000/2", Target("cache", 7000, number=2)),
        ("rediss://u:p%40@cache/", Target("cache", tls=True, user="u", password="p@")),
        ("redis://[::1]", Target("::1")),
        ("unix:///run/redis.sock", Target(path="/run/redis.sock")),
        ("unix://u:p@/run/redis.sock#1", Target(path="/run/redis.sock", user="u", password="p", number=1)),
    ],
)
def test_urls(url: str, target: Target) -> None:
    assert Target.at(url) == target


@pytest.mark.parametrize(
    "url",
    ["", "cache", "http://cache", "redis://", "redis://cache:0", "redis://cache:x", "redis://cache/one", "redis://cache/-1",
     "redis://cache/1/2", "redis://cache?db=1", "redis://cache#1", "unix://run/redis.sock", "redis:///1", "redis://[cache"],
)  # fmt: skip
def test_what_is_no_url_of_redis(url: str) -> None:
    with pytest.raises(ValueError, match="redis_url must look like"):
        Target.at(url)


def test_a_wire_that_never_connected_can_be_given_up() -> None:
    told: list[str] = []
    wire = RedisConnectionProtocol(reactor, lambda _, why: told.append(why))
    wire.end("never mind")
    wire.end("again")
    assert told == ["never mind"] and wire.pending == 0


def test_the_server_for_tests_is_real(redis: RedisServer) -> None:
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100) == b"+PONG\r\n"
