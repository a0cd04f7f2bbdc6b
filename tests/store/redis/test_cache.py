"""The cache in Redis: one suite with the near cache, what processes share, and what nobody may ever be given."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from harvestd.interfaces import Entry, ICache
from harvestd.runtime.lifecycle import sleep
from harvestd.store.cache.near import NearCache
from harvestd.store.redis.cache import RedisCache
from harvestd.store.redis.client import RedisClient, RedisUnavailable
from harvestd.store.redis.family_tokens import REMEMBERED
from harvestd.store.redis.shared_responses import LARGEST
from servers import Proxy
from servers.pace import Pace
from servers.redis import RedisServer
from tests.contracts.cache import TTL, Asked, CacheContract, Source, World, entry, kept
from tests.store.cache.test_near import STALE, Hub
from tests.waiting import eventually

SECRET = "0123456789abcdef" * 2
#: Lets time pass in Redis: every life is shortened by ARGV[1] milliseconds.
PASS = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, math.max(left - ARGV[1], 0)) end
end
"""


@attrs.define(eq=False)
class Processes:
    """Processes of one market: caches of their own behind links of their own, joined by ``hub``, with ``clock``'s time."""

    clock: Clock = attrs.field(factory=Clock)
    hub: Hub = attrs.field(factory=Hub)
    links: list[RedisClient] = attrs.field(factory=list)

    async def cache(
        self, url: str, secret: str = SECRET, timeout: float = 2.0, settle: float = 0.0, stale: float = STALE
    ) -> RedisCache:
        link = RedisClient(reactor, url, "t:", timeout)
        near = NearCache(self.clock, self.hub, 10_000_000, stale, settle=settle, draw=lambda: 0.0)
        cache = RedisCache(near, link, secret, settle=settle)
        await link.start()
        cache.start()
        self.links.append(link)
        return cache

    async def quiet(self) -> None:
        """Until nobody waits for Redis."""
        await eventually("Redis answered", lambda: not any(link.state().pending for link in self.links), every=0.001)

    async def returned(self) -> None:
        """Until all use Redis again."""
        await eventually("Redis is used again", lambda: all(link.available for link in self.links), 15)


@pytest_twisted.async_yield_fixture
async def processes() -> AsyncIterator[Processes]:
    processes = Processes()
    yield processes
    for link in processes.links:
        await link.stop()


def through(proxy: Proxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}"


async def given(cache: RedisCache, families: tuple[str, ...] = ("f",), key: str = "k") -> bytes | None:
    """What the cache has without a load, here or in Redis; None where it would load. Keeps nothing."""

    class Loads(Exception):
        pass

    async def load() -> Entry:
        raise Loads

    try:
        return (await cache.fetch(key, families, load, TTL)).body
    except Loads:
        return None


async def moment() -> None:
    """A tenth of a second: what began within the time of one question to Redis after a drop is not believed."""
    await sleep(reactor, 0.1)


class TestRedisCacheContract(CacheContract):
    @pytest_twisted.async_yield_fixture
    async def world(self, redis: RedisServer, processes: Processes) -> AsyncIterator[World]:
        async def advance(seconds: float) -> None:
            await processes.quiet()
            redis.ask("EVAL", PASS, 0, int(seconds * 1000))
            processes.clock.advance(seconds)

        here, there = await processes.cache(redis.url()), await processes.cache(redis.url())
        yield World(here, there, advance, processes.hub.gap, processes.quiet, STALE, processes.quiet)


async def test_it_is_an_ICache(redis: RedisServer, processes: Processes) -> None:
    assert verifyObject(ICache, await processes.cache(redis.url()))


# --- what processes share ---


async def test_a_second_process_gets_the_firsts_answer_without_a_load_and_whole(
    redis: RedisServer, processes: Processes
) -> None:
    here, there = await processes.cache(redis.url()), await processes.cache(redis.url())
    whole = Entry(b"\x00\xffbody", '"é"', ((b"a", b"1"), (b"a", b"2")), 203)

    async def load() -> Entry:
        return whole

    await here.fetch("k", ("f", "g"), load, TTL)
    await processes.quiet()
    found = await there.fetch("k", ("f", "g"), Source().load, TTL)
    assert attrs.astuple(found) == attrs.astuple(whole)
    assert (here.state().shared_misses, there.state().shared_hits) == (1, 1)
    assert there.peek("k") is not None


