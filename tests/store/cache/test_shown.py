"""What was shown of a thing at one address is not older at another, although the drop of it is still on its way."""

from __future__ import annotations

import attrs
import pytest
from twisted.internet.task import Clock

from harvestd.interfaces import Entry
from harvestd.store.cache.last_shown import LIMIT, REMEMBERED, LastShown
from harvestd.store.cache.near import NearCache
from tests.contracts.cache import TTL, Asked, Source, entry
from tests.store.cache.test_near import STALE, Hub

CARROTS, LEEKS = "product:carrots", "product:leeks"


@pytest.fixture
def cache() -> NearCache:
    made = NearCache(Clock(), Hub(), 1_000_000, STALE, draw=lambda: 0.0)
    made.start()
    return made


def showing(state: str, ended: int | None) -> Entry:
    return attrs.evolve(
        entry(f"carrots {state}".encode()), families=(CARROTS,), states=((CARROTS, state),), ended=ended
    )


async def kept(cache: NearCache, key: str, state: str, ended: int | None) -> bytes:
    """What whoever asks for it now is given, where it would be loaded as it is here."""

    async def load() -> Entry:
        return showing(state, ended)

    return (await cache.fetch(key, (), load, TTL)).body


async def test_a_list_that_shows_a_later_state_ends_the_pages_of_the_earlier_one(cache: NearCache) -> None:
    await kept(cache, "page", "1", 100)
    assert cache.peek("page") is not None
    assert await kept(cache, "list", "2", 107) == b"carrots 2"
    assert cache.peek("page") is None and cache.peek("list") is not None, "what is later stays"
    assert await kept(cache, "page", "2", 108) == b"carrots 2"
    assert cache.peek("page") is not None and cache.peek("list") is not None


async def test_what_shows_the_same_state_ends_nothing_however_late_it_is_read(cache: NearCache) -> None:
    await kept(cache, "page", "1", 100)
    await kept(cache, "list", "1", 107)
    await kept(cache, "other list", "1", 90)
    assert all(cache.peek(key) is not None for key in ("page", "list", "other list"))


async def test_an_earlier_state_than_was_shown_is_loaded_again(cache: NearCache) -> None:
    """As from another process's cache, or by a statement that began before and ended after."""
    source = Source()
    await kept(cache, "list", "2", 107)
    asked = Asked(cache, source, (), key="page")
    source.loads[0].callback(showing("1", 100))
    assert (asked.body, len(source.loads)) == (None, 2)
    source.loads[1].callback(showing("2", 109))
    assert asked.body == b"carrots 2" and cache.peek("page") is not None


async def test_a_load_under_way_when_a_later_state_is_shown_is_not_kept(cache: NearCache) -> None:
    source = Source()
    asked = Asked(cache, source, (), key="page")
    await kept(cache, "list", "2", 107)
    source.loads[0].callback(showing("1", 100))
    source.loads[1].callback(showing("2", 108))
    assert asked.body == b"carrots 2"


async def test_nobody_is_given_an_earlier_state_while_it_is_reloaded(cache: NearCache) -> None:
    """Others than the first are, as long as nobody has seen the later one."""
    await kept(cache, "page", "1", 100)
    cache.drop_here([CARROTS])
    source = Source()
    first, other = (Asked(cache, source, (CARROTS,), key="page") for _ in range(2))
    assert (first.body, other.body) == (None, b"carrots 1")
    await kept(cache, "list", "2", 107)
    assert Asked(cache, source, (CARROTS,), key="page").body is None
    source.loads[0].callback(showing("2", 106))
    assert first.body == b"carrots 2"


async def test_an_earlier_state_is_loaded_again_though_its_drop_came_meanwhile(cache: NearCache) -> None:
    """Who has seen the later one waits for a load that began before it."""
    source = Source()
    first = Asked(cache, source, (), key="page")
    await kept(cache, "list", "2", 107)
    reader = Asked(cache, source, (), key="page")
    cache.drop_here([CARROTS])
    source.loads[0].callback(showing("1", 100))
    assert (first.body, reader.body, len(source.loads)) == (None, None, 2)
    source.loads[1].callback(showing("2", 109))
    assert (first.body, reader.body) == (b"carrots 2", b"carrots 2")


async def test_what_an_answer_showed_that_was_not_kept_was_shown_too(cache: NearCache) -> None:
    """Something else in it was dropped while it was loaded."""
    await kept(cache, "page", "1", 100)
    cache.drop_here([CARROTS])
    pages, lists = Source(), Source()
    Asked(cache, pages, (CARROTS,), key="page")
    listed = Asked(cache, lists, (LEEKS,), key="list")
    cache.drop_here([LEEKS])
    lists.loads[0].callback(showing("2", 107))
    assert listed.body == b"carrots 2" and cache.peek("list") is None
    assert Asked(cache, pages, (CARROTS,), key="page").body is None, "the earlier state is not served meanwhile"
    pages.loads[0].callback(showing("1", 100))
    assert cache.peek("page") is None and len(pages.loads) == 2


async def test_what_was_shown_is_remembered_for_a_while_of_so_many_things() -> None:
    """A database that was restored counts transactions from where it was, and is believed then."""
    last = LastShown()
    last.note(showing("2", 107), 0.0)
    assert last.behind(showing("1", 100)) and not last.behind(showing("1", 108)) and not last.behind(showing("2", 100))
    others = [attrs.evolve(showing("1", 100), states=((f"product:{n}", "1"),)) for n in range(LIMIT + 1)]
    last.note(others[0], REMEMBERED)
    assert not last.behind(showing("1", 100)) and len(last) == 1
    for other in others:
        last.note(other, REMEMBERED)
    assert len(last) == LIMIT


async def test_what_a_replica_tells_is_compared_with_nothing(cache: NearCache) -> None:
    """It does not know how many transactions have ended."""
    await kept(cache, "page", "1", 100)
    assert await kept(cache, "list", "2", None) == b"carrots 2"
    assert cache.peek("page") is not None
