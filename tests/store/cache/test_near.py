"""The near cache: the contract, its bounds, and what it makes of messages."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from harvestd.interfaces import Entry, ICache, ITopics
from harvestd.store.cache.entries import ABSENT, ABSENT_TTL, EXPIRED_LIMIT, size_of
from harvestd.store.cache.generations import MIN_SWEPT, Families, RecentDrops
from harvestd.store.cache.invalidations import CHANNEL, MESSAGE_LIMIT, read, written
from harvestd.store.cache.near import NearCache
from harvestd.store.cache.shelves import ABSENT_SHARE
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.topics import PostgresTopics
from tests.contracts.cache import TTL, Asked, CacheContract, Source, World, kept
from tests.contracts.topics import listening
from tests.waiting import eventually

STALE = 0.5


@implementer(ITopics)
class Hub:
    """Topics within this process, delivered at once."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._listeners: list[tuple[str, Callable[[str], None], Callable[[], None]]] = []

    async def publish(self, channel: str, payload: str) -> None:
        assert len(payload.encode()) <= MESSAGE_LIMIT
        self.sent.append(payload)
        self.say(channel, payload)

    def say(self, channel: str, payload: str) -> None:
        for name, receive, _ in self._listeners:
            if name == channel:
                receive(payload)

    def gap(self) -> None:
        for _, _, gap in self._listeners:
            gap()

    def subscribe(self, channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        listener = (channel, receive, gap)
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)


def near_cache(clock: Clock, hub: Hub, size: int = 1_000_000, settle: float = 0.0) -> NearCache:
    cache = NearCache(clock, hub, size, STALE, settle=settle, draw=lambda: 0.0)
    cache.start()
    return cache


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub() -> Hub:
    return Hub()


async def at_once() -> None:
    """The hub delivers as it is told."""


class TestNearCacheContract(CacheContract):
    @pytest.fixture
    def world(self, clock: Clock, hub: Hub) -> World:
        async def advance(seconds: float) -> None:
            clock.advance(seconds)

        return World(near_cache(clock, hub), near_cache(clock, hub), advance, hub.gap, at_once, STALE, at_once)


def test_it_is_an_ICache(clock: Clock, hub: Hub) -> None:
    assert verifyObject(ICache, near_cache(clock, hub))


def test_times_to_live_are_shortened_at_random_so_that_entries_do_not_expire_together(clock: Clock, hub: Hub) -> None:
    draws = iter([0.0, 1.0])
    cache = NearCache(clock, hub, 1_000_000, STALE, draw=lambda: next(draws))
    source = Source()
    for index, key in enumerate(("late", "early")):
        Asked(cache, source, key=key)
        source.answer(index, b"one")
    clock.advance(TTL * 0.95)
    assert cache.peek("late") is not None
    assert cache.peek("early") is None


async def test_what_is_held_stays_under_the_size_and_the_least_recently_used_goes_first(clock: Clock, hub: Hub) -> None:
    cache = near_cache(clock, hub, size=20_000)
    for n in range(100):
        await kept(cache, b"x" * 1000, key=f"k{n}")
        cache.peek("k0")
    assert cache.state().bytes <= 20_000
    assert cache.peek("k0") is not None and cache.peek("k99") is not None
    assert cache.peek("k50") is None
    assert cache.state().size < 20


@pytest.mark.parametrize("part", ["key", "body", "headers", "families"])
async def test_every_part_of_an_entry_counts_towards_the_size(clock: Clock, hub: Hub, part: str) -> None:
    cache = near_cache(clock, hub, size=20_000)
    much = 30_000

    async def load() -> Entry:
        headers = ((b"x" * much, b"v"),) if part == "headers" else ()
        return Entry(b"b" * (much if part == "body" else 1), '"e"', headers)

    key = "k" * (much if part == "key" else 1)
    await cache.fetch(key, ("f",) * (much if part == "families" else 1), load, TTL)
    assert cache.peek(key) is None
    assert cache.state().bytes == 0


async def test_a_variant_counts_towards_the_size_of_an_entry_that_is_held(clock: Clock, hub: Hub) -> None:
    room = 3 * size_of("k", Entry(b"x" * 100, '"t"'), 0) + 50
    cache = NearCache(clock, hub, int(room / (1 - ABSENT_SHARE)) + 1, 0.0)

    async def load() -> Entry:
        return Entry(b"x" * 100, '"t"')

    first, *_ = [await cache.fetch(key, (), load, 60.0) for key in "abc"]
    held = cache.state().bytes
    cache.grown("a", Entry(b"x" * 100, '"t"'), 40)
    assert cache.state().bytes == held, "another entry of its key was meant"
    cache.grown("a", first, 40)
    assert (cache.state().bytes, cache.state().size) == (held + 40, 3)
    cache.grown("a", first, 40)
    assert cache.state().size == 2 and cache.peek("a") is None, "the oldest makes room"
    assert cache.state().bytes < held


