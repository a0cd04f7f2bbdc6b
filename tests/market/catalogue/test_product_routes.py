"""Products: listing, pages, and what a farm may do with its own."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from uuid_utils import uuid7

from harvestd.market.catalogue import cards, listing_terms, listings
from harvestd.store.postgres.statements import Statement, nothing, scalar
from tests.people import UNTOLD, Market, Person
from tests.web.conftest import make_market


async def titles(market: Market, query: str = "", **more: Any) -> list[str]:
    response = await market.stranger.get(f"/api/products{query}", **more)
    assert response.status == 200, response.text
    return [item["title"] for item in response.json()["items"]]


async def stocked(market: Market) -> Person:
    """A farm with three products of different price, stock and season."""
    farmer = await market.farmer()
    await market.product(farmer, title="Carrots", price=390, tags=["roots"])
    await market.product(farmer, title="Leeks", price=120, stock=0, season={"from": "01-01", "to": "12-31"})
    await market.product(
        farmer, title="Old Kale", price=250, season={"from": "2020-01-01", "to": "2020-02-01"}, tags=["roots"]
    )
    return farmer


async def test_another_systems_id_is_one_products_of_a_farm(market: Market) -> None:
    one, two = await market.farmer("One"), await market.farmer("Two")
    first = await market.product(one, external_id="erp-1", metadata={"shelf": "B3"})
    assert (first["external_id"], first["metadata"]) == ("erp-1", {"shelf": "B3"})
    assert (await market.product(two, external_id="erp-1"))["external_id"] == "erp-1"
    body = {"title": "Leeks", "unit": "kg", "price": 1, "stock": 1}
    again = await one.post("/api/products", body | {"external_id": "erp-1"})
    assert again.status == 409 and again.json()["errors"][0]["code"] == "taken"
    second = (await one.post("/api/products", body)).json()
    path = f"/api/products/{second['id']}"
    moved = await one.request("PATCH", path, {"external_id": "erp-1"}, If_Match="*")
    assert moved.status == 409 and moved.json()["errors"][0]["field"] == "external_id"
    assert (
        await one.request("PATCH", f"/api/products/{first['id']}", {"external_id": None}, If_Match="*")
    ).status == 200
    assert (await one.request("PATCH", path, {"external_id": "erp-1"}, If_Match="*")).status == 200


async def test_many_farms_and_products_of_one_name_have_slugs_of_their_own(market: Market) -> None:
    """Whatever their ids end with: of some thousands of carrots two have the same last six digits, and both are offered."""
    alike = make_market(attrs.evolve(market.parts, new_id=lambda: f"{str(uuid7())[:-6]}c0ffee"))
    farmers = [await alike.farmer(farm="Green Acres") for _ in range(2)]
    products = [await alike.product(farmers[0], title="Carrots") for _ in range(2)]
    assert products[0]["slug"] == "carrots-c0ffee" and products[1]["slug"].startswith("carrots-")
    assert len(products[1]["slug"]) == len("carrots-") + 16
    for product in products:
        assert (await market.stranger.get(f"/api/products/{product['slug']}")).json()["id"] == product["id"]
    slugs = [(await market.stranger.get(f"/api/farms/{one.farm_id}")).json()["slug"] for one in farmers]
    assert slugs[0] == "green-acres-c0ffee" and slugs[1].startswith("green-acres-") and slugs[1] != slugs[0]


async def test_a_product_is_shown_as_the_contract_has_it(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(
        farmer, price={"amount": 39, "currency": "EUR"}, unit="g", quantity_step=50, season={"from": "05-01", "to": "10-31"},
        harvested_on="2026-07-01", stock=2500,
    )  # fmt: skip
    for token in (product["id"], product["slug"]):
        page = await market.stranger.get(f"/api/products/{token}")
        assert page.json() == product | UNTOLD
        assert page.headers["etag"]
    assert product["farm"]["id"] == farmer.farm_id and product["category"] is None
    assert product["price"] == {"amount": 39, "currency": "EUR"}
    assert product["unit_price"] == {"amount": 39000, "currency": "EUR", "per": "kg"}
    assert (product["stock"], product["available"], product["quantity_step"]) == ("2500.000", "2500.000", "50.000")
    assert product["season"] == {"from": "05-01", "to": "10-31"} and product["harvested_on"] == "2026-07-01"
    assert product["rating"] == {"average": None, "count": 0} and product["version"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Old Kale", "Leeks", "Carrots"]),
        ("?sort=price", ["Leeks", "Old Kale", "Carrots"]),
        ("?sort=-price", ["Carrots", "Old Kale", "Leeks"]),
        ("?tag=ROOTS", ["Old Kale", "Carrots"]),
        ("?min_price=200&max_price=300", ["Old Kale"]),
        ("?in_stock=true", ["Old Kale", "Carrots"]),
        ("?in_season=true", ["Leeks", "Carrots"]),
        ("?in_season=true&in_stock=true&tag=roots&min_price=1&max_price=9999&sort=popular", ["Carrots"]),
        ("?sort=rating&limit=1", ["Old Kale"]),
    ],
)
async def test_the_listing_filters_and_sorts(market: Market, query: str, expected: list[str]) -> None:
    await stocked(market)
    assert await titles(market, query) == expected


@pytest.mark.parametrize("sort", ["newest", "price", "-price", "popular", "rating"])
async def test_pages_follow_each_other_without_gap_or_repeat(market: Market, sort: str) -> None:
    farmer = await market.farmer()
    for n in range(7):
        await market.product(farmer, title=f"P{n}", price=100 * (n % 3))
    whole = await titles(market, f"?sort={sort}")
    seen: list[str] = []
    path: str | None = f"/api/products?sort={sort}&limit=3"
    pages = 0
    while path:
        response = await market.stranger.get(path)
        seen += [item["title"] for item in response.json()["items"]]
        pages += 1
        link = response.headers.get("link", "")
        assert bool(link) == bool(response.json()["next"])
        path = link[link.index("/api") : link.index(">")] if link else None
    assert seen == whole and len(whole) == 7 and pages == 3


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=101", "?sort=best", "?after=nonsense", "?min_price=-1", "?colour=red", "?limit=x"]
)
async def test_a_query_that_is_not_of_the_contract_names_what_is_wrong(market: Market, query: str) -> None:
    response = await market.stranger.get(f"/api/products{query}")
    assert response.status == 422
    assert response.json()["errors"][0]["field"] == query[1:].split("=")[0]


async def test_a_cursor_of_another_sort_is_refused(market: Market) -> None:
    farmer = await market.farmer()
    for n in range(3):
        await market.product(farmer, title=f"P{n}")
    cursor = (await market.stranger.get("/api/products?limit=1")).json()["next"]
    assert (await market.stranger.get(f"/api/products?limit=1&sort=price&after={cursor}")).status == 422


async def test_a_category_lists_what_is_below_it_too(market: Market) -> None:
    admin, farmer = await market.person("admin"), await market.farmer()
    top = (await admin.post("/api/categories", {"name": "Vegetables"})).json()
    below = (await admin.post("/api/categories", {"name": "Roots", "parent_id": top["id"]})).json()
    product = await market.product(farmer, category_id=below["id"])
    assert product["category"] == {"id": below["id"], "slug": "roots", "name": "Roots"}
    for token in (top["id"], "vegetables", "roots"):
        assert await titles(market, f"?category={token}") == ["Carrots"]


async def test_a_farms_listing_is_its_own(market: Market) -> None:
    one, other = await market.farmer("One"), await market.farmer("Other")
    await market.product(one, title="Ours")
    product = await market.product(other, title="Theirs")
    assert await titles(market, f"?farm={one.farm_id}") == ["Ours"]
    assert await titles(market, f"?farm={product['farm']['slug']}") == ["Theirs"]


async def test_drafts_and_archived_products_are_their_farms_alone(market: Market) -> None:
    farmer, other, admin = await market.farmer(), await market.farmer(), await market.person("admin")
    draft = await market.product(farmer, status="draft")
    path = f"/api/products/{draft['id']}"
    assert await titles(market) == []
    assert (await market.stranger.get(path)).status == 404
    assert (await other.get(path)).status == 404
    assert (await farmer.get(path)).status == 200
    assert (await admin.get(path)).status == 200
    assert (await market.stranger.get(path)).status == 404  # and nobody's view of it was kept for others


async def test_a_change_needs_the_version_that_was_read(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    path = f"/api/products/{product['id']}"
    etag = (await farmer.get(path)).headers["etag"]
    assert (await farmer.request("PATCH", path, {"price": 400})).status == 428
    changed = await farmer.request("PATCH", path, {"price": 400, "tags": ["New"]}, If_Match=etag)
    assert changed.status == 200, changed.text
    assert (changed.json()["price"]["amount"], changed.json()["tags"], changed.json()["version"]) == (400, ["new"], 2)
    assert (await farmer.request("PATCH", path, {"price": 500}, If_Match=etag)).status == 412
    again = await farmer.request("PATCH", path, {"title": "Big Carrots"}, If_Match=changed.headers["etag"])
    assert again.status == 200 and again.json()["price"]["amount"] == 400
    assert (await market.stranger.get(path)).json()["title"] == "Big Carrots"  # the page was not left stale


async def test_an_order_does_not_make_the_farms_version_stale(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    path = f"/api/products/{product['id']}"
    etag = (await farmer.get(path)).headers["etag"]
    assert (await buyer.order((product["id"], "1"))).status == 201
    assert (await farmer.request("PATCH", path, {"price": 400}, If_Match=etag)).status == 200


async def test_another_farms_product_is_not_there_to_change(market: Market) -> None:
    farmer, other, buyer = await market.farmer(), await market.farmer(), await market.person()
    product = await market.product(farmer)
    path = f"/api/products/{product['id']}"
    assert (await other.request("PATCH", path, {"price": 1}, If_Match='"v1"')).status == 404
    assert (await other.request("DELETE", path, If_Match='"v1"')).status == 404
    assert (await other.post(f"{path}/stock", {"set": 1})).status == 404
    assert (await buyer.request("PATCH", path, {"price": 1}, If_Match='"v1"')).status == 403
    assert (
        await other.post(
            "/api/products", {"title": "x", "unit": "kg", "price": 1, "stock": 1, "farm_id": farmer.farm_id}
        )
    ).status == 403
    assert (
        await market.stranger.post("/api/products", {"title": "x", "unit": "kg", "price": 1, "stock": 1})
    ).status == 401


async def test_archiving_takes_a_product_off_the_market_and_leaves_it_in_orders(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], "1"))).json()
    path = f"/api/products/{product['id']}"
    etag = (await farmer.get(path)).headers["etag"]
    assert (await farmer.request("DELETE", path, If_Match=etag)).status == 204
    assert (await market.stranger.get(path)).status == 404
    assert await titles(market) == []
    assert (await buyer.order((product["id"], "1"))).status == 422
    assert (await buyer.get(f"/api/orders/{order['id']}")).json()["lines"][0]["title"] == "Carrots"


async def test_stock_is_set_or_changed_with_a_row_of_the_ledger_each(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    path = f"/api/products/{product['id']}/stock"
    await buyer.order((product["id"], "1"))
    level = await farmer.post(path, {"change": "0.5", "reason": "second picking"})
    assert level.json() == {"product_id": product["id"], "stock": "3.000", "reserved": "1.000", "available": "2.000"}
    assert (await farmer.post(path, {"set": 1})).json()["available"] == "0.000"
    refused = await farmer.post(path, {"set": "0.5"})
    assert refused.status == 422 and "the 1 kg reserved" in refused.text
    assert (await farmer.post(path, {"set": 1, "change": 1})).status == 422
    assert market.broken() == []


async def test_a_restock_with_a_key_counts_once(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    for _ in range(2):
        response = await farmer.post(f"/api/products/{product['id']}/stock", {"change": 1}, Idempotency_Key="once")
        assert response.json()["stock"] == "3.500"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"price": -1}, "price"),
        ({"price": {"amount": 1, "currency": "USD"}}, "price.currency"),
        ({"stock": -1}, "stock"),
        ({"stock": "0.0001"}, "stock"),
        ({"unit": "tonne"}, "unit"),
        ({"season": {"from": "13-01", "to": "01-01"}}, "season.from"),
        ({"category_id": "0197f0a0-7c1e-7abc-8def-0123456789ab"}, "category_id"),
        ({"category_id": "vegetables"}, "category_id"),
        ({"quantity_step": 0}, "quantity_step"),
        ({"tags": ["x" * 41]}, "tags[0]"),
        ({"tags": [str(n) for n in range(21)]}, "tags"),
        ({"version": 7}, "version"),
        ({"title": "a\u0000b"}, "title"),
    ],
)
async def test_a_wrong_product_names_the_field_and_is_not_made(
    market: Market, change: dict[str, Any], field: str
) -> None:
    farmer = await market.farmer()
    body = {"title": "Carrots", "unit": "kg", "price": 390, "stock": "2.5"} | change
    response = await farmer.post("/api/products", body)
    assert response.status == 422, response.text
    assert [e["field"] for e in response.json()["errors"]] == [field]
    assert await titles(market) == []


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "'; drop table products; --", "100% _wild_ \\ card", "🥕"]
)
async def test_whatever_a_farm_writes_is_text(market: Market, title: str) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer, title=title)
    page = await market.stranger.get(f"/api/products/{product['slug']}")
    assert page.json()["title"] == title and page.headers["content-type"] == "application/json"


async def test_a_listing_is_answered_from_the_cache_until_something_changes(market: Market) -> None:
    farmer = await market.farmer()
    await market.product(farmer)
    first = await market.stranger.get("/api/products")
    hits = market.parts.cache.state().hits
    second = await market.stranger.get("/api/products?limit=20")  # the same question, its default spelled out
    assert second.body == first.body and market.parts.cache.state().hits == hits + 1
    unchanged = await market.stranger.get("/api/products", headers={"If-None-Match": first.headers["etag"]})
    assert unchanged.status == 304 and unchanged.body == b""
    await market.product(farmer, title="Leeks")
    assert await titles(market) == ["Leeks", "Carrots"]
    signed_in = await farmer.get("/api/products")
    assert "private" in signed_in.headers["cache-control"] and "public" in first.headers["cache-control"]


async def test_a_listing_read_later_in_another_process_is_known_to_be_later(market: Market) -> None:
    """Its reader sends the tag that he has: what this process kept from before is not for him, but goes on for all others."""
    product = await market.product(await market.farmer())
    first = await market.stranger.get("/api/products")
    await market.parts.database.rows(
        Statement("elsewhere", "update products set title = 'Leeks', version = version + 1", nothing)
    )
    assert await titles(market) == ["Carrots"], "the drop has not come yet"
    filters = listing_terms.Filters()
    (row,) = await listings.products(market.parts.database, filters, "newest", None, 1, cards.View("EUR", "2026-06-01"))
    (later,) = await listings.products(
        market.parts.database, filters, "newest", None, 1, cards.View("EUR", "2026-06-01")
    )
    version = int(first.headers["etag"].strip('"').partition("-")[0][1:])
    assert version < (row.ended or 0) <= (later.ended or 0)
    seen = f'"v{row.ended}-as-another-process-had-it"'
    assert await titles(market, headers={"If-None-Match": seen}) == ["Leeks"]
    page = f"/api/products/{product['slug']}"
    assert (await market.stranger.get(page, headers={"If-None-Match": '"v2-"'})).json()["title"] == "Leeks"


@pytest.mark.parametrize(
    "path", ["/api/products?sort=popular", "/api/search", "/api/search?q=carrots", "/api/feed.atom"]
)
async def test_a_page_is_not_older_than_what_a_list_has_shown(market: Market, path: str) -> None:
    """What changes it in another process drops both here, a moment later."""
    product = await market.product(await market.farmer())
    await market.work()
    page = f"/api/products/{product['id']}"
    assert (await market.stranger.get(page)).json()["version"] == 1
    elsewhere = "update products set description = 'Sweet.', version = version + 1, revision = revision + 1"
    await market.parts.database.rows(Statement("elsewhere.told", elsewhere, nothing))
    assert (await market.stranger.get(page)).json()["version"] == 1, "the drop has not come yet"
    assert (await market.stranger.get(path)).status == 200
    assert (await market.stranger.get(page)).json()["version"] == 2


async def test_the_same_listing_read_again_is_the_same_answer(market: Market) -> None:
    """Though other transactions have ended meanwhile; on the long way and on the short one."""
    await market.product(await market.farmer())
    first = await market.stranger.get("/api/products")
    await market.parts.database.rows(Statement("unseen", "update farms set updated_at = updated_at", nothing))
    await market.parts.cache.drop([])
    again = await market.stranger.get("/api/products")
    assert (again.body, again.headers["etag"]) == (first.body, first.headers["etag"])
    of_another_process = f'"v1-{first.headers["etag"].partition("-")[2]}'
    for tag in (first.headers["etag"], of_another_process) * 2:
        same = await market.stranger.get("/api/products", headers={"If-None-Match": tag})
        assert (same.status, same.headers["etag"]) == (304, tag), "by the tag that its reader has"


@pytest.mark.parametrize(("unit", "step"), [("kg", "0.001"), ("litre", "0.001"), ("g", "1.000"), ("box", "1.000")])
async def test_a_farm_that_names_no_step_sells_any_weight_and_whole_pieces(
    market: Market, unit: str, step: str
) -> None:
    farmer = await market.farmer()
    response = await farmer.post("/api/products", {"title": "Carrots", "unit": unit, "price": 390, "stock": 5})
    assert (response.json()["quantity_step"], response.json()["min_quantity"]) == (step, step)


async def test_a_change_that_changes_nothing_is_none(market: Market) -> None:
    """Or the next one to change it would find another version than they have read."""
    farmer, admin = await market.farmer(), await market.person("admin")
    product = await market.product(farmer, title="Leeks")
    category = (await admin.post("/api/categories", {"name": "Roots"})).json()
    farm, path = f"/api/farms/{farmer.farm_id}", f"/api/products/{product['id']}"
    await market.work()
    for who, address, body in (
        (farmer, path, {}), (farmer, path, {"title": "Leeks", "price": 390}), (farmer, farm, {"name": "Green Acres"}), (farmer, farm, {}),
        (admin, f"/api/categories/{category['id']}", {"name": "Roots"}),
    ):  # fmt: skip
        answer = await who.request("PATCH", address, body, If_Match="*")
        assert (answer.status, answer.json()["version"]) == (200, 1), (address, body)
    for version in (2, 2):
        assert (await farmer.request("DELETE", path, If_Match="*")).status == 204
        assert (await farmer.get(path)).json()["version"] == version
    recorded = Statement("test.recorded", "select type from outbox where sent_at is null order by seq", scalar)
    assert await market.parts.database.rows(recorded) == ["product.deleted"]
