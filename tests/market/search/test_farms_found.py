"""Whichever engine searches: what is of a farm that the market has not let in, or has shut out, is not found, suggested or counted; and is again, later."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.market.search import fallback as search_fallback
from harvestd.market.search.elasticsearch import indexer as search_indexer
from servers.elasticsearch import ElasticsearchServer
from tests.market.farms.test_states import judged
from tests.market.search.test_fallback import World, standing
from tests.people import Market, Person
from tests.web.conftest import make_market

pytestmark = pytest.mark.xdist_group("elasticsearch")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (search_fallback, search_indexer):
        monkeypatch.setattr(module, "LOOK", 0.1)


async def seen(market: Market) -> dict[str, Any]:
    """What a stranger is shown of medlars and their farm, past all caches."""
    await market.parts.cache.drop(())
    found = (await market.stranger.get("/api/search?q=medlars")).json()
    suggested = [(await market.stranger.get(f"/api/search/suggest?q={q}")).json()["items"] for q in ("medl", "quince")]
    facets = sorted({one["value"] for values in found["facets"].values() for one in values})
    return {
        "hits": [one["title"] for one in found["items"]], "total": found["total"], "facets": facets, "degraded": found["degraded"],
        "suggested": [[(one["kind"], one["text"]) for one in items] for items in suggested],
    }  # fmt: skip


async def shut_out_and_let_in(market: Market, farmer: Person, settle: Any) -> None:
    before = await seen(market)
    assert (before["hits"], before["total"], before["degraded"]) == (["Medlars"], 1, False)
    assert before["suggested"] == [[("product", "Medlars")], [("farm", "Quincewood")]]
    for state in ("suspended", "pending"):
        assert (await judged(market, farmer.farm_id, state)).status == 200
        at_once = await seen(market)
        assert (at_once["hits"], at_once["suggested"]) == ([], [[], []]), "before search has heard of it"
        await settle()
        assert await seen(market) == {"hits": [], "total": 0, "facets": [], "degraded": False, "suggested": [[], []]}, (
            state
        )
        assert (await judged(market, farmer.farm_id, "verified")).status == 200
        await settle()
        assert await seen(market) == before


async def medlars(market: Market) -> Person:
    farmer = await market.farmer("Quincewood")
    await market.product(farmer, title="Medlars")
    return farmer


async def test_with_postgresql(market: Market) -> None:
    farmer = await medlars(market)
    await market.work()
    await shut_out_and_let_in(market, farmer, market.work)


@pytest.mark.limit(60)
@pytest.mark.parametrize("flavour", ["elasticsearch", "opensearch"])
async def test_with_an_engine(market: Market, flavour: str, request: pytest.FixtureRequest) -> None:
    server: ElasticsearchServer = request.getfixturevalue(flavour)
    async with standing(server, market.parts.database) as world:
        await with_engine(market, world)


async def with_engine(market: Market, world: World) -> None:
    other = make_market(attrs.evolve(market.parts, search=world.search))

    async def settle() -> None:
        await other.work()
        await world.caught_up()

    farmer = await medlars(other)
    await settle()
    await shut_out_and_let_in(other, farmer, settle)


async def test_after_a_change_of_its_slug_nothing_is_lost_until_search_knows_of_it(market: Market) -> None:
    """Its documents have the former slug for a second or so: filters by either find them, and what is suggested leads there."""
    farmer = await medlars(market)
    await market.work()
    own = f"/api/farms/{farmer.farm_id}"
    before = (await market.stranger.get(own)).json()["slug"]
    assert (await farmer.request("PATCH", own, {"slug": "the-quinces"}, If_Match="*")).status == 200
    for _ in range(2):
        await market.parts.cache.drop(())
        for token in (before, "the-quinces", farmer.farm_id):
            (hit,) = (await market.stranger.get(f"/api/search?farm={token}")).json()["items"]
            assert hit["farm"]["slug"] == "the-quinces", "what is shown is as it is now"
            facets = (await market.stranger.get(f"/api/search?farm={token}")).json()["facets"]["farm"]
            for one in facets:
                led = await market.stranger.get(f"/api/farms/{one['value']}")
                assert led.status == 200 or (led.status, led.headers["location"]) == (301, "/api/farms/the-quinces")
        (farm,) = [
            one
            for one in (await market.stranger.get("/api/search/suggest?q=quince")).json()["items"]
            if one["kind"] == "farm"
        ]
        assert farm["slug"] == "the-quinces" and (await market.stranger.get(f"/api/farms/{farm['slug']}")).status == 200
        await market.work()
