"""What a process remembers: until when, in what number, and what becomes of it when it is told of a change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from harvestd.store.cache.remembered import Remembered
from tests.store.cache.test_near import Hub

CHANNEL, TTL, MOST = "prices:changed", 30.0, 2


class Source:
    """A database whose answers come when the test says so: ``asked`` has those that are on their way."""

    def __init__(self) -> None:
        self.asked: list[Deferred[str | None]] = []

    async def load(self) -> str | None:
        answer: Deferred[str | None] = Deferred()
        self.asked.append(answer)
        return await answer


class World:
    """A value by key, its source, and one who asks."""

    def __init__(self) -> None:
        self.clock, self.hub, self.source = Clock(), Hub(), Source()
        self.known: Remembered[str, str | None] = Remembered(
            self.clock, self.hub, {CHANNEL: self.known_changed}, TTL, MOST
        )
        self.known.start()

    def known_changed(self, key: str) -> None:
        self.known.forget(key)

    def ask(self, key: str = "leeks", lent: bool = False) -> Deferred[str | None]:
        return Deferred.fromCoroutine((self.known.get_by if lent else self.known.get)(key, self.source.load))

    def learn(self, value: str | None, key: str = "leeks", lent: bool = False) -> str | None:
        """Ask, and have the source answer, if it is asked."""
        asking = self.ask(key, lent)
        for answer in self.source.asked:
            answer.callback(value)
        self.source.asked.clear()
        found: str | None = now(asking)
        return found


def now(asking: Deferred[str | None]) -> str | None:
    """The answer that there is."""
    (found,) = [asking.result]
    assert not isinstance(found, Deferred)
    return found


@pytest.fixture
def world() -> World:
    return World()


#: What has a value forgotten.
FORGETTING: dict[str, Callable[[World], None]] = {
    "its time is over": lambda world: world.clock.advance(TTL),
    "a topic says so": lambda world: world.hub.say(CHANNEL, "leeks"),
    "messages may have been missed": lambda world: world.hub.gap(),
    "this process changed it": lambda world: world.known.forget("leeks"),
    "it matches": lambda world: world.known.forget_where("two euros".__eq__),
    "all are forgotten": lambda world: world.known.clear(),
    "nobody listens any more": lambda world: world.known.stop(),
}
#: What does not.
KEEPING: dict[str, Callable[[World], None]] = {
    "its time is nearly over": lambda world: world.clock.advance(TTL - 0.1),
    "a topic speaks of another": lambda world: world.hub.say(CHANNEL, "beans"),
    "another matches": lambda world: world.known.forget_where("three euros".__eq__),
}


@pytest.mark.parametrize("lent", [False, True])
@pytest.mark.parametrize("forget", [pytest.param(what, id=name) for name, what in FORGETTING.items()])
def test_a_value_is_forgotten(world: World, forget: Callable[[World], None], lent: bool) -> None:
    assert world.learn("two euros", lent=lent) == "two euros"
    forget(world)
    assert world.learn("three euros", lent=lent) == "three euros"


@pytest.mark.parametrize("keep", [pytest.param(what, id=name) for name, what in KEEPING.items()])
def test_until_then_the_source_is_not_asked(world: World, keep: Callable[[World], None]) -> None:
    world.learn("two euros")
    keep(world)
    assert (world.learn("three euros"), world.learn("three euros", lent=True)) == ("two euros", "two euros")


@pytest.mark.parametrize("lent", [False, True])
@pytest.mark.parametrize("forget", [pytest.param(FORGETTING[name], id=name) for name in list(FORGETTING)[1:]])
def test_what_was_asked_for_before_it_is_forgotten_is_not_kept(
    world: World, forget: Callable[[World], None], lent: bool
) -> None:
    """The source may have read before the change."""
    early = world.ask(lent=lent)
    forget(world)
    late = world.ask(lent=lent)
    assert len(world.source.asked) == 2, "whoever asks afterwards does not get the answer of before"
    first, second = world.source.asked
    second.callback("three euros")
    first.callback("two euros")
    assert (now(early), now(late)) == ("two euros", "three euros")
    world.source.asked.clear()
    assert world.learn("four euros", lent=lent) == "three euros"


def test_what_is_forgotten_of_one_says_nothing_of_another(world: World) -> None:
    asking = world.ask()
    world.hub.say(CHANNEL, "beans")
    world.source.asked.pop().callback("two euros")
    assert (now(asking), world.learn("three euros")) == ("two euros", "two euros")


def test_all_who_ask_meanwhile_share_one_load(world: World) -> None:
    asking = [world.ask() for _ in range(3)]
    (load,) = world.source.asked
    asking[0].addErrback(lambda failure: None)
    asking[0].cancel()
    load.callback("two euros")
    assert [now(one) for one in asking] == [None, "two euros", "two euros"], "it is not the load of whoever asked first"


def test_a_load_by_a_lent_connection_is_shared_with_nobody(world: World) -> None:
    """Each may be queued behind a statement that waits for a lock of another."""
    asking = [world.ask(lent=True), world.ask(), world.ask(lent=True)]
    assert len(world.source.asked) == 3
    for number, load in enumerate(world.source.asked):
        load.callback(f"{number} euros")
    assert [now(one) for one in asking] == ["0 euros", "1 euros", "2 euros"]


@pytest.mark.parametrize("lent", [False, True])
def test_a_failure_is_told_to_all_who_wait_and_not_kept(world: World, lent: bool) -> None:
    asking = [world.ask(lent=lent) for _ in range(2)]
    failures: list[object] = []
    for one in asking:
        one.addErrback(lambda failure: failures.append(failure.type))
    for load in world.source.asked:
        load.errback(ValueError("the database is gone"))
    world.source.asked.clear()
    assert failures == [ValueError, ValueError]
    assert world.learn("two euros", lent=lent) == "two euros"


def test_nothing_is_not_remembered_and_takes_the_place_of_what_was(world: World) -> None:
    world.learn("two euros")
    world.clock.advance(TTL)
    assert world.learn(None) is None
    assert (len(world.known), world.learn("three euros")) == (0, "three euros")


def test_the_least_recently_used_makes_room(world: World) -> None:
    for key in ("leeks", "beans", "leeks", "kale"):
        world.learn("two euros", key)
    assert [key in world.known for key in ("leeks", "beans", "kale")] == [True, False, True]
    assert len(world.known) == MOST


def test_it_listens_from_its_start_to_its_stop(world: World) -> None:
    world.known.stop()
    world.learn("two euros")
    world.hub.say(CHANNEL, "leeks")
    assert world.learn("three euros") == "two euros"
