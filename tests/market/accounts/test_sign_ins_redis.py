"""Sign-ins in Redis: the contract, and that nothing which Redis forgets, keeps too long or never heard signs anybody in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from harvestd.assembly.optional_servers import SURE
from harvestd.interfaces import Account
from harvestd.market.accounts.sign_ins import PostgresSignIns, Standing
from harvestd.market.accounts.sign_ins_near import NearSignIns
from harvestd.market.accounts.sign_ins_redis import RedisSignIns, Seals
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.redis.client import RedisClient
from harvestd.store.redis.topics import RedisTopics
from servers import Proxy
from servers.redis import RedisServer
from tests.contracts.sign_ins import Line, Process, SessionsContract, World
from tests.waiting import eventually

SECRET = "0123456789abcdef" * 2


@attrs.define(eq=False)
class Connected(Process):
    """With its link to Redis."""

    link: RedisClient


Make = Callable[..., Awaitable[Connected]]


@pytest_twisted.async_yield_fixture
async def process(database: Database, database_url: str, redis: RedisServer) -> AsyncIterator[Make]:
    """Makes one; with ``hearing=False`` nobody waits until it hears of others, and a ``deaf`` one does not hear of ends."""
    from twisted.internet import reactor

    made: list[tuple[RedisTopics, ControlConnection, RedisClient]] = []

    async def make(url: str = "", hearing: bool = True, deaf: bool = False) -> Connected:
        link, session = (
            RedisClient(reactor, url or redis.url(), "t:", 0.2),
            ControlConnection(reactor, ConnectionSettings(database_url)),
        )
        topics, line = RedisTopics(reactor, link, session, SURE), Line(database)
        known = RedisSignIns(link, PostgresSignIns(line, lambda: datetime.now(UTC)), SECRET)
        sessions = NearSignIns(Clock(), topics, known)
        made.append((topics, session, link))
        await link.start()
        await session.start()
        topics.start()
        if not deaf:
            sessions.start()
        if hearing:
            await eventually("it hears", lambda: topics.hearing)
        return Connected(sessions, line, link)

    yield make
    for topics, session, link in made:
        await Deferred.fromCoroutine(topics.stop()).addTimeout(5, reactor)
        await Deferred.fromCoroutine(session.stop()).addTimeout(10, reactor)
        await link.stop()


@pytest.fixture
def world(database: Database, process: Make) -> World:
    return World(database, process)


class TestRedisSessions(SessionsContract):
    """The contract."""


class TestRedisSessionsWithoutRedis(SessionsContract):
    """The contract, while Redis is away."""

    @pytest.fixture
    def world(self, database: Database, process: Make) -> World:
        return World(database, lambda: process("unix:///nowhere/redis.sock", hearing=False))


async def test_what_one_process_asked_the_others_know(world: World, process: Make, redis: RedisServer) -> None:
    here, there, ada = await process(), await process(), await world.user()
    first, second = await world.signed_in(ada), await world.signed_in(ada)
    assert await here.alive(ada, first)
    assert await there.alive(ada, second)
    assert (here.line.asked, there.line.asked) == (1, 0)
    assert redis.ask("KEYS", "t:session:*") == [f"t:session:{ada}".encode()]
    assert 86_000 < redis.ask("TTL", f"t:session:{ada}") <= 86_400  # type: ignore[operator]
    await there.sessions.ended(ada)
    assert redis.ask("KEYS", "t:session:*") == []


async def test_garbage_in_redis_is_as_good_as_nothing(world: World, process: Make, redis: RedisServer) -> None:
    ada = await world.user()
    session, ended = await world.signed_in(ada), await world.signed_in(ada)
    await world.revoke(ada, ended)
    key = f"t:session:{ada}"
    await process()
    epoch = redis.ask("GET", "t:sessions:epoch")
    assert isinstance(epoch, bytes)
    for garbage in [
        b"",
        b"\xff",
        b" ",
        ended.encode(),
        b"0 - " + ended.encode() + b" ",
        b"x" * 100_000,
        epoch,
        epoch + b" ",
    ]:
        redis.ask("SET", key, garbage)
        fresh = await process()
        assert not await fresh.alive(ada, ended), garbage
        assert await fresh.alive(ada, session), garbage
    for command in (("RPUSH", key, ended), ("SADD", "t:sessions:epoch", "x")):
        redis.ask("DEL", command[1])
        redis.ask(*command)
        assert await (await process()).alive(ada, session)
        assert not await (await process()).alive(ada, ended)


async def test_what_others_make_up_signs_nobody_in_and_makes_nobody_an_admin(
    world: World, process: Make, redis: RedisServer
) -> None:
    ada, bob = await world.user(), await world.user()
    hers, his, ended = await world.signed_in(ada), await world.signed_in(bob), await world.signed_in(ada)
    await world.revoke(ada, ended)
    here, key = await process(), f"t:session:{ada}"
    assert await here.alive(ada, hers) and await here.alive(bob, his)
    value, other = redis.ask("GET", key), redis.ask("GET", f"t:session:{bob}")
    assert isinstance(value, bytes) and isinstance(other, bytes)
    epoch, now = value.split()[0].decode(), int(value.split()[3])
    foreign = Seals("another secret").sealed(ada, epoch, now, Standing(Account("admin"), frozenset([hers, ended])))
    for forged in [
        f"{epoch} - {foreign} ".encode(),
        value.replace(b"buyer", b"admin"),
        value.replace(hers.encode(), ended.encode()),
        value + ended.encode() + b" ",
        value.replace(str(now).encode(), str(now + 10**9).encode()),
        value.replace(value.split()[2], b"0" * 32),
        value.replace(value.split()[2], b"\xff" * 32),
        other,
        other.replace(his.encode(), ended.encode()),
    ]:
        redis.ask("SET", key, forged)
        redis.ask(
            "PUBLISH",
            "t:sessions:ended",
            f'{{"c":"sessions:ended","i":"x","p":"{{\\"by\\":\\"\\",\\"user\\":\\"{ada}\\"}}"}}',
        )
        for fresh in (here, await process()):
            assert not await fresh.alive(ada, ended), forged
            redis.ask("SET", key, forged)
            assert await fresh.sessions.account(ada, hers) == Account("buyer"), forged


async def test_what_was_true_once_and_is_put_back_counts_for_nothing(
    world: World, process: Make, redis: RedisServer
) -> None:
    """In processes that heard of the sign-out, and in those that began to hear after it."""
    here, there, ada = await process(), await process(), await world.user()
    session, stays = await world.signed_in(ada), await world.signed_in(ada)
    assert await here.alive(ada, session)
    kept = {name: redis.ask("GET", name) for name in (f"t:session:{ada}", "t:sessions:epoch")}
    await world.revoke(ada, session)
    await here.sessions.ended(ada)

    async def known() -> bool:
        return not await there.alive(ada, session)

    await eventually("the other process knows", known, 1.0)
    late = await process()
    for asked in (here, there, late):
        for name, value in kept.items():
            redis.ask("SET", name, value)  # type: ignore[arg-type]
        asked.sessions._known.clear()  # type: ignore[attr-defined]
        assert not await asked.alive(ada, session)
        assert await asked.alive(ada, stays)


async def test_a_value_counts_for_a_day(world: World, process: Make, redis: RedisServer) -> None:
    """However long somebody has Redis keep it."""
    here, ada = await process(), await world.user()
    session = await world.signed_in(ada)
    assert await here.alive(ada, session)
    known = here.sessions._source  # type: ignore[attr-defined]
    value = redis.ask("GET", f"t:session:{ada}")
    assert isinstance(value, bytes)
    epoch, _, _, began = value.split()[:4]
    old = known._seals.sealed(
        ada, epoch.decode(), int(began) - 86_400 * 10**6, Standing(Account("admin"), frozenset([session]))
    )
    redis.ask("SET", f"t:session:{ada}", f"{epoch.decode()} - {old} ")
    known._heard._floor = float("-inf")
    here.sessions._known.clear()  # type: ignore[attr-defined]
    assert await here.sessions.account(ada, session) == Account("buyer")


@pytest.mark.parametrize("between", ["DEL", "FLUSHALL", "asked again"])
async def test_a_sign_out_deletes_the_lease_of_an_answer_under_way(
    world: World, process: Make, redis: RedisServer, between: str
) -> None:
    """Also where everything was flushed, and where somebody else has asked since."""
    here, there, third, ada = await process(), await process(deaf=True), await process(deaf=True), await world.user()
    session = await world.signed_in(ada)
    here.line.hold()
    slow = Deferred.fromCoroutine(here.alive(ada, session))
    await eventually("it has asked", lambda: here.line.asked)
    await eventually("it has its rows", lambda: world.database.pool.state()["active"] == 0)
    await world.revoke(ada)
    if between == "FLUSHALL":
        redis.flush()
    else:
        redis.ask("DEL", f"t:session:{ada}")
    if between == "asked again":
        assert not await there.alive(ada, session)
    here.line.release()
    await slow
    assert not await third.alive(ada, session)


async def test_a_sign_out_that_redis_did_not_hear_of_makes_all_that_it_knows_worthless(
    world: World, process: Make, redis: RedisServer
) -> None:
    ada, bob = await world.user(), await world.user()
    hers, his = await world.signed_in(ada), await world.signed_in(bob)
    deaf = await process(deaf=True)
    with Proxy(("127.0.0.1", redis.port)) as proxy:
        here = await process(f"redis://127.0.0.1:{proxy.port}/0")
        assert await here.alive(ada, hers) and await here.alive(bob, his)
        proxy.blackhole = True
        await world.revoke(ada)
        await here.sessions.ended(ada)
        assert redis.ask("EXISTS", f"t:session:{ada}") == 1
        assert not await here.alive(ada, hers)
        proxy.mend()
        await eventually("Redis is used again", lambda: here.link.available)
        assert not await deaf.alive(ada, hers)
        assert await deaf.alive(bob, his)


async def test_while_one_process_has_lost_redis_the_others_delete_what_its_sign_outs_make_wrong(
    world: World, process: Make, redis: RedisServer
) -> None:
    ada = await world.user()
    session = await world.signed_in(ada)
    with Proxy(("127.0.0.1", redis.port)) as proxy:
        here, _there = await process(f"redis://127.0.0.1:{proxy.port}/0"), await process()
        assert await here.alive(ada, session)
        proxy.blackhole = True
        await world.revoke(ada)
        await here.sessions.ended(ada)
        await eventually("another deleted it", lambda: redis.ask("EXISTS", f"t:session:{ada}") == 0, 1.0)


async def test_a_deletion_that_redis_refuses_makes_all_that_it_knows_worthless(
    world: World, process: Make, redis: RedisServer
) -> None:
    here, deaf, ada = await process(), await process(deaf=True), await world.user()
    session = await world.signed_in(ada)
    assert await here.alive(ada, session)
    await world.revoke(ada)
    redis.ask("ACL", "SETUSER", "default", "-del")
    try:
        await here.sessions.ended(ada)
    finally:
        redis.ask("ACL", "SETUSER", "default", "+@all")
    assert redis.ask("EXISTS", f"t:session:{ada}") == 1
    await eventually("Redis is used again", lambda: here.link.available)
    assert not await deaf.alive(ada, session)


async def test_a_redis_that_comes_back_with_an_older_state_signs_nobody_in(
    world: World, process: Make, own: RedisServer
) -> None:
    here, ada = await process(own.url()), await world.user()
    session = await world.signed_in(ada)
    assert await here.alive(ada, session)
    own.ask("SAVE")
    await world.revoke(ada)
    await here.sessions.ended(ada)
    own.restart()
    assert own.ask("EXISTS", f"t:session:{ada}") == 1, "as it was before the sign-out"
    await eventually("Redis is used again", lambda: here.link.available)
    assert not await here.alive(ada, session)
    assert not await (await process(own.url())).alive(ada, session)


@pytest.mark.parametrize("harm", ["kill", "freeze", "flush"])
async def test_through_the_end_of_redis_everybody_stays_who_they_are(
    world: World, process: Make, own: RedisServer, harm: str
) -> None:
    here, there = await process(own.url()), await process(own.url())
    users = [await world.user() for _ in range(8)]
    signed_in = {user: await world.signed_in(user) for user in users}
    for user in users[:4]:
        assert await here.alive(user, signed_in[user])
    getattr(own, harm)()
    for process_ in (here, there):
        for user in users:
            for other in users:
                assert await process_.alive(user, signed_in[other]) is (user == other)
    await world.revoke(users[0])
    await here.sessions.ended(users[0])

    async def known() -> bool:
        return not await there.alive(users[0], signed_in[users[0]])

    await eventually("the other process knows", known, 1.0)
    if harm == "kill":
        own.start()
    elif harm == "freeze":
        own.thaw()
    await eventually("Redis is used again", lambda: here.link.available and there.link.available)
    for user in users:
        fresh: Any = here if user == users[0] else there
        assert await fresh.alive(user, signed_in[user]) is (user != users[0])
