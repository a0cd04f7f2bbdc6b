"""What a price is for: said by the farm, shown wherever the price is, agreed to by the buyer, and kept by the order."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.store.postgres.statements import Statement, nothing
from tests.people import Market, Person

EUR = {"currency": "EUR"}
PER_KILOGRAM = {"quantity": "1000.000", "unit": "g"}


async def porcini(market: Market, farmer: Person, **fields: Any) -> dict[str, Any]:
    """9 kg by the gram, at 6.40 a kilogram unless told otherwise."""
    known = {"title": "Porcini", "unit": "g", "price": 640, "price_per": {"quantity": 1000, "unit": "g"}, "stock": 9000}
    return await market.product(farmer, **{**known, **fields})


async def changed(farmer: Person, product: dict[str, Any], change: dict[str, Any]) -> Any:
    return await farmer.request("PATCH", f"/api/products/{product['id']}", change, If_Match="*")


async def test_it_is_shown_on_the_page_in_lists_and_in_hits(market: Market) -> None:
    product = await porcini(market, await market.farmer())
    assert (product["price"], product["price_per"]) == ({"amount": 640, **EUR}, PER_KILOGRAM)
    assert product["unit_price"] == {"amount": 640, **EUR, "per": "kg"}
    await market.work()
    assert (await market.stranger.get(f"/api/products/{product['slug']}")).json() == product | {
        "visible_to": None,
        "prices": None,
    }
    for address in ("/api/products", "/api/search?q=porcini"):
        (item,) = (await market.stranger.get(address)).json()["items"]
        assert {name: item[name] for name in ("price", "price_per", "unit_price")} == {
            name: product[name] for name in ("price", "price_per", "unit_price")
        }


@pytest.mark.parametrize(
    ("body", "kept", "compared"),
    [
        ({}, PER_KILOGRAM, 640),
        ({"price_per": {"quantity": "1", "unit": "kg"}}, PER_KILOGRAM, 640),
        ({"price_per": {"quantity": "0.1", "unit": "kg"}}, {"quantity": "100.000", "unit": "g"}, 6400),
        ({"price_per": None, "price": 1}, {"quantity": "1.000", "unit": "g"}, 1000),
        ({"unit": "kg", "price_per": {"quantity": "100", "unit": "g"}}, {"quantity": "0.100", "unit": "kg"}, 6400),
        ({"unit": "each", "price_per": {"quantity": 6, "unit": "each"}}, {"quantity": "6.000", "unit": "each"}, 107),
        ({"price": 5, "price_per": {"quantity": 3000, "unit": "g"}}, {"quantity": "3000.000", "unit": "g"}, 2),
        ({"price": 1, "price_per": {"quantity": 2000, "unit": "g"}}, {"quantity": "2000.000", "unit": "g"}, 1),
    ],
)
async def test_it_is_kept_in_the_products_unit_and_offers_compare(
    market: Market, body: dict[str, Any], kept: dict[str, str], compared: int
) -> None:
    product = await porcini(market, await market.farmer(), **body)
    assert (product["price_per"], product["unit_price"]["amount"]) == (kept, compared)


async def test_what_a_farm_does_not_say_is_one_of_the_unit(market: Market) -> None:
    product = await market.product(await market.farmer())
    assert product["price_per"] == {"quantity": "1.000", "unit": "kg"}


@pytest.mark.parametrize(
    ("per", "field", "code"),
    [
        ({"quantity": 1, "unit": "lb"}, "price_per.unit", "not-one-of"),
        ({"quantity": 1, "unit": "each"}, "price_per.unit", "not-one-of"),
        ({"quantity": 1, "unit": "stone"}, "price_per.unit", "not-one-of"),
        ({"quantity": 0, "unit": "g"}, "price_per.quantity", "below-minimum"),
        ({"quantity": "-5", "unit": "kg"}, "price_per.quantity", "below-minimum"),
        ({"quantity": "0.0001", "unit": "g"}, "price_per.quantity", "off-step"),
        ({"quantity": 10_000, "unit": "kg"}, "price_per.quantity", "above-maximum"),
        ({"quantity": 1}, "price_per.unit", "required"),
        ({"unit": "g"}, "price_per.quantity", "required"),
        ({"quantity": 1, "unit": "g", "price": 3}, "price_per.price", "not-accepted"),
        (1000, "price_per", "wrong-type"),
    ],
)
async def test_what_it_cannot_be_is_named_and_changes_nothing(market: Market, per: Any, field: str, code: str) -> None:
    farmer = await market.farmer()
    body = {"title": "Porcini", "unit": "g", "price": 640, "stock": 9000, "price_per": per}
    refused = [await farmer.post("/api/products", body)]
    product = await porcini(market, farmer)
    refused.append(await changed(farmer, product, {"price_per": per}))
    for answer in refused:
        assert answer.status == 422, answer.text
        assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]
    assert (await market.stranger.get(f"/api/products/{product['id']}")).json() == product | {
        "visible_to": None,
        "prices": None,
    }


async def test_all_that_is_wrong_is_told_at_once(market: Market) -> None:
    farmer = await market.farmer()
    body = {"title": "", "unit": "g", "price": -1, "stock": "x", "price_per": {"quantity": 0, "unit": "g"}}
    refused = await farmer.post("/api/products", body)
    assert {e["field"] for e in refused.json()["errors"]} == {"title", "price", "stock", "price_per.quantity"}


async def test_it_changes_alone_and_another_unit_has_one_of_it(market: Market) -> None:
    farmer = await market.farmer()
    product = await porcini(market, farmer, stock=0)

    async def after(**change: Any) -> tuple[dict[str, str], int]:
        answer = await changed(farmer, product, change)
        assert answer.status == 200, answer.text
        found = answer.json()
        return found["price_per"], found["version"]

    assert await after(price_per={"quantity": "0.25", "unit": "kg"}) == ({"quantity": "250.000", "unit": "g"}, 2)
    assert await after(price=700) == ({"quantity": "250.000", "unit": "g"}, 3)
    assert await after(unit="g") == ({"quantity": "250.000", "unit": "g"}, 3)
    assert await after(unit="kg") == ({"quantity": "1.000", "unit": "kg"}, 4)
    assert await after(unit="g", price_per={"quantity": 1, "unit": "kg"}) == (PER_KILOGRAM, 5)
    assert await after(price_per=None) == ({"quantity": "1.000", "unit": "g"}, 6)


async def test_a_change_of_it_is_seen_wherever_it_was_cached(market: Market) -> None:
    farmer = await market.farmer()
    product = await porcini(market, farmer)
    addresses = (
        f"/api/products/{product['slug']}",
        "/api/products",
        "/api/products?sort=price",
        "/api/products?min_price=600",
    )
    for address in addresses * 2:
        assert PER_KILOGRAM["quantity"] in (await market.stranger.get(address)).text
    page = await market.stranger.get(addresses[0])
    await changed(farmer, product, {"price_per": {"quantity": 500, "unit": "g"}})
    for address in addresses:
        assert '"price_per":{"quantity":"500.000","unit":"g"}' in (await market.stranger.get(address)).text
    again = await market.stranger.get(addresses[0], headers={"If-None-Match": page.headers["etag"]})
    assert (again.status, again.json()["version"]) == (200, 2)


async def test_filters_and_sorts_go_by_the_price_as_it_is_given(market: Market) -> None:
    farmer = await market.farmer()
    await porcini(market, farmer)
    await market.product(farmer, title="Carrots", price=390)
    for query, found in (("sort=price", ["Carrots", "Porcini"]), ("min_price=600&max_price=640", ["Porcini"])):
        items = (await market.stranger.get(f"/api/products?{query}")).json()["items"]
        assert [item["title"] for item in items] == found


async def test_a_cart_comes_to_the_share_of_the_price(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await porcini(market, farmer)
    cart = (await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 250})).json()
    (line,) = cart["parts"][0]["lines"]
    assert (line["price"]["amount"], line["price_per"], line["total"]["amount"]) == (640, PER_KILOGRAM, 160)
    assert (cart["total"]["amount"], cart["warnings"]) == (160, [])
    cheap = await porcini(market, farmer, price=1)
    refused = await buyer.request("PUT", f"/api/cart/items/{cheap['id']}", {"quantity": 499})
    assert refused.status == 422 and refused.json()["errors"][0]["params"] == {"minimum": "500.000", "unit": "g"}
    assert (await buyer.request("PUT", f"/api/cart/items/{cheap['id']}", {"quantity": 500})).status == 200


async def test_a_price_that_is_for_something_else_now_is_warned_of_and_no_order_goes_by_the_old_agreement(
    market: Market,
) -> None:
    """The total alone would not tell: what is in the cart may come to the same by chance."""
    farmer, buyer = await market.farmer(), await market.person()
    product = await porcini(market, farmer, price=1, price_per={"quantity": 1000, "unit": "g"})
    item = f"/api/cart/items/{product['id']}"
    await buyer.request("PUT", item, {"quantity": 1200})
    await changed(farmer, product, {"price_per": {"quantity": 900, "unit": "g"}})
    cart = (await buyer.get("/api/cart")).json()
    (warning,) = cart["warnings"]
    assert (warning["code"], warning["product_id"]) == ("price-changed", product["id"])
    assert warning["params"] == {
        "before": "1", "after": "1", "currency": "EUR", "per_before": "1000.000", "per_after": "900.000", "unit_before": "g",
        "unit": "g", "title": product["title"],
    }  # fmt: skip
    assert cart["total"]["amount"] == 1
    refused = await buyer.post("/api/orders", {"expected_total": 1}, Idempotency_Key="old")
    assert (refused.status, refused.json()["type"]) == (409, "/problems/price-changed")
    (error,) = refused.json()["errors"]
    assert (error["code"], error["params"]["what"]) == ("changed", "price-changed")
    assert (await buyer.request("PUT", item, {"quantity": 1200})).json()["warnings"] == []
    assert (await buyer.post("/api/orders", {"expected_total": 1}, Idempotency_Key="new")).status == 201


async def test_a_strangers_agreement_goes_with_the_cart_when_they_sign_in(market: Market) -> None:
    farmer = await market.farmer()
    product = await porcini(market, farmer)
    put = await market.stranger.request("PUT", f"/api/cart/items/{product['id']}", json={"quantity": 250})
    await changed(farmer, product, {"price_per": {"quantity": 100, "unit": "g"}})
    account = {
        "email": "bea@example.org",
        "username": "bea",
        "password": "carrots by the kilogram",
        "name": "Bea",
        "role": "buyer",
    }
    token = {"X-Cart-Token": put.headers["x-cart-token"]}
    made = await market.stranger.request("POST", "/api/auth/register", json=account, headers=token)
    assert made.status == 201, made.text
    bearer = {"Authorization": f"Bearer {made.json()['access_token']}"}
    cart = (await market.stranger.get("/api/cart", headers=bearer)).json()
    assert [w["code"] for w in cart["warnings"]] == ["price-changed"]


async def test_a_cart_of_an_older_version_is_taken_at_what_the_product_says(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await porcini(market, farmer)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 250})
    await market.parts.database.rows(Statement("older", "update cart_items set per_seen = null", nothing))
    assert (await buyer.get("/api/cart")).json()["warnings"] == []


async def test_an_order_keeps_its_price_and_what_it_was_for(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product, carrots = await porcini(market, farmer), await market.product(farmer)
    placed = await buyer.order((product["id"], 8999), (carrots["id"], "1.25"))
    assert placed.status == 201, placed.text
    lines = [
        ({"amount": 640, **EUR}, PER_KILOGRAM, {"amount": 5759, **EUR}),
        ({"amount": 390, **EUR}, {"quantity": "1.000", "unit": "kg"}, {"amount": 488, **EUR}),
    ]

    def agreed(order: dict[str, Any]) -> list[Any]:
        assert order["totals"]["total"] == {"amount": 6247, **EUR}
        return [(line["unit_price"], line["price_per"], line["total"]) for line in order["lines"]]

    assert agreed(placed.json()) == lines
    assert (await changed(farmer, product, {"price": 1, "price_per": None})).status == 200
    for reader in (buyer, farmer):
        assert agreed((await reader.get(f"/api/orders/{placed.json()['id']}")).json()) == lines
    await market.work()
    assert market.broken(at_rest=True) == []
