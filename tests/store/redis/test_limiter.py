"""The limiter in Redis: the contract, the same answers as in memory, one limit for all processes, and none less without."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_twisted
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from harvestd.interfaces import ILimiter
from harvestd.store.limiter import MemoryLimiter
from harvestd.store.redis.client import RedisClient
from harvestd.store.redis.limiter import RedisLimiter
from servers.redis import RedisServer
from tests.contracts.limiter import LimiterContract, World
from tests.waiting import eventually

Process = Callable[..., Awaitable[RedisLimiter]]


@pytest.fixture
def clock() -> Clock:
    """The time in the memory of every process."""
    return Clock()


@pytest_twisted.async_yield_fixture
async def process(redis: RedisServer, clock: Clock) -> AsyncIterator[Process]:
    """Makes a limiter, as another process has it."""
    from twisted.internet import reactor

    links: list[RedisClient] = []

    async def make(server: RedisServer = redis) -> RedisLimiter:
        links.append(RedisClient(reactor, server.url(), "t:", 1.0))
        await links[-1].start()
        return RedisLimiter(links[-1], MemoryLimiter(clock.seconds))

    yield make
    for link in links:
        await link.stop()


@pytest_twisted.async_yield_fixture
async def world(process: Process, redis: RedisServer, clock: Clock) -> AsyncIterator[World]:
    """Time passes in Redis by having less of it before the arrivals that are kept."""

    def advance(seconds: float) -> None:
        clock.advance(seconds)
        for key in redis.ask("KEYS", "t:ratelimit:*"):  # type: ignore[attr-defined]
            then = float(redis.ask("GET", key)) - seconds * 1e6  # type: ignore[arg-type]
            redis.ask("SET", key, f"{then:.0f}", "KEEPTTL")

    yield World(await process(), advance)


class TestRedisLimiter(LimiterContract):
    """The contract."""


async def test_it_is_a_limiter(process: Process) -> None:
    verifyObject(ILimiter, await process())


@pytest.mark.parametrize("seed", range(3))
async def test_equal_sequences_have_equal_answers_in_memory(world: World, seed: int) -> None:
    draw = random.Random(seed)
    clock = Clock()
    memory = MemoryLimiter(clock.seconds)
    for _ in range(200):
        if draw.random() < 0.3:
            seconds = draw.choice([1, 60, 777, 5000])
            clock.advance(seconds)
            world.advance(seconds)
        key, limit, period = draw.choice([("a", 5, 1000.0), ("b", 60, 6000.0), ("c", 7, 3000.0)])
        here, there = await memory.hit(key, limit, period), await world.limiter.hit(key, limit, period)
        assert (there.allowed, there.remaining) == (here.allowed, here.remaining)
        assert there.reset == pytest.approx(here.reset, abs=2)
        assert there.retry_after == pytest.approx(here.retry_after, abs=2)


async def test_all_processes_share_a_limit(process: Process) -> None:
    several = [await process() for _ in range(3)]
    allowed = [(await several[n % 3].hit("a", 5, 1000.0)).allowed for n in range(9)]
    assert allowed == [True] * 5 + [False] * 4


async def test_a_key_names_who_and_what_and_lives_no_longer_than_the_period(
    process: Process, redis: RedisServer
) -> None:
    limiter = await process()
    await limiter.hit("0197f0a0:default.products", 60, 60.0)
    assert redis.ask("KEYS", "*ratelimit*") == [b"t:ratelimit:0197f0a0:default.products"]
    assert 0 < redis.ask("PTTL", "t:ratelimit:0197f0a0:default.products") <= 1000  # type: ignore[operator]
    for _ in range(100):
        await limiter.hit("0197f0a0:default.products", 60, 60.0)
    assert 50_000 < redis.ask("PTTL", "t:ratelimit:0197f0a0:default.products") <= 60_000  # type: ignore[operator]


async def test_nobodys_address_is_in_a_key_and_keys_are_short(process: Process, redis: RedisServer) -> None:
    limiter = await process()
    for key in ["account:ada@example.org:login.sign-in", "x" * 10_000, "\ud83c"]:
        await limiter.hit(key, 60, 60.0)
    keys = [bytes(key) for key in redis.ask("KEYS", "*ratelimit*")]  # type: ignore[attr-defined]
    assert len(keys) == 3 and all(len(key) < 100 and b"ada" not in key for key in keys)


@pytest.mark.parametrize("garbage", ["", "garbage", "nan", "inf", "-1e300", "9" * 300, "0x7fffffffffffffff"])
async def test_garbage_under_a_key_counts_for_nothing(process: Process, redis: RedisServer, garbage: str) -> None:
    redis.ask("SET", "t:ratelimit:a", garbage)
    limiter = await process()
    assert [(await limiter.hit("a", 2, 1000.0)).allowed for _ in range(3)] == [True, True, False]


async def test_a_list_under_a_key_counts_for_nothing(process: Process, redis: RedisServer) -> None:
    redis.ask("RPUSH", "t:ratelimit:a", "x")
    limiter = await process()
    assert [(await limiter.hit("a", 2, 1000.0)).allowed for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("harm", ["kill", "freeze", "fill"])
async def test_brute_force_gains_nothing_by_the_death_of_redis(process: Process, own: RedisServer, harm: str) -> None:
    """Not even a second burst: memory knows of those before. And it is shared again when Redis is back."""
    limiter = await process(own)
    limiter._link.timeout = 0.05
    assert [(await limiter.hit("a", 6, 1000.0)).allowed for _ in range(3)] == [True] * 3
    if harm == "fill":
        own.ask("CONFIG", "SET", "maxmemory", 1)
    else:
        getattr(own, harm)()
    assert [(await limiter.hit("a", 6, 1000.0)).allowed for _ in range(4)] == [True, True, True, False]
    assert not limiter._link.available
    if harm == "fill":
        own.ask("CONFIG", "SET", "maxmemory", 0)
    else:
        own.start() if harm == "kill" else own.thaw()
    await eventually("Redis is used again", lambda: limiter._link.available)
    other = await process(own)
    await other.hit("b", 1, 1000.0)
    assert not (await limiter.hit("b", 1, 1000.0)).allowed


@pytest.mark.parametrize("command", ["DEL", "FLUSHALL", "SET"])
async def test_who_can_write_to_redis_gives_nobody_a_limit_anew(
    process: Process, redis: RedisServer, command: str
) -> None:
    """At worst each process counts by itself."""
    limiter = await process()
    key, allowed = "t:ratelimit:a", []
    for _ in range(9):
        allowed.append((await limiter.hit("a", 3, 1000.0)).allowed)
        redis.ask(command, *{"DEL": [key], "FLUSHALL": [], "SET": [key, "0"]}[command])
    assert allowed == [True] * 3 + [False] * 6