async def absent(cache: NearCache, key: str, families: tuple[str, ...] = ("f",)) -> Entry:
    async def load() -> Entry:
        return Entry(b"there is no such thing", "", status=ABSENT)

    return await cache.fetch(key, families, load, TTL)


async def test_invented_addresses_drive_out_nothing_but_each_other(clock: Clock, hub: Hub) -> None:
    cache = near_cache(clock, hub, size=64_000)
    for n in range(10):
        await kept(cache, b"x" * 1000, key=f"k{n}")
    for n in range(5000):
        await absent(cache, f"invented {n}")
    state = cache.state()
    assert all(cache.peek(f"k{n}") is not None for n in range(10)), "what is there stays"
    assert 0 < state.absent < 6 and state.bytes <= 64_000 and state.evicted == 5000 - state.absent
    assert cache.peek("invented 4999") is not None and cache.peek("invented 0") is None


async def test_an_absence_lives_shortly_and_is_never_served_once_it_was_dropped(clock: Clock, hub: Hub) -> None:
    cache = near_cache(clock, hub)
    await absent(cache, "k")
    assert cache.peek("k") is not None and cache.state().absences == 1
    cache.drop_here(["f"])
    source = Source()
    both = [
        Asked(cache, source) for _ in range(2)
    ]  # nobody gets the old one beside the load, as they would of an answer
    assert [asked.body for asked in both] == [None, None]
    source.answer(0, b"it is there")
    assert [asked.body for asked in both] == [b"it is there"] * 2 and cache.state().absent == 0
    await absent(cache, "other")
    clock.advance(ABSENT_TTL)
    assert cache.peek("other") is None
    waiting = Asked(cache, source, key="other")
    assert waiting.body is None, "nor when it is over"


async def test_a_size_of_nothing_keeps_nothing_and_still_flies_once(clock: Clock, hub: Hub) -> None:
    cache, source = near_cache(clock, hub, size=0), Source()
    asked = [Asked(cache, source) for _ in range(10)]
    source.answer(0, b"one")
    assert {a.body for a in asked} == {b"one"} and len(source.loads) == 1
    assert cache.state().size == 0


async def test_invented_families_leave_nothing_behind(clock: Clock, hub: Hub) -> None:
    cache = near_cache(clock, hub, size=20_000)
    for n in range(5000):
        await kept(cache, b"x", (f"search:{n}",), f"k{n}")
        cache.drop_here([f"unheard-of:{n}"])
    gc.collect()
    assert len(cache._families) <= cache.state().size < 50


def test_a_name_is_one_family_as_long_as_somebody_holds_it_and_is_swept_then() -> None:
    families = Families()
    [kept_all_along] = families.named(("kept",), 0.0)
    for n in range(5000):
        one, same = families.named((f"search:{n}", f"search:{n}"), 0.0)
        assert one is same
        families.drop((f"search:{n}",), 1.0)
        assert one.dropped_at == 1.0
        families.named((f"unheld:{n}",), 0.0)
        assert len(families._current) <= MIN_SWEPT
    assert families.named(("kept",), 0.0) == (kept_all_along,)


async def test_a_drop_costs_the_same_however_many_entries_it_makes_stale(clock: Clock, hub: Hub) -> None:
    """It touches the family alone: no entry is visited, counted here by the entries that a drop leaves in place."""
    cache = near_cache(clock, hub, size=10_000_000)
    for n in range(500):
        await kept(cache, b"x", ("f",), f"k{n}")
    before = {key: held.whole for key, held in cache._entries.items()}
    cache.drop_here(["f"])
    assert {key: held.whole for key, held in cache._entries.items()} == before
    assert all(cache.peek(f"k{n}") is None for n in range(500))


@pytest.mark.parametrize(
    "payload",
    ["", "x", "null", "[]", "{}", '{"by":1,"families":[]}', '{"by":"a","families":"f"}', '{"by":"a","families":["f",1]}',
     '{"by":"a","families":["f"],"more":1}', "[" * 6000, '{"families":["f"]}', '{"by":"a","families":["\\ud800"]}', "\ud800"],
)  # fmt: skip
async def test_a_message_that_is_not_one_changes_nothing(clock: Clock, hub: Hub, payload: str) -> None:
    cache = near_cache(clock, hub)
    await kept(cache, b"one")
    hub.say(CHANNEL, payload)
    assert cache.peek("k") is not None