@pytest.mark.parametrize("family", ["f", "g", ""])
@pytest.mark.parametrize("way", ["drop", "drop_here"])
async def test_a_drop_in_one_process_is_a_load_in_the_other(
    redis: RedisServer, processes: Processes, family: str, way: str
) -> None:
    here, there = await processes.cache(redis.url()), await processes.cache(redis.url())
    await kept(here, b"old", ("f", "g"))
    await processes.quiet()
    done = getattr(here, way)([family] if family else [])
    assert done is None or await done is None
    await processes.quiet()
    assert await given(there, ("f", "g")) is None
    await kept(there, b"new", ("f", "g"))
    await processes.quiet()
    assert await given(await processes.cache(redis.url()), ("f", "g")) == b"new"


async def test_a_drop_leaves_other_families_where_they_are(redis: RedisServer, processes: Processes) -> None:
    here, there = await processes.cache(redis.url()), await processes.cache(redis.url())
    await kept(here, b"one", ("g",))
    await processes.quiet()
    await here.drop(["f"])
    assert await given(there, ("g",)) == b"one"


async def test_who_changes_something_and_asks_at_once_is_not_given_what_redis_had_before(
    redis: RedisServer, processes: Processes
) -> None:
    here, source = await processes.cache(redis.url()), Source()
    await kept(here, b"old")
    await processes.quiet()
    here.drop_here(["f"])
    asked = Asked(here, source)
    await processes.quiet()
    source.answer(0, b"new")
    assert asked.body == b"new"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_an_old_load_never_overwrites_a_newer_one_of_another_process(
    redis: RedisServer, processes: Processes, order: tuple[int, int]
) -> None:
    caches = [await processes.cache(redis.url()) for _ in range(3)]
    sources = [Source(), Source()]
    Asked(caches[0], sources[0])
    await processes.quiet()
    await caches[1].drop(["f"])
    await moment()
    Asked(caches[1], sources[1])
    await processes.quiet()
    for index in order:
        sources[index].answer(0, (b"old", b"new")[index])
        await processes.quiet()
    assert await given(caches[2]) == b"new"


async def test_an_answer_lives_no_longer_in_the_process_that_found_it_in_redis(
    redis: RedisServer, processes: Processes
) -> None:
    here, there = await processes.cache(redis.url()), await processes.cache(redis.url())
    await kept(here, b"one")
    await processes.quiet()
    redis.ask("EVAL", PASS, 0, int((TTL * 0.8) * 1000))
    assert await given(there) == b"one"
    processes.clock.advance(TTL * 0.25)
    assert there.peek("k") is None


async def test_names_in_redis_are_those_of_the_families_and_everything_there_ends(
    redis: RedisServer, processes: Processes
) -> None:
    cache = await processes.cache(redis.url())
    await kept(cache, b"one", ("products:all", "catalogue"), "page?q=1")
    await kept(cache, b"two", (), "anything")
    await processes.quiet()
    keys = redis.ask("KEYS", "*")
    assert isinstance(keys, list)
    names = {key.decode().rpartition(":")[0] if b"family" not in key else key.decode() for key in keys} - {"t"}
    assert names == {"t:products:all", "t:answers", "t:family:products:all", "t:family:catalogue", "t:cache:epoch"}
    assert all(0 < redis.ask("PTTL", key) <= TTL * 1000 for key in keys)  # type: ignore[operator]


async def test_names_that_lead_to_nothing_leave_redis_within_a_minute(redis: RedisServer, processes: Processes) -> None:
    cache = await processes.cache(redis.url())
    for n in range(20):
        assert await given(cache, (f"product:{n}",), f"k{n}") is None
    assert int(redis.ask("DBSIZE")) > 20  # type: ignore[call-overload]
    redis.ask("EVAL", PASS, 0, 60_000)
    assert redis.ask("DBSIZE") == 0


