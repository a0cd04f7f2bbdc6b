"""A category's list in the cache is dropped by what enters or leaves that category, or one below it, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import Market, Person


async def tree(market: Market) -> dict[str, str]:
    """Vegetables with roots below them, and fruit, by their slugs."""
    admin, ids = await market.person("admin"), {}
    for name, above in (("vegetables", None), ("roots", "vegetables"), ("fruit", None)):
        body = {"name": name.title(), "parent_id": above and ids[above]}
        ids[name] = (await admin.post("/api/categories", body)).json()["id"]
    return ids


async def listed(market: Market, category: str) -> tuple[list[str], bool]:
    """The titles of a category's list, and whether it had to be loaded."""
    before = market.parts.cache.state().misses
    answer = await market.stranger.get(f"/api/products?category={category}")
    return [one["title"] for one in answer.json()["items"]], market.parts.cache.state().misses > before


async def change(farmer: Person, product: dict[str, Any], **body: Any) -> None:
    answer = await farmer.request("PATCH", f"/api/products/{product['id']}", body, If_Match="*")
    assert answer.status == 200, answer.text


@pytest.mark.parametrize("by_slug", [True, False])
async def test_what_happens_in_another_category_leaves_it_alone(market: Market, by_slug: bool) -> None:
    farmer, ids = await market.farmer(), await tree(market)
    apples = await market.product(farmer, title="Apples", category_id=ids["fruit"])
    token = "vegetables" if by_slug else ids["vegetables"]
    assert await listed(market, token) == ([], True)
    beets = await market.product(farmer, title="Beets", category_id=ids["fruit"])
    await change(farmer, apples, tags=["red"])
    await market.product(farmer, title="Nothing")
    assert await listed(market, token) == ([], False)
    await change(farmer, beets, category_id=ids["roots"])  # below it
    assert await listed(market, token) == (["Beets"], True)
    await change(farmer, beets, status="draft")
    assert await listed(market, token) == ([], True)
    await change(farmer, beets, status="published")
    assert await listed(market, token) == (["Beets"], True)
    await change(farmer, beets, category_id=None)
    assert await listed(market, token) == ([], True)
    rows = [{"title": "Leeks", "unit": "kg", "price": 1, "stock": 1, "category_id": ids["vegetables"]}]
    assert (await farmer.post("/api/products/bulk", {"rows": rows})).status == 200
    assert await listed(market, token) == (["Leeks"], True)
    assert await listed(market, token) == (["Leeks"], False)
