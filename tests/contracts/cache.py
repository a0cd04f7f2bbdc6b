"""What every ICache keeps. A module that subclasses :class:`CacheContract` gives the fixture ``world``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from twisted.internet.defer import CancelledError, Deferred

from harvestd.interfaces import Entry, ICache
from harvestd.kernel.errors import NotFound, Unavailable

TTL = 100.0


@attrs.define(eq=False)
class World:
    """Two processes' caches, joined; ``advance`` moves their clock; ``gap`` tells both that drops may have been missed;
    ``settle`` returns once what was dropped in one is dropped in the other; ``stale`` is the stale limit in seconds;
    ``quiet`` returns once neither waits for anything but its loads: what comes before a load may take a moment."""

    here: ICache
    there: ICache
    advance: Callable[[float], Awaitable[None]]
    gap: Callable[[], None]
    settle: Callable[[], Awaitable[None]]
    stale: float
    quiet: Callable[[], Awaitable[None]]

    async def asked(self, source: Source, families: tuple[str, ...] = ("f",), seen: bytes = b"") -> Asked:
        """One caller here, as far as it comes without its load."""
        asked = Asked(self.here, source, families, seen=seen)
        await self.quiet()
        return asked


@attrs.define(eq=False)
class Source:
    """What entries are loaded from, under the test's control: each load waits for :meth:`answer` or :meth:`fail`."""

    loads: list[Deferred[Entry]] = attrs.field(factory=list)

    async def load(self) -> Entry:
        waiting: Deferred[Entry] = Deferred()
        self.loads.append(waiting)
        return await waiting

    def answer(self, index: int, body: bytes, families: tuple[str, ...] = ()) -> None:
        self.loads[index].callback(attrs.evolve(entry(body), families=families))

    def fail(self, index: int, error: Exception) -> None:
        self.loads[index].errback(error)


def entry(body: bytes) -> Entry:
    return Entry(body, f'"{body.decode()}"', ((b"content-type", b"application/json"),))


class Asked:
    """One caller of ``fetch``: what came of it. It has ``seen`` that body elsewhere; those that sort before it are older."""

    def __init__(
        self, cache: ICache, source: Source, families: tuple[str, ...] = ("f",), key: str = "k",
        instead: tuple[str, ...] = (), seen: bytes = b"",
    ) -> None:  # fmt: skip
        self.deferred: Deferred[Entry] = Deferred.fromCoroutine(
            cache.fetch(key, families, source.load, TTL, instead, lambda entry: entry.body < seen)
        )
        self.result: Any = None
        self.deferred.addBoth(self._settled)

    def _settled(self, result: Any) -> None:
        self.result = result

    @property
    def body(self) -> bytes | None:
        """What it was given, None while it waits; raises what it was refused with."""
        if self.result is None:
            return None
        if not isinstance(self.result, Entry):
            self.result.raiseException()
        return bytes(self.result.body)


async def kept(cache: ICache, body: bytes, families: tuple[str, ...] = ("f",), key: str = "k") -> None:
    """Put an entry into the cache."""

    async def load() -> Entry:
        return entry(body)

    assert (await cache.fetch(key, families, load, TTL)).body == body