async def test_what_is_large_is_not_shared(redis: RedisServer, processes: Processes) -> None:
    cache = await processes.cache(redis.url())
    await kept(cache, b"x" * LARGEST, key="fits")
    await kept(cache, b"x" * (LARGEST + 1), key="large")
    await processes.quiet()
    other = await processes.cache(redis.url())
    assert await given(other, key="fits") is not None
    assert await given(other, key="large") is None


async def test_what_a_lagging_replica_may_have_answered_is_shared_only_until_it_must_have_caught_up(
    redis: RedisServer, processes: Processes
) -> None:
    cache = await processes.cache(redis.url(), settle=0.3)
    await kept(cache, b"maybe old")
    await processes.quiet()
    (name,) = redis.ask("KEYS", "t:f:*")  # type: ignore[misc]
    assert 0 < redis.ask("PTTL", name) <= 300  # type: ignore[operator]
    there = await processes.cache(redis.url(), settle=0.3)
    assert await given(there) == b"maybe old"
    redis.ask("DEL", name)
    for process in (cache, there):
        processes.clock.advance(0.3)
        assert await given(process) is None, "it must not be served while it is loaded anew either"

    async def shared_for_long() -> bool:
        processes.clock.advance(10)
        await kept(cache, b"new")
        await processes.quiet()
        return redis.ask("PTTL", name) > 10_000  # type: ignore[operator]

    await eventually("the family has settled", shared_for_long, every=0.05)


# --- what is not to be believed ---


async def spoilt(redis: RedisServer, processes: Processes, spoil: Callable[[bytes, bytes], object]) -> None:
    """``spoil(name, value)`` of a stored answer must make it a load, and that be shared again."""
    cache = await processes.cache(redis.url())
    await kept(cache, b"one")
    await processes.quiet()
    (name,) = redis.ask("KEYS", "t:f:*")  # type: ignore[misc]
    value = redis.ask("GET", name)
    assert isinstance(value, bytes)
    assert await given(await processes.cache(redis.url())) == b"one"
    spoil(name, value)
    fresh = await processes.cache(redis.url())
    assert await given(fresh) is None
    await kept(fresh, b"two")
    await processes.quiet()
    assert await given(await processes.cache(redis.url())) == b"two"
    assert all(link.breaker.opened == 0 for link in processes.links)


@pytest.mark.parametrize("forged", [b"", b"1", b"garbage", b"2" + b"0" * 100, b"\x00" * 1000])
async def test_garbage_is_a_miss(redis: RedisServer, processes: Processes, forged: bytes) -> None:
    await spoilt(redis, processes, lambda name, value: redis.ask("SET", name, forged, "PX", 50_000))


@pytest.mark.parametrize("change", ["cut", "longer", "flipped", "headless", "endless"])
async def test_a_changed_answer_is_a_miss(redis: RedisServer, processes: Processes, change: str) -> None:
    def changed(value: bytes) -> bytes:
        return {
            "cut": value[:-1], "longer": value + b"\x00", "flipped": value[:-1] + bytes([value[-1] ^ 1]),
            "headless": value[:60], "endless": value,
        }[change]  # fmt: skip

    life = () if change == "endless" else ("PX", 50_000)
    await spoilt(redis, processes, lambda name, value: redis.ask("SET", name, changed(value), *life))


async def test_a_key_of_another_type_is_a_miss(redis: RedisServer, processes: Processes) -> None:
    def spoil(name: bytes, value: bytes) -> None:
        redis.ask("DEL", name)
        redis.ask("LPUSH", name, "x")

    await spoilt(redis, processes, spoil)


@pytest.mark.parametrize("token", [b"", b"x", b"9" * 29 + b"0", b"z" * 29, b"\xff" * 29])
async def test_a_token_that_is_none_is_made_anew(redis: RedisServer, processes: Processes, token: bytes) -> None:
    await spoilt(redis, processes, lambda name, value: redis.ask("SET", "t:family:f", token))


async def test_a_token_of_another_type_is_made_anew(redis: RedisServer, processes: Processes) -> None:
    def spoil(name: bytes, value: bytes) -> None:
        redis.ask("DEL", "t:family:f")
        redis.ask("LPUSH", "t:family:f", "x")

    await spoilt(redis, processes, spoil)