async def test_a_forged_message_can_at_most_make_entries_load_anew(clock: Clock, hub: Hub) -> None:
    cache, source = near_cache(clock, hub), Source()
    await kept(cache, b"one")
    hub.say(CHANNEL, '{"by":"somebody","families":["f"]}')
    asked = Asked(cache, source)
    source.answer(0, b"one")
    assert asked.body == b"one" and cache.peek("k") is not None


async def test_its_own_message_coming_back_does_not_drop_what_was_loaded_since(clock: Clock, hub: Hub) -> None:
    cache = near_cache(clock, hub)
    await cache.drop(["f"])
    await kept(cache, b"new")
    hub.say(CHANNEL, hub.sent[-1])
    assert cache.peek("k") is not None


async def test_after_stop_nothing_is_heard_or_held(clock: Clock, hub: Hub) -> None:
    cache = near_cache(clock, hub)
    await kept(cache, b"one")
    cache.stop()
    assert cache.state().bytes == cache.state().size == 0
    hub.gap()


async def test_what_a_lagging_replica_may_have_answered_lives_only_until_it_must_have_caught_up(
    clock: Clock, hub: Hub
) -> None:
    cache = near_cache(clock, hub, settle=1.0)
    cache.drop_here(["f"])
    await kept(cache, b"maybe old")
    clock.advance(0.9)
    assert cache.peek("k") is not None
    clock.advance(0.2)
    source = Source()
    asked = Asked(cache, source)
    assert asked.body is None, "it must not be served while it is loaded anew either"
    source.answer(0, b"new")
    clock.advance(EXPIRED_LIMIT)
    found = cache.peek("k")
    assert found is not None and found.body == b"new"


async def test_dropping_everything_leaves_nothing_to_settle_unseen(clock: Clock, hub: Hub) -> None:
    cache = near_cache(clock, hub, settle=1.0)
    cache.drop_here([])
    await kept(cache, b"maybe old")
    clock.advance(1.0)
    assert cache.peek("k") is None


def test_more_drops_than_can_be_remembered_count_as_a_drop_of_everything() -> None:
    recent = RecentDrops(1.0)
    assert recent.note([f"f{n}" for n in range(10_000)], 0.0)
    assert not recent.note(["one more"], 0.5)
    recent.everything(0.5)
    assert recent.settles_at("one more", 0.5) == 0.0


def test_remembered_drops_are_forgotten_once_settled() -> None:
    recent = RecentDrops(1.0)
    recent.note(["a"], 0.0)
    assert recent.settles_at("a", 0.9) == 1.0
    assert recent.settles_at("a", 1.0) == 0.0
    recent.note(["b"], 2.0)
    assert len(recent) == 1


@pytest.mark.parametrize("length", [1, 40, 120])
def test_messages_come_back_as_they_were_written(length: int) -> None:
    names = [f"{n:x}".rjust(length, "p") for n in range(3000)]
    messages = list(written("me", names))
    assert len(messages) > 1
    assert all(len(json.dumps(m)) <= MESSAGE_LIMIT for m in messages), "quoted once more, as a topic may"
    drops = [read(m) for m in messages]
    assert [name for drop in drops if drop for name in drop.families] == names


@pytest_twisted.async_yield_fixture
async def joined(database_url: str) -> AsyncIterator[tuple[NearCache, NearCache]]:
    """The caches of two processes, each with its own connection to PostgreSQL."""
    made = []
    for _ in range(2):
        session = ControlConnection(reactor, ConnectionSettings(database_url))
        topics = PostgresTopics(session)
        cache = NearCache(reactor, topics, 1_000_000, STALE)
        await session.start()
        topics.start()
        cache.start()
        await listening(topics, "ready")
        made.append((session, topics, cache))
    yield made[0][2], made[1][2]
    for session, topics, cache in made:
        cache.stop()
        topics.stop()
        await Deferred.fromCoroutine(session.stop()).addTimeout(10, reactor)


async def test_a_drop_reaches_another_process_through_postgresql(joined: tuple[NearCache, NearCache]) -> None:
    here, there = joined
    await kept(there, b"of f", ("f",), "f")
    await kept(there, b"of g", ("g",), "g")
    await here.drop(["f"])
    await eventually("the other process drops f", lambda: there.peek("f") is None)
    assert there.peek("g") is not None
    await here.drop([])
    await eventually("the other process drops everything", lambda: there.peek("g") is None)
