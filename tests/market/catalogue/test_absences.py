"""That there is nothing at an address is remembered for a moment, and forgotten as soon as there is."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.people import Market
from tests.web.conftest import make_market

ID = "0197f0a0-7c1e-7abc-8def-0123456789ab"


@pytest.mark.parametrize(
    "path", [f"/api/products/{ID}", "/api/products/no-such", f"/api/farms/{ID}", "/api/farms/no-such"]
)
async def test_an_address_of_nothing_is_looked_up_once(market: Market, path: str) -> None:
    answers = [await market.stranger.get(path) for _ in range(3)]
    assert [answer.status for answer in answers] == [404] * 3
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)
    state = market.parts.cache.state()
    assert (state.misses, state.absent, state.absences) == (1, 1, 2)


async def test_what_is_created_published_or_renamed_is_there_at_once(market: Market) -> None:
    farmer = await market.farmer()
    draft: dict[str, Any] = await market.product(farmer, title="Leeks", status="draft")
    for path in (f"/api/products/{draft['id']}", f"/api/products/{draft['slug']}", "/api/products/carrots"):
        assert (await market.stranger.get(path)).status == 404
    assert (await farmer.get(f"/api/products/{draft['id']}")).status == 200, "its farm is told apart"
    await farmer.request("PATCH", f"/api/products/{draft['id']}", {"status": "published"}, If_Match="*")
    made = await market.product(farmer)
    for path in (f"/api/products/{draft['id']}", f"/api/products/{draft['slug']}", f"/api/products/{made['slug']}"):
        assert (await market.stranger.get(path)).status == 200, path
    assert (await market.stranger.get("/api/farms/hill-farm")).status == 404
    path = f"/api/farms/{farmer.farm_id}"
    assert (await farmer.request("PATCH", path, {"slug": "hill-farm"}, If_Match="*")).status == 200
    assert (await market.stranger.get("/api/farms/hill-farm")).status == 200


async def test_it_is_told_in_each_language(market: Market) -> None:
    settings = attrs.evolve(market.parts.settings, market_languages=("en", "de"))
    market = make_market(attrs.evolve(market.parts, settings=settings))
    for language in ("en", "de", "de", "en"):
        answer = await market.stranger.get("/api/products/no-such", headers={"Accept-Language": language})
        assert answer.headers["content-language"].startswith(language)