async def test_an_answer_moved_under_another_name_is_a_miss(redis: RedisServer, processes: Processes) -> None:
    cache = await processes.cache(redis.url())
    await kept(cache, b"for admins", key="secret")
    await processes.quiet()
    (secret,) = redis.ask("KEYS", "t:f:*")  # type: ignore[misc]
    await kept(cache, b"for all", key="public")
    await processes.quiet()
    (public,) = [key for key in redis.ask("KEYS", "t:f:*") if key != secret]  # type: ignore[union-attr]
    redis.ask("COPY", secret, public, "REPLACE")
    other = await processes.cache(redis.url())
    assert await given(other, key="public") is None
    assert await given(other, key="secret") == b"for admins"


async def test_an_answer_of_who_does_not_know_the_secret_is_a_miss(redis: RedisServer, processes: Processes) -> None:
    await kept(await processes.cache(redis.url(), secret="somebody else's secret"), b"forged")
    await processes.quiet()
    assert await given(await processes.cache(redis.url())) is None


@pytest.mark.parametrize("told", ["drop", "drop_here", "gap"])
async def test_an_answer_that_is_put_back_after_a_drop_with_its_tokens_is_a_miss(
    redis: RedisServer, processes: Processes, told: str
) -> None:
    """In every process that heard of the drop, or that it may have missed some."""
    here, there = await processes.cache(redis.url()), await processes.cache(redis.url())
    await kept(here, b"the price before", ("f", "g"))
    await processes.quiet()
    names: Any = redis.ask("KEYS", "t:*")
    before = {name: redis.ask("GET", name) for name in names}
    assert await given(there, ("f", "g")) == b"the price before"
    if told == "gap":
        processes.hub.gap()
    elif told == "drop":
        await here.drop(["g"])
    else:
        here.drop_here(["g"])
        there.drop_here(["g"])
    await processes.quiet()
    for name, value in before.items():
        redis.ask("SET", name, value, "PX", 50_000)
    assert [await given(cache, ("f", "g")) for cache in (here, there)] == [None, None]
    await moment()
    await kept(there, b"the price now", ("f", "g"))
    await processes.quiet()
    assert await given(await processes.cache(redis.url()), ("f", "g")) == b"the price now"
    assert await given(here, ("f", "g")) == b"the price now", "what began since is believed"


async def test_an_answer_that_depends_on_what_it_shows_is_a_miss_after_that_was_dropped(
    redis: RedisServer, processes: Processes
) -> None:
    here, there = await processes.cache(redis.url()), await processes.cache(redis.url())

    async def load() -> Entry:
        return Entry(b"a list", '"1"', families=("product:1",))

    await here.fetch("k", ("list",), load, TTL, instead=("changed",))
    await processes.quiet()
    before = {name: redis.ask("GET", name) for name in redis.ask("KEYS", "t:*")}  # type: ignore[union-attr]
    await here.drop(["product:1"])
    for name, value in before.items():
        redis.ask("SET", name, value, "PX", 50_000)  # type: ignore[arg-type]

    class Loads(Exception):
        pass

    async def loads() -> Entry:
        raise Loads

    with pytest.raises(Loads):
        await there.fetch("k", ("list",), loads, TTL, instead=("changed",))


async def test_an_answer_ends_when_it_was_sealed_to_end_however_long_redis_keeps_it(
    redis: RedisServer, processes: Processes
) -> None:
    cache = await processes.cache(redis.url())

    async def load() -> Entry:
        return entry(b"short")

    await cache.fetch("k", ("f",), load, 0.3)
    await processes.quiet()
    (name,) = redis.ask("KEYS", "t:f:*")  # type: ignore[misc]
    for key in redis.ask("KEYS", "t:*"):  # type: ignore[union-attr]
        redis.ask("PERSIST", key)
    redis.ask("PEXPIRE", name, 50_000)

    async def over() -> bool:
        there = await processes.cache(redis.url())  # which has none of its own
        return await given(there, key="k") is None

    await eventually("it is over", over)
    assert redis.ask("EXISTS", name) == 1


# --- outages ---


