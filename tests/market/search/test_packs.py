"""A product is found by its pack sizes, wherever it itself is found."""

from __future__ import annotations

from typing import Any

from harvestd.market.catalogue import rows as products
from harvestd.market.search.handlers import documents
from tests.market.catalogue.test_variants import put
from tests.market.search.test_routes import titles
from tests.people import Market, Person

PACKS: list[dict[str, Any]] = [
    {"title": "Kistchen", "price": 900, "takes": 5, "sku": "PK-77", "external_id": "erp/9"},
    {"title": "Bag", "price": 100, "takes": 1},
]


async def packed(market: Market, **more: Any) -> tuple[Person, dict[str, Any]]:
    farmer = await market.farmer()
    product = await market.product(farmer, title="Leeks", **more)
    assert (await put(farmer, product, PACKS)).status == 200
    await market.work()
    return farmer, product


async def test_a_product_is_found_by_the_title_and_the_numbers_of_a_pack_as_long_as_it_is_offered(
    market: Market,
) -> None:
    farmer, product = await packed(market)
    await market.product(farmer, title="Carrots")
    await market.work()
    for q in ("kistchen", "kistchn", "PK-77", "pk77", "erp/9"):
        assert await titles(market, f"q={q}") == ["Leeks"], q
    await put(farmer, product, PACKS[1:])
    await market.work()
    for q in ("kistchen", "PK-77"):
        assert await titles(market, f"q={q}") == [], q
    assert await titles(market, "q=bag") == ["Leeks"]


async def test_a_hit_by_a_packs_number_says_which_pack(market: Market) -> None:
    farmer, product = await packed(market, sku="L-1")
    shown = (await farmer.get(f"/api/products/{product['id']}")).json()["variants"]
    by_title = {one["title"]: one["id"] for one in shown}
    for q, pack in (("PK-77", "Kistchen"), ("pk77", "Kistchen"), ("erp/9", "Kistchen"), ("L-1", None), ("leeks", None), ("kistchen", None)):  # fmt: skip
        (hit,) = (await market.stranger.get(f"/api/search?q={q}")).json()["items"]
        assert hit["variant_id"] == (by_title[pack] if pack else None), q


async def test_packs_of_what_nobody_may_see_find_nothing(market: Market) -> None:
    _, product = await packed(market, status="draft")
    assert await titles(market, "q=PK-77") == await titles(market, "q=kistchen") == []
    (document,) = await documents(market.parts.database, await products.by_ids(market.parts.database, [product["id"]]))
    assert document.removed


async def test_both_engines_are_told_of_packs_by_what_finds_a_document_anyway(market: Market) -> None:
    """Which the contract of engines tries with each of them; a rebuild says the same."""
    _, product = await packed(market, sku="L-1", origin="Tyrol")
    (document,) = await documents(market.parts.database, await products.by_ids(market.parts.database, [product["id"]]))
    assert document.codes == ("L-1", "PK-77", "erp/9") and document.also.split("\n")[:2] == ["Kistchen", "Bag"]
    assert "Tyrol" in document.also
