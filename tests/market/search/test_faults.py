"""An Elasticsearch that somebody writes to past this market: it is noticed, nobody asks it, and it is mended."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_twisted

from harvestd.interfaces import Search
from harvestd.market.search import fallback as search_fallback
from harvestd.market.search import totals as search_totals
from harvestd.market.search.elasticsearch import builds as search_builds
from harvestd.market.search.elasticsearch import indexer as search_indexer
from harvestd.store.postgres.database import Database
from servers.elasticsearch import ElasticsearchServer
from tests.contracts.search import STALL, product
from tests.market.search.test_fallback import World, standing
from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("elasticsearch")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (search_fallback, search_indexer):
        monkeypatch.setattr(module, "LOOK", 0.1)
    monkeypatch.setattr(search_totals, "PART", 1)  # or one slow count would be fifty times as long without a look


@pytest_twisted.async_yield_fixture
async def world(elasticsearch: ElasticsearchServer, database: Database) -> AsyncIterator[World]:
    async with standing(elasticsearch, database) as made:
        await made.search.index(STALL)
        await made.caught_up()
        yield made


def write(world: World, *documents: tuple[str, int, dict[str, Any]]) -> None:
    """As anybody may who can reach the engine: (id, the engine's version, what differs from a forged product)."""
    lines = []
    for id, version, fields in documents:
        about = {"_index": world.alias, "_id": f"product:{id}", "version": version, "version_type": "external"}
        body = {"kind": "product", "id": id, "removed": False, "body": {}, "title": "Forged carrots", "shown": ""}
        lines += [{"index": about}, body | {"title_words": "carrots", "title_key": "carrots", **fields}]
    world.ask("POST", "/_bulk?refresh=true", lines)


def lose(world: World, id: str) -> None:
    kind = next(document.kind for document in STALL if document.id == id)
    world.ask("DELETE", f"/{world.alias}/_doc/{kind}:{id}?version=9&version_type=external&refresh=true")


def empty(world: World) -> None:
    for document in STALL:
        lose(world, document.id)


def lose_one(world: World) -> None:
    lose(world, STALL[0].id)


def add(world: World) -> None:
    write(world, *((str(uuid4()), 1, {"version": 1}) for _ in range(300)))


def add_tombstones(world: World) -> None:
    write(world, *((str(uuid4()), 1, {"removed": True}) for _ in range(3)))


def huge(world: World) -> None:
    write(world, (STALL[0].id, 2**60, {"version": 2**60}))


def huge_and_unsaid(world: World) -> None:
    write(world, (STALL[0].id, 2**60, {}))


def exchange(world: World) -> None:
    lose_one(world)
    write(world, (str(uuid4()), 1, {"version": 1}), (STALL[1].id, 2, {"version": 2}))


FAULTS = (empty, lose_one, add, add_tombstones, huge, huge_and_unsaid, exchange)


async def noticed(world: World) -> str:
    """Until no process asks it; answers what readiness says then."""

    async def found() -> bool:
        await world.search.indexer.catch_up()
        return not world.search.breaker.closed

    await eventually("the fault is noticed", found, 20.0, 0.05)
    return (await world.search.condition()).detail


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_what_somebody_did_to_the_index_is_noticed_and_mended_and_postgresql_answers_meanwhile(
    world: World, fault: Any, monkeypatch: pytest.MonkeyPatch, expected_errors: Any
) -> None:
    monkeypatch.setattr(search_builds, "AT_ONCE", 1)
    fault(world)
    said = await noticed(world)
    assert "it holds" in said and "build it anew in" in said, said
    assert expected_errors(), "the log says it"
    for _ in range(3):
        await world.search.indexer.catch_up()
        await world.served_by_postgres()
    monkeypatch.setattr(search_builds, "AT_ONCE", 9)
    await world.caught_up()
    await world.served_by_engine()
    assert (await world.search.condition()).state == "ok"
    assert (await world.search.engine.totals()).count == len(STALL)
    await world.search.index([product(1, "Carrots anew", version=2)])
    await world.caught_up()
    await world.served_by_engine("anew", 1)


async def test_a_version_that_nobody_wrote_is_noticed_when_the_engine_keeps_it(
    world: World, expected_errors: Any
) -> None:
    """Though the document says of itself what it should, so that no total tells."""
    write(world, (STALL[0].id, 2**60, {"version": STALL[0].version}))
    for _ in range(5):
        await world.search.indexer.catch_up()
    await world.served_by_engine()
    await world.search.index([product(1, "Carrots anew", version=2)])
    await world.search.indexer.catch_up()
    await world.away()
    await world.served_by_postgres("anew", 1)
    assert expected_errors()
    await world.caught_up()
    await world.served_by_engine("anew", 1)
    assert (await world.search.engine.versions([f"product:{STALL[0].id}"])).popitem()[1] == 2


async def test_an_index_that_is_as_it_should_be_is_left_alone(world: World, expected_errors: Any) -> None:
    """While documents change, are removed and are refused, and one is offered in a version that the engine has."""
    before = (await search_builds.lately(world.database, world.alias)).times
    for version in range(2, 12):
        await world.search.index([product(n, f"Honey {n}", version=version, removed=n == 3) for n in range(1, 9)])
        await world.search.index([product(20, "Nowhere", version=version, latitude=95.0, longitude=0.0)])
        await world.search.indexer.catch_up()
        await world.search.engine.documents.put([product(2, "Honey 2", version=version)])
        await world.search.indexer.catch_up()
    await world.caught_up()
    assert (await search_builds.lately(world.database, world.alias)).times == before
    assert expected_errors(), "of the refused ones"


async def test_who_spoils_it_again_and_again_has_it_built_seldom(
    world: World, monkeypatch: pytest.MonkeyPatch, expected_errors: Any
) -> None:
    monkeypatch.setattr(search_builds, "AT_ONCE", 2)
    add_tombstones(world)
    await noticed(world)
    await world.caught_up()
    add_tombstones(world)
    assert re.search(r"in [123]?\d s, since that was done 2 times", await noticed(world))
    await world.served_by_postgres()
    assert expected_errors()


def test_the_pause_between_builds_doubles_to_an_hour() -> None:
    assert [search_builds.pause(times) for times in (0, 1, 2, 3, 4, 5, 10, 1000)] == [0, 0, 0, 30, 60, 120, 3600, 3600]


async def test_a_process_that_only_asks_knows_it_from_postgresql(world: World, expected_errors: Any) -> None:
    """Another one found the fault."""
    state = await world.search.engine.indices.state()
    assert state is not None
    assert await search_builds.accuse(world.database, world.alias, state.uuid, "it holds nonsense")
    assert not await search_builds.accuse(world.database, world.alias, state.uuid, "it holds worse")
    await world.away()
    assert "it holds nonsense" in (await world.search.condition()).detail
    await world.served_by_postgres()
    assert (await world.search.search(Search(text="carrots"))).degraded


def forge(world: World, number: int, **fields: Any) -> None:
    """A document that is there, with another text."""
    document = STALL[number]
    held = (document.id, document.version + 1, {"version": document.version, "farm_key": "carrots", **fields})
    write(world, held)


async def test_no_text_of_the_engine_is_shown(world: World) -> None:
    """Its texts match, and PostgreSQL's are what is shown: titles, highlights, bodies, distances, names."""
    lies = {"farm_name": "Carrots of mine", "farm": "mine", "category_name": "Carrots", "category": "mine"}
    forge(
        world, 0, title="Carrots, call 555 0100", shown="carrots 555", body={"slug": "mine"}, category_key="carrots",
        location={"lat": 0, "lon": 0}, title_key="carrots call", **lies,
    )  # fmt: skip
    found = await world.search.search(Search(text="carrots", near=(44.0, -73.0)))
    assert found.hits and not found.degraded
    for hit in found.hits:
        document = next(one for one in STALL if one.id == hit.id)
        assert "555" not in str(hit) and hit.body == document.body
    names = await world.search.suggest("carrots")
    assert names and not [name for name in names if "555" in name.text or name.slug == "mine"]
    assert not [name for name in names if "carrots" not in name.text.lower()]


@pytest.mark.parametrize("ask", ["search", "suggest"])
async def test_a_document_that_nobody_wrote_is_shown_by_nobody(world: World, ask: str) -> None:
    """While it is not noticed yet, PostgreSQL answers."""
    write(world, (str(uuid4()), 1, {"version": 1, "words": "carrots", "farm_key": "carrots"}))
    if ask == "search":
        await world.served_by_postgres()
    else:
        assert [one for one in await world.search.suggest("carrots") if "Forged" in one.text] == []
        assert await world.search.suggest("carrots") == await world.search.postgres.suggest("carrots")