async def test_a_flushed_redis_costs_a_load(redis: RedisServer, processes: Processes) -> None:
    here, there = await processes.cache(redis.url()), await processes.cache(redis.url())
    await kept(here, b"one")
    await processes.quiet()
    redis.flush()
    assert await given(there) is None
    assert here.peek("k") is not None
    await kept(there, b"one")
    await processes.quiet()
    assert await given(await processes.cache(redis.url())) == b"one"


async def test_a_redis_that_freezes_under_500_callers_costs_them_one_time_out_and_one_load(
    own: RedisServer, processes: Processes
) -> None:
    cache, source = await processes.cache(own.url(), timeout=0.05), Source()
    own.freeze()
    pace = Pace()
    asked = [Asked(cache, source) for _ in range(500)]
    await eventually("the load begins", lambda: source.loads, every=0.001)
    assert pace.seconds() < 0.3
    source.answer(0, b"one")
    assert {a.body for a in asked} == {b"one"}
    other = Asked(cache, source, key="other")
    assert len(source.loads) == 2, "nobody waits any more"
    source.answer(1, b"two")
    assert other.body == b"two"


async def test_a_drop_is_not_held_up_by_a_frozen_redis_and_is_made_up_for_before_it_is_used_again(
    own: RedisServer, processes: Processes
) -> None:
    here, there = await processes.cache(own.url(), timeout=0.05), await processes.cache(own.url(), timeout=0.05)
    await kept(here, b"old")
    await kept(there, b"other", ("g",), "other")
    await processes.quiet()
    own.freeze()
    pace = Pace()
    await here.drop(["f"])
    assert pace.seconds() < 0.3
    here.drop_here(["h"])
    own.thaw()
    await processes.returned()
    fresh = await processes.cache(own.url())
    assert await given(fresh) is None
    assert await given(fresh, ("g",), "other") == b"other", "what was not dropped is still there"


async def test_a_killed_redis_is_done_without_and_used_when_it_is_back(own: RedisServer, processes: Processes) -> None:
    cache = await processes.cache(own.url(), timeout=0.5)
    own.kill()
    await kept(cache, b"one")
    assert cache.peek("k") is not None
    await cache.drop([])
    own.start()
    await processes.returned()
    await kept(cache, b"two")
    await processes.quiet()
    assert await given(await processes.cache(own.url())) == b"two"


async def test_what_redis_knew_before_it_was_restarted_from_an_old_file_is_not_believed(
    own: RedisServer, processes: Processes
) -> None:
    cache = await processes.cache(own.url(), timeout=0.5)
    await kept(cache, b"old")
    await processes.quiet()
    own.ask("SAVE")
    await cache.drop(["f"])
    own.restart()
    assert int(own.ask("DBSIZE")) >= 3, "the answer and its tokens are back"  # type: ignore[call-overload]
    await processes.returned()
    assert await given(await processes.cache(own.url())) is None
    assert await given(cache) is None


async def test_where_redis_does_not_say_which_run_it_is_nothing_is_believed_after_a_reconnection(
    own: RedisServer, processes: Processes
) -> None:
    own.ask("ACL", "SETUSER", "default", "-info")
    cache = await processes.cache(own.url())
    await kept(cache, b"old")
    await processes.quiet()
    assert processes.links[0].run_id == ""
    own.ask("CLIENT", "KILL", "TYPE", "normal")
    with pytest.raises(RedisUnavailable):
        await processes.links[0].call("PING")
    await processes.returned()
    processes.hub.gap()
    assert await given(cache) is None


async def test_a_drop_that_redis_refuses_ends_its_use_until_it_is_made_up_for(
    own: RedisServer, processes: Processes
) -> None:
    cache, source = await processes.cache(own.url()), Source()
    await kept(cache, b"old")
    await processes.quiet()
    own.ask("ACL", "SETUSER", "default", "-del")
    cache.drop_here(["f"])
    asked = Asked(cache, source)
    await eventually("the load begins", lambda: source.loads)
    source.answer(0, b"new")
    assert asked.body == b"new"
    assert not processes.links[0].available
    own.ask("ACL", "SETUSER", "default", "+del")
    await processes.returned()
    assert await given(await processes.cache(own.url())) is None


