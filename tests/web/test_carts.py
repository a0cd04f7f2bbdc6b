"""Carts: a stranger's by token, a buyer's own, and what becomes of both."""

from __future__ import annotations

from tests.people import Market
from tests.web.conftest import settled


async def test_a_strangers_first_item_makes_the_cart_and_its_token(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    path = f"/api/cart/items/{product['id']}"
    response = await market.stranger.request("PUT", path, json={"quantity": "1.25"})
    assert response.status == 200, response.text
    token = response.headers["x-cart-token"]
    assert "HttpOnly" in response.headers["set-cookie"]
    for headers in ({"X-Cart-Token": token}, {"Cookie": f"harvest_cart={token}"}):
        cart = (await market.stranger.get("/api/cart", headers=headers)).json()
        assert cart["total"] == {"amount": 488, "currency": "EUR"} and cart["warnings"] == []
        (part,) = cart["parts"]
        assert part["farm"]["id"] == farmer.farm_id and part["lines"][0]["quantity"] == "1.250"
    assert (await market.stranger.get("/api/cart")).json()["parts"] == []
    other = await market.stranger.get("/api/cart", headers={"X-Cart-Token": "a" * 43})
    assert other.json()["parts"] == []


async def test_items_are_set_and_taken_out(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    path = f"/api/cart/items/{product['id']}"
    await buyer.request("PUT", path, {"quantity": 1})
    assert (await buyer.request("PUT", path, {"quantity": 2})).json()["total"]["amount"] == 780
    assert (await buyer.request("DELETE", path)).json()["parts"] == []
    assert (await buyer.request("DELETE", path)).status == 200
    await buyer.request("PUT", path, {"quantity": 1})
    assert (await buyer.request("DELETE", "/api/cart")).status == 204
    assert (await buyer.get("/api/cart")).json()["parts"] == []


async def test_what_cannot_be_ordered_does_not_go_in(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    draft, product = await market.product(farmer, status="draft"), await market.product(farmer)
    for quantity in (0, -1, "0.07"):
        response = await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": quantity})
        assert response.status == 422 and response.json()["errors"][0]["field"] == "quantity"
    for gone in (draft["id"], market.parts.new_id(), "carrots"):
        assert (await buyer.request("PUT", f"/api/cart/items/{gone}", {"quantity": 1})).status == 404


async def test_what_moved_is_warned_of(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 2})
    await farmer.request("PATCH", f"/api/products/{product['id']}", {"price": 400}, If_Match="*")
    await farmer.post(f"/api/products/{product['id']}/stock", {"set": 1})
    cart = (await buyer.get("/api/cart")).json()
    assert [w["code"] for w in cart["warnings"]] == ["price-changed", "short"]
    assert cart["total"]["amount"] == 800


async def test_a_strangers_cart_becomes_the_buyers_at_sign_in(market: Market) -> None:
    farmer = await market.farmer()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks")
    account = {
        "email": "bo@example.org",
        "username": "bob",
        "password": "a long walk to market",
        "name": "Bo",
        "role": "buyer",
    }
    token = (await market.stranger.post("/api/auth/register", account)).json()["access_token"]
    own = market.stranger.signed_in(token)
    await own.request("PUT", f"/api/cart/items/{carrots['id']}", json={"quantity": 2})
    cart = ""
    for product in (carrots, leeks):
        headers = {"X-Cart-Token": cart} if cart else {}
        response = await market.stranger.request(
            "PUT", f"/api/cart/items/{product['id']}", json={"quantity": 1}, headers=headers
        )
        cart = response.headers.get("x-cart-token", cart)
    sign_in = {"email": "bo@example.org", "password": "a long walk to market"}
    await market.stranger.post("/api/auth/login", sign_in, headers={"X-Cart-Token": cart})
    lines = (await own.get("/api/cart")).json()["parts"][0]["lines"]
    assert {line["title"]: line["quantity"] for line in lines} == {"Carrots": "2.000", "Leeks": "1.000"}
    assert (await market.stranger.get("/api/cart", headers={"X-Cart-Token": cart})).json()["parts"] == []


async def test_an_order_without_lines_is_of_the_cart_and_empties_it(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    placed = await buyer.post("/api/orders", {}, Idempotency_Key="cart")
    assert placed.status == 201 and placed.json()["lines"][0]["quantity"] == "1.000"
    assert (await buyer.get("/api/cart")).json()["parts"] == []
    empty = await buyer.post("/api/orders", {}, Idempotency_Key="cart-again")
    assert empty.status == 422 and "cart is empty" in empty.text


async def test_one_cart_with_many_keys_at_once_is_one_order(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=100)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    responses = await settled(*[buyer.post("/api/orders", {}, Idempotency_Key=f"key-{n}") for n in range(10)])
    assert sorted(r.status for r in responses) == [201] + [422] * 9
    assert market.broken() == []


async def test_a_short_cart_is_refused_whole_and_kept(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 2})
    await farmer.post(f"/api/products/{product['id']}/stock", {"set": 1})
    refused = await buyer.post("/api/orders", {}, Idempotency_Key="short")
    assert refused.status == 409 and refused.json()["errors"][0]["available"] == "1.000"
    assert len((await buyer.get("/api/cart")).json()["parts"]) == 1
