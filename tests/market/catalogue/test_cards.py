"""What PostgreSQL makes of a product is what the contract says: each field by its row, whatever is in it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import attrs
import msgspec
import pytest

from harvestd.kernel.quantities import COMPARED
from harvestd.kernel.units import UNITS
from harvestd.market.catalogue import cards, listing_terms, listings
from harvestd.market.catalogue import rows as products
from harvestd.market.catalogue.product_shapes import Product
from harvestd.market.search.shapes import FoundProduct, SearchPage
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.web.context import Page
from tests.people import Market

#: A day in neither of the seasons, and the last of a claim.
VIEW = cards.View("CHF", "2026-08-31")
NASTY = 'a "quoted" \\ back\\\\slash </script> \u2028 \U0001f955 é \u0001 tab\t line\nend'
#: Past the rules that keep such texts out: whatever a row holds, older versions' texts too, the card is JSON.
WRITTEN = Statement(
    "test.written",
    "update products set title = :text, description = :text, slug = :slug where id = :product_id",
    nothing,
)
NAMED = Statement("test.named", "update farms set name = :name, slug = :slug where id = :farm_id", nothing)
RATED = Statement(
    "test.rated", "update products set rating_sum = :count, rating_count = 3, upvote_count = 7, view_count = 8 where id = :product_id", nothing
)  # fmt: skip


FACTS = {
    "sku": 'K"1', "external_id": "a/1", "gtin": "4006381333931", "lot": "L 7", "allergens": ["nuts", "milk"], "ingredients": "Milk,\nnuts",
    "origin": "Emmental", "storage": "chilled", "durability": {"kind": "use_by", "date": "2026-09-01"}, "metadata": {"a": 'b"', "c": ""},
    "certifications": [
        {"scheme": 'Bio "Suisse"', "body_code": "CH-BIO-006", "number": "1", "valid_until": "2026-08-31"},
        {"scheme": "Over", "valid_until": "2026-08-30"}, {"scheme": "For good"},
    ],
}  # fmt: skip


def expected(row: products.Product) -> dict[str, Any]:
    """The contract's fields of a row, by another way."""
    per, factor = COMPARED[row.unit]
    compared = int((row.price * factor / row.price_per).quantize(Decimal(1), ROUND_HALF_UP))
    category = {"id": row.category_id, "slug": row.category_slug, "name": row.category_name}
    return {
        "id": row.id, "slug": row.slug, "title": row.title, "description": row.description,
        "farm": {"id": row.farm_id, "slug": row.farm_slug, "name": row.farm_name},
        "category": category if row.category_id else None, "unit": row.unit, "unit_code": UNITS[row.unit].code,
        "price": {"amount": row.price, "currency": "CHF"},
        "price_per": {"quantity": f"{row.price_per:.3f}", "unit": row.unit},
        "unit_price": {"amount": compared, "currency": "CHF", "per": per},
        "prior_price": None, "markdown": None,
        "sold_by": UNITS[row.unit].kind, "priced_by": row.priced_by or UNITS[row.unit].kind,
        "estimated_weight": row.weight_unit and {"quantity": f"{row.estimated_weight:.3f}", "unit": row.weight_unit}, "variants": [],
        "stock": f"{row.stock:.3f}", "available": f"{row.stock - row.reserved:.3f}",
        "quantity_step": f"{row.quantity_step:.3f}", "min_quantity": f"{row.min_quantity:.3f}",
        "season": {"from": row.season_from, "to": row.season_to} if row.season_from else None,
        "in_season": row.season_from is None, "harvested_on": row.harvested_on, "tags": row.tags, "sku": row.sku, "external_id": row.external_id,
        "gtin": row.gtin, "lot": row.lot, "allergens": row.allergens, "ingredients": row.ingredients, "origin": row.origin, "storage": row.storage,
        "durability": {"kind": row.durability_kind, "date": row.durability_date} if row.durability_kind else None,
        "certifications": [claim for claim in row.certifications if (claim["valid_until"] or "9") >= VIEW.today],
        "metadata": row.metadata, "translations": {}, "status": row.status, "visible_to": None, "prices": None, "orderable": True, "not_orderable": None, "away_until": None, "images": [],
        "upvote_count": row.upvote_count, "view_count": row.view_count,
        "rating": {"average": float(row.rating_average) if row.rating_count else None, "count": row.rating_count},
        "version": row.version, "created_at": row.created_at, "updated_at": row.updated_at,
    }  # fmt: skip


@pytest.mark.parametrize("unit", COMPARED)
@pytest.mark.parametrize("season", [None, {"from": "11-01", "to": "02-28"}, {"from": "2026-05-01", "to": "2026-06-01"}])
async def test_a_card_is_what_its_row_says(market: Market, unit: str, season: Any) -> None:
    farmer = await market.farmer()
    made = await market.product(
        farmer, unit=unit, price=333, stock=7, tags=["a,b", 'q"x', "é{}"],
        harvested_on="2026-07-01" if season else None, **({"season": season, **FACTS} if season else {}),
    )  # fmt: skip
    database = market.parts.database

    async def write(tx: Any) -> None:
        await tx.run(WRITTEN, product_id=made["id"], text=NASTY, slug=f'acres"\\\n{made["id"][-6:]}')
        await tx.run(NAMED, farm_id=farmer.farm_id, name=NASTY, slug=f'farm"\\\n{made["id"][-6:]}')
        if season:
            await tx.run(RATED, product_id=made["id"], count=13)

    await database.transaction(write)
    (row,) = await products.by_ids(database, [made["id"]])
    for token in (row.id, row.slug):
        card = await cards.find(database, token, VIEW)
        assert card is not None
        assert (card.id, card.farm_id, card.status, card.version) == (row.id, row.farm_id, row.status, row.version)
        decoded = msgspec.json.decode(card.text, type=Product)
        assert decoded == msgspec.convert(expected(row), Product)
        assert list(msgspec.json.decode(card.text)) == list(expected(row)), "in the contract's order"
    own = await cards.find(database, row.id, attrs.evolve(VIEW, own=True, language="fr"))
    assert own is not None
    whole = msgspec.convert(expected(row) | {"certifications": row.certifications}, Product)
    assert msgspec.json.decode(own.text, type=Product) == whole
    (listed,) = await listings.products(database, listing_terms.Filters(), "newest", None, 20, VIEW)
    assert (listed.text, listed.key) == (card.text, (row.id,))
    assert set(await cards.by_ids(database, [row.id, farmer.id], VIEW)) == {row.id}


async def test_lists_and_hits_are_of_their_types(market: Market) -> None:
    farmer = await market.farmer()
    for number in range(3):
        await market.product(farmer, title=f"Kale {number}", tags=["x"])
    await market.work()
    page = msgspec.json.decode((await market.stranger.get("/api/products?limit=2")).body, type=Page[Product])
    assert [item.title for item in page.items] == ["Kale 2", "Kale 1"] and page.next
    found = msgspec.json.decode((await market.stranger.get("/api/search?q=kale")).body, type=SearchPage[FoundProduct])
    assert {item.title for item in found.items} == {"Kale 0", "Kale 1", "Kale 2"}
    assert all(item.score > 0 and item.highlight for item in found.items)