async def test_what_one_process_cannot_drop_in_redis_another_that_hears_of_it_drops(
    redis: RedisServer, proxy: Proxy, processes: Processes
) -> None:
    here = await processes.cache(through(proxy), timeout=0.05)
    there = await processes.cache(redis.url())
    await kept(there, b"old")
    await processes.quiet()
    proxy.blackhole = proxy.refuse = True
    await here.drop(["f"])
    assert await given(there) is None
    assert await given(await processes.cache(redis.url())) is None


async def test_more_drops_than_are_remembered_are_a_drop_of_everything(own: RedisServer, processes: Processes) -> None:
    cache = await processes.cache(own.url(), timeout=0.05)
    await kept(cache, b"of g", ("g",), "other")
    await processes.quiet()
    own.freeze()
    await cache.drop([f"f{n}" for n in range(REMEMBERED + 1)])
    own.thaw()
    await processes.returned()
    assert await given(await processes.cache(own.url()), ("g",), "other") is None


@pytest.mark.limit(60)
async def test_nobody_is_given_what_was_dropped_before_he_asked(redis: RedisServer, processes: Processes) -> None:
    """Four processes read, change and drop at random through networks that delay, cut and swallow; loads take their time.
    Whoever asks after a drop returned gets that version or a newer one, wherever he asks."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    proxies = [Proxy(("127.0.0.1", redis.port)) for _ in range(4)]
    caches = [await processes.cache(through(proxy), timeout=0.05, stale=0.0) for proxy in proxies]
    keys = [("a", ("f", "g")), ("b", ("f",)), ("c", ("g", "h")), ("d", ("h",))]
    version, told = dict.fromkeys("fgh", 0), dict.fromkeys("fgh", 0)
    checked = 0
    began = time.monotonic()

    def shared() -> int:
        return sum(cache.state().shared_hits for cache in caches)

    def going() -> bool:
        """For five seconds, and on a slow machine until enough was read to tell of anything."""
        here = time.monotonic() - began
        return here < 5 or (here < 40 and shared() <= 50)

    async def load(families: tuple[str, ...]) -> Entry:
        read = ",".join(str(version[name]) for name in families)
        await sleep(reactor, draw.choice([0.0, 0.001, 0.02, 0.08]))
        return entry(read.encode())

    async def reader(cache: RedisCache) -> None:
        nonlocal checked
        while going():
            key, families = draw.choice(keys)
            least = [told[name] for name in families]
            found = (await cache.fetch(key, families, lambda families=families: load(families), TTL)).body  # type: ignore[misc]
            assert all(int(got) >= known for got, known in zip(found.split(b","), least, strict=True))
            checked += 1
            await sleep(reactor, draw.uniform(0, 0.01))

    async def writer() -> None:
        while going():
            name = draw.choice("fgh")
            version[name] += 1
            now = version[name]
            if draw.random() < 0.5:
                draw.choice(caches).drop_here([name])
                await sleep(reactor, draw.uniform(0, 0.01))
            await draw.choice(caches).drop([name] if draw.random() < 0.9 else [])
            told[name] = max(told[name], now)
            await sleep(reactor, draw.uniform(0, 0.06))

    async def harm() -> None:
        while going():
            proxy = draw.choice(proxies)
            proxy.delay_there, proxy.delay_back = (
                draw.choice([0, 0, 0, 0.01, 0.04, 0.1]),
                draw.choice([0, 0, 0.01, 0.1]),
            )
            what = draw.random()
            if what < 0.1:
                proxy.cut()
            elif what < 0.15:
                proxy.blackhole = True
            await sleep(reactor, draw.uniform(0.05, 0.15))
            proxy.mend()

    try:
        work: list[Awaitable[Any]] = [reader(cache) for cache in caches for _ in range(5)]
        await gatherResults(
            [Deferred.fromCoroutine(one) for one in [*work, writer(), writer(), harm()]], consumeErrors=True
        )
    finally:
        for proxy in proxies:
            proxy.close()
    print(shared(), checked, "opened", sum(link.breaker.opened for link in processes.links))
    assert shared() > 50
