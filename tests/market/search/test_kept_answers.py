"""Answers of searches that are kept: none outlives the index that it was of."""

from __future__ import annotations

import attrs
import pytest

from harvestd.market.search import handlers
from harvestd.market.search.elasticsearch import indexer
from servers.elasticsearch import ElasticsearchServer
from tests.market.search.test_fallback import standing
from tests.people import Market
from tests.web.conftest import make_market

pytestmark = pytest.mark.xdist_group("elasticsearch")


async def test_what_was_found_between_a_change_and_its_indexing_is_not_kept(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer, title="Medlars")
    await market.work()

    async def total() -> int:
        found: int = (await market.stranger.get("/api/search?q=medlars")).json()["total"]
        return found

    assert await total() == 1
    assert (await farmer.request("DELETE", f"/api/products/{product['id']}", If_Match="*")).status == 204
    await market.work(queues=("harvest.cache",))
    assert await total() == 1, "the index has it still"
    await market.work()
    assert await total() == 0


@pytest.mark.limit(60)
@pytest.mark.parametrize("batch", [500, 1])
async def test_what_an_engine_found_before_it_followed_a_change_is_not_kept(
    market: Market, elasticsearch: ElasticsearchServer, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """PostgreSQL's documents are the present ones before the engine's are, and those are found half a second after they were taken."""
    monkeypatch.setattr(indexer, "BATCH", batch)
    async with standing(elasticsearch, market.parts.database, visible=False) as world:
        settings = attrs.evolve(market.parts.settings, elasticsearch_url="http://used.invalid")
        here = make_market(attrs.evolve(market.parts, search=world.search, settings=settings))
        farmer = await here.farmer()

        async def found() -> tuple[int, bool]:
            answer = (await here.stranger.get("/api/search?q=medlars")).json()
            return answer["total"], answer["degraded"]

        first = await here.product(farmer, title="Medlars")
        await here.work()
        await world.caught_up()
        await world.served_by_engine("medlars", 1)
        assert await found() == (1, False)
        await here.product(farmer, title="Medlars of old")
        await here.work()
        assert await found() == (1, False), "the engine lacks it still"
        await handlers.catch_up(here.parts)
        assert await found() == (2, False)
        assert (await farmer.request("DELETE", f"/api/products/{first['id']}", If_Match="*")).status == 204
        await here.work()
        assert await found() == (2, False), "the engine has it still"
        await handlers.catch_up(here.parts)
        assert await found() == (1, False)