class CacheContract:
    """The sentences of ICache, one test each."""

    async def test_a_key_that_was_never_loaded_is_a_miss(self, world: World) -> None:
        assert world.here.peek("k") is None

    async def test_an_entry_is_whole_when_it_comes_back(self, world: World) -> None:
        async def load() -> Entry:
            return Entry(
                b"\x00\xffbody", '"e"', ((b"a", b"1"), (b"a", b"2")), 203, ("é", "own"), states=(("é", "1"),), ended=7
            )

        first = await world.here.fetch("k", ("f",), load, TTL)
        found = world.here.peek("k")
        assert found is not None
        assert (
            attrs.astuple(found)
            == attrs.astuple(first)
            == (b"\x00\xffbody", '"e"', ((b"a", b"1"), (b"a", b"2")), 203, ("é", "own"), None, {}, (("é", "1"),), 7)
        )

    async def test_a_fresh_entry_is_not_loaded_again(self, world: World) -> None:
        await kept(world.here, b"one")
        source = Source()
        asked = await world.asked(source)
        assert asked.body == b"one" and asked.result.age is None
        assert source.loads == []

    async def test_the_last_entry_is_known_for_comparison_when_it_is_not_fresh_any_more(self, world: World) -> None:
        assert world.here.last("k") is None
        await kept(world.here, b"one")
        await world.here.drop(["f"])
        await world.settle()
        last = world.here.last("k")
        assert world.here.peek("k") is None and last is not None and last.body == b"one"

    async def test_keys_are_apart(self, world: World) -> None:
        await kept(world.here, b"one", key="a")
        await kept(world.here, b"two", key="b")
        assert [e and e.body for e in (world.here.peek("a"), world.here.peek("b"))] == [b"one", b"two"]

    async def test_500_simultaneous_misses_make_one_load(self, world: World) -> None:
        source = Source()
        asked = [Asked(world.here, source) for _ in range(500)]
        await world.quiet()
        assert len(source.loads) == 1
        assert {a.body for a in asked} == {None}
        source.answer(0, b"one")
        assert {a.body for a in asked} == {b"one"}

    async def test_an_entry_expires_after_its_time_to_live(self, world: World) -> None:
        await kept(world.here, b"one")
        await world.advance(TTL)
        assert world.here.peek("k") is None

    async def test_an_entry_that_expires_under_500_callers_is_loaded_once_and_served_meanwhile(
        self, world: World
    ) -> None:
        await kept(world.here, b"one")
        await world.advance(TTL)
        source = Source()
        asked = [Asked(world.here, source) for _ in range(500)]
        await world.quiet()
        assert len(source.loads) == 1
        assert {a.body for a in asked} == {b"one"}
        source.answer(0, b"two")
        assert (await world.asked(source)).body == b"two"

    async def test_an_entry_long_expired_is_not_served(self, world: World) -> None:
        await kept(world.here, b"one")
        await world.advance(10 * TTL)
        source = Source()
        asked = await world.asked(source)
        assert asked.body is None
        source.answer(0, b"two")
        assert asked.body == b"two"

    async def test_a_drop_makes_every_entry_of_the_family_stale_and_no_other(self, world: World) -> None:
        for key in ("a", "b"):
            await kept(world.here, b"of f", ("f", "g"), key)
        await kept(world.here, b"of h", ("h",), "c")
        world.here.drop_here(["f"])
        assert world.here.peek("a") is None and world.here.peek("b") is None
        assert world.here.peek("c") is not None

    async def test_an_empty_drop_drops_everything(self, world: World) -> None:
        await kept(world.here, b"one", (), "a")
        await kept(world.here, b"two", ("f",), "b")
        world.here.drop_here([])
        assert world.here.peek("a") is None and world.here.peek("b") is None

    async def test_who_drops_and_then_asks_sees_what_is_new(self, world: World) -> None:
        await kept(world.here, b"old")
        await world.here.drop(["f"])
        source = Source()
        asked = await world.asked(source)
        source.answer(0, b"new")
        assert asked.body == b"new"

    async def test_a_dropped_entry_is_served_beside_the_load_until_the_stale_limit_and_no_longer(
        self, world: World
    ) -> None:
        await kept(world.here, b"old")
        world.here.drop_here(["f"])
        source = Source()
        await world.asked(source)
        await world.advance(world.stale * 0.9)
        asked = await world.asked(source)
        assert asked.body == b"old"
        assert asked.result.age == pytest.approx(world.stale * 0.9, abs=0.05), "and tells how old it is"
        await world.advance(world.stale * 0.2)
        late = await world.asked(source)
        assert late.body is None
        assert len(source.loads) == 1
        source.answer(0, b"new")
        assert late.body == b"new"

    async def test_drops_that_repeat_do_not_extend_the_stale_limit(self, world: World) -> None:
        await kept(world.here, b"old")
        world.here.drop_here(["f"])
        await world.advance(world.stale * 0.9)
        world.here.drop_here(["f"])
        source = Source()
        await world.asked(source)
        await world.advance(world.stale * 0.2)
        assert (await world.asked(source)).body is None

    async def test_a_load_that_began_before_a_drop_is_given_to_its_callers_and_not_kept(self, world: World) -> None:
        source = Source()
        asked = await world.asked(source, ("f", "g"))
        world.here.drop_here(["g"])
        source.answer(0, b"old")
        assert asked.body == b"old"
        assert world.here.peek("k") is None

    async def test_who_asks_after_a_drop_does_not_get_what_was_loaded_before_it(self, world: World) -> None:
        source = Source()
        early = await world.asked(source)
        world.here.drop_here(["f"])
        late = await world.asked(source)
        assert len(source.loads) == 2
        source.answer(0, b"old")
        assert (early.body, late.body) == (b"old", None)
        source.answer(1, b"new")
        assert late.body == b"new"

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    async def test_an_old_load_never_overwrites_a_newer_one(self, world: World, order: tuple[int, int]) -> None:
        source = Source()
        await world.asked(source)
        world.here.drop_here(["f"])
        await world.asked(source)
        for index in order:
            source.answer(index, (b"old", b"new")[index])
        found = world.here.peek("k")
        assert found is not None and found.body == b"new"

    async def test_a_drop_of_another_family_does_not_spoil_a_load(self, world: World) -> None:
        source = Source()
        await world.asked(source)
        world.here.drop_here(["other"])
        source.answer(0, b"one")
        assert world.here.peek("k") is not None

    async def test_a_drop_of_what_an_entry_itself_depends_on_makes_it_stale(self, world: World) -> None:
        source = Source()
        asked = await world.asked(source)
        source.answer(0, b"one", ("own",))
        await world.quiet()
        assert asked.body == b"one"
        await world.here.drop(["another"])
        assert (await world.asked(source)).body == b"one"
        await world.here.drop(["own"])
        assert world.here.peek("k") is None

    async def test_a_drop_of_what_a_load_turns_out_to_depend_on_counts_from_its_beginning(self, world: World) -> None:
        source = Source()
        asked = await world.asked(source)
        await world.here.drop(["own"])
        source.answer(0, b"old", ("own", "shown"))
        await world.quiet()
        assert asked.body == b"old"
        assert world.here.peek("k") is None

    async def test_who_asks_after_a_drop_does_not_wait_for_a_load_that_may_turn_out_to_depend_on_it(
        self, world: World
    ) -> None:
        source = Source()
        Asked(world.here, source, instead=("instead",))
        await world.quiet()
        await world.here.drop(["own", "instead"])
        after = Asked(world.here, source, instead=("instead",))
        await world.quiet()
        assert len(source.loads) == 2
        source.answer(0, b"old", ("own",))
        source.answer(1, b"new", ("own",))
        await world.quiet()
        assert after.body == b"new"
        found = world.here.peek("k")
        assert found is not None and found.body == b"new"

    async def test_what_is_older_than_an_answer_that_somebody_was_given_is_not_served_again(self, world: World) -> None:
        """A load between two drops is not kept; but who was given it must not be given what was there before it."""
        await kept(world.here, b"one")
        source = Source()
        await world.here.drop(["f"])
        second = await world.asked(source)
        await world.here.drop(["f"])
        source.answer(0, b"two")
        await world.quiet()
        assert second.body == b"two"
        await world.asked(source)
        beside = await world.asked(source)
        assert beside.body is None, "it waits, and is not given the first"
        source.answer(1, b"three")
        await world.quiet()
        assert beside.body == b"three"

    async def test_who_has_seen_a_later_entry_elsewhere_is_not_given_a_fresh_one_that_is_older(
        self, world: World
    ) -> None:
        await kept(world.here, b"1")
        source = Source()
        asked = await world.asked(source, seen=b"2")
        assert asked.body is None
        assert (await world.asked(source)).body == b"1", "others are none the worse"
        source.answer(0, b"2")
        await world.quiet()
        assert asked.body == (await world.asked(source)).body == b"2"
        assert (await world.asked(source, seen=b"2")).body == b"2"
        assert len(source.loads) == 1

    async def test_who_has_seen_a_later_entry_elsewhere_is_not_given_a_stale_one(self, world: World) -> None:
        await kept(world.here, b"1")
        await world.here.drop(["f"])
        source = Source()
        await world.asked(source)
        assert (await world.asked(source)).body == b"1", "it is served to others, while that load runs"
        asked = await world.asked(source, seen=b"2")
        assert asked.body is None
        source.answer(len(source.loads) - 1, b"2")
        await world.quiet()
        assert asked.body == b"2"

    async def test_who_has_seen_a_later_entry_elsewhere_is_not_given_what_a_load_under_way_has_read_before(
        self, world: World
    ) -> None:
        source = Source()
        first = await world.asked(source)
        asked, beside = [await world.asked(source, seen=b"2") for _ in range(2)]
        source.answer(0, b"1")
        await world.quiet()
        assert first.body == b"1" and asked.body is None and beside.body is None
        source.answer(1, b"2")
        await world.quiet()
        assert asked.body == beside.body == b"2"
        assert len(source.loads) == 2, "one for both"

    async def test_who_has_seen_a_later_entry_elsewhere_is_not_given_what_others_share(self, world: World) -> None:
        await kept(world.there, b"1")
        source = Source()
        asked = await world.asked(source, seen=b"2")
        assert asked.body is None
        source.answer(0, b"2")
        await world.quiet()
        assert asked.body == b"2"

    async def test_what_began_to_load_later_is_not_replaced_by_what_lands_later(self, world: World) -> None:
        await kept(world.here, b"1")
        await world.advance(TTL)
        source = Source()
        assert (await world.asked(source)).body == b"1"
        asked = await world.asked(source, seen=b"2")
        source.answer(1, b"2")
        await world.quiet()
        assert asked.body == b"2"
        source.answer(0, b"1")
        await world.quiet()
        assert (await world.asked(source)).body == b"2"

    async def test_who_claims_to_have_seen_what_nobody_has_is_given_what_there_is(self, world: World) -> None:
        await kept(world.here, b"1")
        source = Source()
        asked = await world.asked(source, seen=b"9")
        source.answer(0, b"1")
        await world.quiet()
        assert asked.body == (await world.asked(source)).body == b"1"

    async def test_the_error_of_a_load_reaches_every_caller_and_nothing_is_kept(self, world: World) -> None:
        source = Source()
        asked = [Asked(world.here, source) for _ in range(3)]
        await world.quiet()
        source.fail(0, NotFound("no such product"))
        for caller in asked:
            with pytest.raises(NotFound, match="no such product"):
                caller.body  # noqa: B018 (raises)
        again = await world.asked(source)
        source.answer(1, b"one")
        assert again.body == b"one"

    async def test_an_expired_entry_stands_in_for_a_load_that_is_unavailable_for_a_while(self, world: World) -> None:
        await kept(world.here, b"old")
        await world.advance(TTL + 20.0)
        source = Source()
        asked = await world.asked(source)
        source.fail(0, Unavailable("PostgreSQL is away"))
        assert asked.body == b"old"
        assert asked.result.age == pytest.approx(TTL + 20.0, abs=1)
        await world.advance(60.0)
        late = await world.asked(source)
        source.fail(1, Unavailable("PostgreSQL is away"))
        with pytest.raises(Unavailable):
            late.body  # noqa: B018 (raises)

    async def test_while_loads_are_unavailable_they_are_not_tried_for_every_caller(self, world: World) -> None:
        await kept(world.here, b"old")
        await world.advance(TTL + 20.0)
        source = Source()
        await world.asked(source)
        source.fail(0, Unavailable("PostgreSQL is away"))
        assert {(await world.asked(source)).body for _ in range(100)} == {b"old"}
        assert len(source.loads) == 1
        await world.advance(2.0)
        await world.asked(source)
        assert len(source.loads) == 2

    async def test_a_dropped_entry_never_stands_in_since_it_is_known_to_be_wrong(self, world: World) -> None:
        await kept(world.here, b"old")
        world.here.drop_here(["f"])
        source = Source()
        asked = await world.asked(source)
        source.fail(0, Unavailable("PostgreSQL is away"))
        with pytest.raises(Unavailable):
            asked.body  # noqa: B018 (raises)

    async def test_a_drop_makes_no_long_expired_entry_servable_again(self, world: World) -> None:
        await kept(world.here, b"old")
        await world.advance(10 * TTL)
        world.here.drop_here(["f"])
        source = Source()
        assert [(await world.asked(source)).body, (await world.asked(source)).body] == [None, None]

    async def test_an_old_load_that_finds_nothing_does_not_forget_what_a_newer_one_found(self, world: World) -> None:
        source = Source()
        old = await world.asked(source)
        world.here.drop_here(["f"])
        await world.asked(source)
        source.answer(1, b"new")
        source.fail(0, NotFound("not there yet"))
        with pytest.raises(NotFound):
            old.body  # noqa: B018 (raises)
        assert world.here.peek("k") is not None

    async def test_an_answer_that_is_gone_is_not_served_any_more(self, world: World) -> None:
        await kept(world.here, b"old")
        await world.advance(TTL)
        source = Source()
        assert (await world.asked(source)).body == b"old"
        source.fail(0, NotFound("archived"))
        assert (await world.asked(source)).body is None

    async def test_a_caller_that_gives_up_takes_nobody_with_it(self, world: World) -> None:
        source = Source()
        first, second = Asked(world.here, source), Asked(world.here, source)
        await world.quiet()
        first.deferred.cancel()
        with pytest.raises(CancelledError):
            first.body  # noqa: B018 (raises)
        source.answer(0, b"one")
        assert second.body == b"one"
        assert world.here.peek("k") is not None

    async def test_a_load_whose_every_caller_gave_up_is_still_kept(self, world: World) -> None:
        source = Source()
        Asked(world.here, source).deferred.cancel()
        await world.quiet()
        source.answer(0, b"one")
        assert world.here.peek("k") is not None

    async def test_a_drop_reaches_every_process(self, world: World) -> None:
        await kept(world.here, b"one")
        await kept(world.there, b"one")
        await kept(world.there, b"two", ("h",), "other")
        await world.here.drop(["f"])
        await world.settle()
        assert world.here.peek("k") is None and world.there.peek("k") is None
        assert world.there.peek("other") is not None

    async def test_an_empty_drop_reaches_every_process(self, world: World) -> None:
        await kept(world.there, b"one")
        await world.here.drop([])
        await world.settle()
        assert world.there.peek("k") is None

    async def test_a_drop_of_very_many_families_reaches_every_process(self, world: World) -> None:
        families = [f"product:{n:06d}:" + "é" * (n % 90) for n in range(1000)]
        for name in families[:: len(families) - 1]:
            await kept(world.there, b"one", (name,), name)
        await world.here.drop([*families, "x" * 9000, 'quote"\\\x00\ud800'])
        await world.settle()
        assert [world.there.peek(name) for name in families[:: len(families) - 1]] == [None, None]

    async def test_names_that_no_message_can_carry_are_dropped_elsewhere_all_the_same(self, world: World) -> None:
        for name in ("x" * 9000, "nul\x00", "half \ud800"):
            await kept(world.there, b"one", (name,), "k" + name)
            await world.here.drop([name])
            await world.settle()
            assert world.there.peek("k" + name) is None

    async def test_a_gap_in_what_was_heard_drops_everything(self, world: World) -> None:
        await kept(world.here, b"one")
        world.gap()
        assert world.here.peek("k") is None

    async def test_after_a_gap_an_entry_stands_in_while_loads_are_unavailable(self, world: World) -> None:
        await kept(world.here, b"one")
        world.gap()
        source = Source()
        asked = await world.asked(source)
        if source.loads:  # a level that was not cut off may know the entry, and need none
            source.fail(0, Unavailable("PostgreSQL restarts"))
        assert asked.body == b"one"

    async def test_hits_misses_and_stale_answers_are_counted(self, world: World) -> None:
        await kept(world.here, b"one")
        world.here.peek("k")
        world.here.peek("unknown")
        await world.advance(TTL)
        assert (await world.asked(Source())).body == b"one"
        state = world.here.state()
        assert (state.hits, state.misses, state.stale, state.size) == (1, 1, 1, 1)
        assert state.bytes > len(b"one")
