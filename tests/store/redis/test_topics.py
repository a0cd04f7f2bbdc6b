"""Topics on Redis and NOTIFY: the contract with either of them away, and freshness through the death of Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from harvestd.runtime.lifecycle import sleep
from harvestd.store import topics as notify
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.redis.client import RedisClient
from harvestd.store.redis.subscriber import RedisSubscriber
from harvestd.store.redis.topics import RedisTopics
from servers import PostgresServer, Proxy
from servers.pace import Pace
from servers.redis import RedisServer
from tests.contracts.topics import Ear, TopicsContract, listening
from tests.waiting import eventually

#: A channel of each kind.
SURE, LIVE = "cache:dropped", "orders:new:0197f0a0"


@attrs.define(eq=False)
class Process:
    """What one has."""

    link: RedisClient
    session: ControlConnection
    topics: RedisTopics


Make = Callable[..., Awaitable[Process]]


@pytest_twisted.async_yield_fixture
async def process(database_url: str, redis: RedisServer) -> AsyncIterator[Make]:
    """Makes one; with ``ear``, a URL, it listens there, and with ``hearing=False`` nobody waits until it does."""
    from twisted.internet import reactor

    made: list[Process] = []

    async def make(url: str = "", ear: str = "", hearing: bool = True) -> Process:
        link, session = (
            RedisClient(reactor, url or redis.url(), "t:", 0.5),
            ControlConnection(reactor, ConnectionSettings(database_url)),
        )
        topics = RedisTopics(reactor, link, session, {SURE})
        if ear:
            topics._ear._target = RedisClient(reactor, ear, "t:").target
        made.append(Process(link, session, topics))
        await link.start()
        await session.start()
        topics.start()
        if hearing:
            await eventually("it hears", lambda: topics.hearing)
        return made[-1]

    yield make
    for one in reversed(made):
        await Deferred.fromCoroutine(one.topics.stop()).addTimeout(5, reactor)
        await Deferred.fromCoroutine(one.session.stop()).addTimeout(10, reactor)
        await one.link.stop()


class TestRedisTopics(TopicsContract):
    """The contract, with both."""

    @pytest.fixture
    def topics(self, process: Make) -> Any:
        async def make() -> RedisTopics:
            return (await process()).topics

        return make


class TestRedisTopicsWithoutRedis(TopicsContract):
    """The contract, while Redis is away."""

    @pytest.fixture
    def topics(self, process: Make) -> Any:
        async def make() -> RedisTopics:
            one = await process("unix:///nowhere/redis.sock", hearing=False)
            await eventually("it hears NOTIFY", lambda: one.topics._listening)
            return one.topics

        return make


async def test_what_both_ways_bring_is_heard_once(process: Make) -> None:
    here, there = await process(), await process()
    ear, _ = await listening(there.topics, SURE)
    for n in range(50):
        await here.topics.publish(SURE, "same")
        if n % 10 == 0:
            await here.topics.publish(SURE, f"{n}")
    marker, _ = await listening(there.topics, "marker")
    await eventually("NOTIFY has nothing more to send", lambda: not here.session.notifications._pending)
    await here.session.notifications.notify(notify.CHANNEL, '{"c":"marker","p":"end"}')
    await eventually("NOTIFY has brought all", lambda: marker.heard)
    assert sorted(ear.heard) == sorted(["same"] * 50 + [f"{n}" for n in range(0, 50, 10)])


async def test_a_process_without_redis_and_one_with_it_hear_each_others_drops(process: Make) -> None:
    here, there = await process(), await process("unix:///nowhere/redis.sock", hearing=False)
    plain = notify.PostgresTopics(there.session)
    plain.start()
    ears = [(await listening(topics, SURE))[0] for topics in (here.topics, there.topics, plain)]
    await here.topics.publish(SURE, "a")
    await there.topics.publish(SURE, "b")
    await plain.publish(SURE, "c")
    for ear in ears:
        await eventually("all are heard", lambda ear=ear: len(ear.heard) == 3)
        assert sorted(ear.heard) == ["a", "b", "c"]
    plain.stop()


async def test_a_channel_in_redis_has_its_published_name_and_its_payload(process: Make, redis: RedisServer) -> None:
    here = await process()
    ear, _ = await listening(here.topics, LIVE)
    redis.ask("PUBLISH", f"t:{LIVE}", '{"order_id":"1"}')
    await eventually("it is heard", lambda: ear.heard == ['{"order_id":"1"}'])


async def test_garbage_and_forgeries_are_dropped(process: Make, redis: RedisServer) -> None:
    here = await process()
    sure, live = [await listening(here.topics, channel) for channel in (SURE, LIVE)]
    other, _ = await listening(here.topics, "sessions:ended")
    for garbage in [
        b"", b"\xff\xfe", b"null", b"[]", b"x" * 7001, b"{" * 5000, b'{"c":1}', b'{"c":"cache:dropped","p":"no id"}',
        b'{"c":"sessions:ended","p":"elsewhere","i":"1"}', b'{"c":"cache:dropped","p":{},"i":"2"}',
    ]:  # fmt: skip
        redis.ask("PUBLISH", f"t:{SURE}", garbage)
    redis.ask("PUBLISH", f"t:{LIVE}", b"\xff\xfe")
    redis.ask("PUBLISH", f"t:{LIVE}", b"x" * 7001)
    await here.topics.publish(SURE, "real")
    await here.topics.publish(LIVE, "real")
    await eventually("what is well formed is heard", lambda: sure[0].heard and live[0].heard)
    assert (sure[0].heard, live[0].heard, other.heard) == (["real"], ["real"], [])
    assert here.topics.hearing


async def test_redis_is_asked_only_for_channels_with_subscribers(process: Make, redis: RedisServer) -> None:
    here = await process()

    def channels() -> Any:
        return redis.ask("PUBSUB", "CHANNELS", "t:*")

    heard = [here.topics.subscribe(f"orders:new:{n}", lambda _: None, lambda: None) for n in range(3000)]
    heard.append(here.topics.subscribe("orders:new:1", lambda _: None, lambda: None))
    await eventually("all are asked for", lambda: len(channels()) == 3000)
    for unsubscribe in heard[:-1]:
        unsubscribe()
    await eventually("one is left", lambda: channels() == [b"t:orders:new:1"])
    heard[-1]()
    await eventually("none is left", lambda: channels() == [])


async def test_who_subscribes_again_at_once_hears(process: Make) -> None:
    here = await process()
    for _ in range(3):
        unsubscribe = here.topics.subscribe(LIVE, lambda _: None, lambda: None)
        unsubscribe()
    ear, _ = await listening(here.topics, LIVE)
    await here.topics.publish(LIVE, "hello")
    await eventually("it is heard", lambda: ear.heard == ["hello"])


@pytest.mark.parametrize("harm", ["kill", "freeze"])
async def test_no_drop_is_late_or_lost_when_redis_dies_and_returns(process: Make, own: RedisServer, harm: str) -> None:
    """One drop every 20 ms through the death and the return; each is heard within a second, each once, and there is no
    reason to drop everything."""
    from twisted.internet import reactor

    here, there = await process(own.url()), await process(own.url())
    sent: dict[str, Pace] = {}
    late: list[str] = []
    heard: list[str] = []

    def receive(payload: str) -> None:
        heard.append(payload)
        if sent[payload].seconds() > 1.0:
            late.append(payload)

    gaps = Ear()
    there.topics.subscribe(SURE, receive, gaps.gap)
    await gaps.ready()
    before = gaps.gaps
    for n in range(100):
        if n == 30:
            getattr(own, harm)()
        if n == 70:
            own.start() if harm == "kill" else own.thaw()
        sent[str(n)] = Pace()
        await here.topics.publish(SURE, str(n))
        await sleep(reactor, 0.02)
    await eventually("all are heard", lambda: len(heard) >= 100, 2)
    assert sorted(heard, key=int) == [str(n) for n in range(100)]
    assert late == []
    await eventually("Redis is heard again", lambda: there.topics.hearing)
    assert gaps.gaps == before


async def test_live_topics_go_by_notify_while_redis_is_away_and_the_gap_is_told(
    process: Make, own: RedisServer
) -> None:
    here, there = await process(own.url()), await process(own.url())
    ear, _ = await listening(there.topics, LIVE)
    before = ear.gaps
    own.kill()
    await eventually("the gap is told", lambda: ear.gaps > before)
    await here.topics.publish(LIVE, "by notify")
    await eventually("it is heard", lambda: ear.heard == ["by notify"])
    before = ear.gaps
    own.start()
    await eventually("the gap is told again", lambda: ear.gaps > before)
    await eventually("Redis is used again", lambda: here.link.available and there.topics.hearing)
    await here.topics.publish(LIVE, "by Redis")
    await eventually("it is heard", lambda: ear.heard == ["by notify", "by Redis"])


async def test_a_connection_that_went_silent_is_noticed_within_two_seconds(
    process: Make, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher's Redis is well, and so it does not know. Drops arrive all the same; the others are told of a gap."""
    monkeypatch.setattr("harvestd.store.redis.subscriber.HEARTBEAT", 0.2)
    monkeypatch.setattr("harvestd.store.redis.subscriber.PATIENCE", 0.2)
    with Proxy(("127.0.0.1", redis.port)) as proxy:
        here, there = await process(), await process(ear=f"redis://127.0.0.1:{proxy.port}/0")
        sure, live = [(await listening(there.topics, channel))[0] for channel in (SURE, LIVE)]
        before = live.gaps
        proxy.blackhole = True
        await here.topics.publish(SURE, "drop")
        await eventually("the drop is heard", lambda: sure.heard == ["drop"], 1.0)
        await eventually("the gap is told", lambda: live.gaps > before, 2.0)
        before = live.gaps
        proxy.mend()
        await eventually("the gap is told again", lambda: live.gaps > before and there.topics.hearing)
        await here.topics.publish(LIVE, "again")
        await eventually("it hears again", lambda: live.heard == ["again"])
        assert there.link.available and isinstance(there.topics._ear, RedisSubscriber)


async def test_a_lost_session_is_told_as_a_gap(process: Make, postgres: PostgresServer, database_url: str) -> None:
    here = await process()
    sure, live = [(await listening(here.topics, channel))[0] for channel in (SURE, LIVE)]
    before = sure.gaps, live.gaps
    end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%%-session' and datname = %s"
    postgres.query("postgres", end, database_url.split("/")[3].split("?")[0])
    await eventually("the gap is told", lambda: sure.gaps > before[0] and live.gaps > before[1], 5)


async def test_a_fault_of_ours_costs_the_ear_one_connection_and_not_all_of_them(
    process: Make, expected_errors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await process()
    ear, faults = one.topics._ear, [ZeroDivisionError]
    hear = ear.hear

    def faulty(channels: Any) -> None:
        if faults:
            raise faults.pop()
        hear(channels)

    monkeypatch.setattr(ear, "hear", faulty)
    assert ear._wire is not None
    ear._wire.end("for the test")
    await eventually("the fault", lambda: not faults, 10)
    await eventually("it hears again", lambda: one.topics.hearing, 10)
    assert expected_errors(ZeroDivisionError)
