"""Carts: a stranger's by token, a buyer's own, and what becomes of both."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.carts import merging
from harvestd.market.carts import rows as carts
from harvestd.market.operations import housekeeping
from harvestd.runtime import failpoints
from harvestd.runtime.failpoints import FailPointHit
from harvestd.unit_of_work import change
from tests.locks import holding, meeting
from tests.people import Market, Person
from tests.web.conftest import make_market, settled


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


@pytest.mark.parametrize(
    ("url", "name"), [("https://market.example.org", "__Host-harvest_cart"), ("http://127.0.0.1:8080", "harvest_cart")]
)
async def test_the_cookie_of_a_cart_is_for_tls_alone_where_the_market_has_it(
    market: Market, url: str, name: str
) -> None:
    product = await market.product(await market.farmer())
    shop = make_market(attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, public_url=url)))
    first = await shop.stranger.request(
        "PUT", f"/api/cart/items/{product['id']}", json={"quantity": 1}, host="127.0.0.1"
    )
    cookie = first.headers["set-cookie"]
    assert cookie.startswith(f"{name}=") and ("; Secure" in cookie) == url.startswith("https")
    assert "; Path=/;" in cookie and "; HttpOnly" in cookie and "; SameSite=Lax" in cookie
    seen = await shop.stranger.get("/api/cart", headers={"Cookie": cookie.partition(";")[0]})
    assert seen.json()["count"] == 1


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


async def test_what_a_group_has_moved_is_warned_of_and_what_it_hides_has_no_name(market: Market) -> None:
    farmer, buyer, manager = await market.farmer(), await market.person(), await market.person("manager")
    group = (await manager.post("/api/groups", {"name": "Members"})).json()["id"]
    member = f"/api/groups/{group}/members/{buyer.id}"
    assert (await manager.request("PUT", member)).status == 200
    product = await market.product(farmer, prices=[{"group": group, "price": 100}])
    hidden = await market.product(farmer, title="Secret leeks", visible_to=[group])
    for one in (product, hidden):
        put = await buyer.request("PUT", f"/api/cart/items/{one['id']}", {"quantity": 1})
        assert put.status == 200 and put.json()["warnings"] == []
    assert (await manager.request("DELETE", member)).status == 204
    cart = await buyer.get("/api/cart")
    found = [
        (w["product_id"], w["code"], w["params"].get("before"), w["params"].get("after"))
        for w in cart.json()["warnings"]
    ]
    assert found == [(product["id"], "price-changed", "100", "390"), (hidden["id"], "unavailable", None, None)]
    assert "Secret" not in cart.text
    refused = await buyer.post("/api/orders", {"expected_total": 100 + 390}, Idempotency_Key="moved")
    assert refused.status == 422 and "Secret" not in refused.text
    assert (await buyer.request("DELETE", f"/api/cart/items/{hidden['id']}")).status == 200
    moved = await buyer.post("/api/orders", {"expected_total": 100}, Idempotency_Key="again")
    assert moved.status == 409 and moved.json()["type"] == "/problems/price-changed"


async def test_a_unit_that_changes_under_a_cart_is_warned_of_and_no_order_goes_by_the_old_total(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, price=200)
    item = f"/api/cart/items/{product['id']}"
    await buyer.request("PUT", item, {"quantity": 2})
    await farmer.post(f"/api/products/{product['id']}/stock", {"set": 0})
    changed = await farmer.request("PATCH", f"/api/products/{product['id']}", {"unit": "g"}, If_Match="*")
    await farmer.post(f"/api/products/{product['id']}/stock", {"set": 2500})
    assert (changed.json()["quantity_step"], changed.json()["min_quantity"]) == ("1.000", "1.000"), "not 0.050 g"
    cart = (await buyer.get("/api/cart")).json()
    warnings = {w["code"]: w["params"] for w in cart["warnings"]}
    assert (
        warnings["unit-changed"] == {"before": "kg", "after": "g", "title": "Carrots"}
        and cart["total"]["amount"] == 400
    )
    refused = await buyer.post("/api/orders", {"expected_total": 400}, Idempotency_Key="old")
    assert refused.status == 409 and refused.json()["type"] == "/problems/price-changed", refused.text
    assert {e["code"] for e in refused.json()["errors"]} == {"changed"}
    again = await buyer.request("PUT", item, {"quantity": 2})
    assert again.json()["warnings"] == []
    assert (await buyer.post("/api/orders", {"expected_total": 400}, Idempotency_Key="new")).status == 201


async def test_many_products_are_put_in_at_once_all_or_none(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks, draft = [await market.product(farmer, title=t) for t in ("Carrots", "Leeks", "Kale")]
    await farmer.request("PATCH", f"/api/products/{draft['id']}", {"status": "draft"}, If_Match="*")

    async def put(*items: tuple[dict[str, Any], Any]) -> Any:
        body = {"items": [{"product_id": p["id"], "quantity": q} for p, q in items]}
        return await buyer.request("PUT", "/api/cart/items", body)

    refused = await put((carrots, 1), (draft, 1), (leeks, "0.07"), (carrots, 2))
    assert refused.status == 422
    assert {(e["field"], e["code"]) for e in refused.json()["errors"]} == {
        ("items[1].product_id", "not-for-sale"),
        ("items[2].quantity", "off-step"),
        ("items[3].product_id", "given-twice"),
    }
    assert (await buyer.get("/api/cart")).json()["count"] == 0
    first = (await put((leeks, 1))).json()
    cart = (await put((carrots, 1), (leeks, 2))).json()
    assert cart["count"] == 2 and cart["version"] > first["version"]
    assert [(x["slug"], x["quantity"]) for x in cart["parts"][0]["lines"]] == [
        (leeks["slug"], "2.000"),
        (carrots["slug"], "1.000"),
    ]
    line = cart["parts"][0]["lines"][0]
    assert (line["quantity_step"], line["min_quantity"], line["available"]) == ("0.050", "0.050", "2.500")
    assert (await buyer.get("/api/cart")).json() == cart


async def test_the_limit_of_an_order_is_that_of_its_cart(market: Market) -> None:
    shop = make_market(attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, order_lines_most=2)))
    farmer, buyer = await shop.farmer(), await shop.person()
    products = [await shop.product(farmer, title=f"Roots {n}") for n in range(3)]
    items = [{"product_id": p["id"], "quantity": 1} for p in products]
    full = await buyer.request("PUT", "/api/cart/items", {"items": items})
    assert full.status == 422 and full.json()["errors"][0]["code"] == "too-long"
    assert (await buyer.request("PUT", "/api/cart/items", {"items": items[:2]})).status == 200
    one = f"/api/cart/items/{products[2]['id']}"
    assert (await buyer.request("PUT", one, {"quantity": 1})).status == 422
    token = (await shop.stranger.request("PUT", one, json={"quantity": 1})).headers["x-cart-token"]
    await change(shop.parts, lambda unit: merging.merge(unit, secret_hash(token), buyer.id, most=100))
    cart = (await buyer.get("/api/cart")).json()
    assert [(w["product_id"], w["code"], w["params"]["maximum"]) for w in cart["warnings"]] == [
        (None, "too-many-lines", "2")
    ]
    assert (await buyer.post("/api/orders", {}, Idempotency_Key="full")).status == 422
    assert (await buyer.request("PUT", one, {"quantity": 2})).status == 200, "what is in it may still be changed"
    await buyer.request("DELETE", one)
    assert (await buyer.post("/api/orders", {}, Idempotency_Key="less")).status == 201


async def test_a_cart_that_came_to_too_much_says_so_and_may_be_lessened(market: Market) -> None:
    """Prices rise under carts: what JSON's numbers do not hold cannot be ordered, and whoever takes less is let."""
    farmer, buyer = await market.farmer(), await market.person()
    products = [await market.product(farmer, title=f"Truffles {n}", price=1, stock="9999999") for n in range(10)]
    items = [{"product_id": p["id"], "quantity": "9999999"} for p in products]
    assert (await buyer.request("PUT", "/api/cart/items", {"items": items})).json()["warnings"] == []
    for product in products:
        dear = await farmer.request("PATCH", f"/api/products/{product['id']}", {"price": 100_000_000}, If_Match="*")
        assert dear.status == 200
    (warning,) = [w for w in (await buyer.get("/api/cart")).json()["warnings"] if w["code"] != "price-changed"]
    assert (warning["product_id"], warning["code"]) == (None, "too-much")
    assert warning["params"] == {"maximum": str(2**53 - 1), "currency": "EUR"}
    one = f"/api/cart/items/{products[0]['id']}"
    more = await buyer.request("PUT", "/api/cart/items", {"items": items[:1]})
    assert more.status == 200, "as much as before is not more"
    assert (await buyer.request("PUT", one, {"quantity": "9999998"})).status == 200
    again = await buyer.request("PUT", one, {"quantity": "9999999"})
    assert (again.status, again.json()["errors"][0]["code"]) == (422, "above-maximum")
    less = await buyer.request("PUT", one, {"quantity": "1"})
    assert (less.status, [w["code"] for w in less.json()["warnings"]]) == (200, ["price-changed"] * 9)


async def test_a_cart_below_a_farms_minimum_says_what_is_missing(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"order_minimum": 1000}, If_Match="*")
    cart = (await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})).json()
    (part,) = cart["parts"]
    assert (part["order_minimum"]["amount"], part["missing_to_minimum"]["amount"]) == (1000, 610)
    assert [w["code"] for w in cart["warnings"]] == ["order-minimum"]
    assert (await buyer.post("/api/orders", {}, Idempotency_Key="few")).status == 422


async def test_a_strangers_cart_is_kept_from_its_last_change_on(market: Market) -> None:
    """Every change counts, and the cookie lasts as long again."""
    farmer = await market.farmer()
    product = await market.product(farmer)
    item, days = f"/api/cart/items/{product['id']}", timedelta(days=1)

    def on(day: int) -> Market:
        return make_market(attrs.evolve(market.parts, now=lambda: datetime.now(UTC) + day * days))

    first = await on(0).stranger.request("PUT", item, json={"quantity": 1})
    own = {"Cookie": f"harvest_cart={first.headers['x-cart-token']}"}
    for day, method, body in (
        (29, "PUT", {"json": {"quantity": 2}}),
        (58, "DELETE", {}),
        (87, "PUT", {"json": {"quantity": 3}}),
    ):
        await housekeeping.tidy(on(day).parts)
        changed = await on(day).stranger.request(method, item, headers=own, **body)
        assert changed.status == 200 and changed.json()["version"] > first.json()["version"]
        assert "Max-Age" in changed.headers["set-cookie"] and changed.headers["x-cart-token"] in own["Cookie"]
        first = changed
    await housekeeping.tidy(on(116).parts)
    assert (await on(116).stranger.get("/api/cart", headers=own)).json()["count"] == 1
    await housekeeping.tidy(on(118).parts)
    assert (await on(118).stranger.get("/api/cart", headers=own)).json()["count"] == 0


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
    assert {line["title"]: line["quantity"] for line in lines} == {"Carrots": "2.000", "Leeks": "1.000"}, (
        "no sum: the larger"
    )
    assert (await market.stranger.get("/api/cart", headers={"X-Cart-Token": cart})).json()["parts"] == []


async def test_what_a_buyer_says_of_a_line_is_kept_with_it_and_set_anew_with_it(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks")
    one = f"/api/cart/items/{carrots['id']}"

    async def said() -> list[tuple[str, str]]:
        lines = (await buyer.get("/api/cart")).json()["parts"][0]["lines"]
        return [(line["substitution"], line["note"]) for line in lines]

    put = await buyer.request("PUT", one, {"quantity": 1, "substitution": "same_farm", "note": " thin ones \u200b"})
    assert put.status == 200 and await said() == [("same_farm", "thin ones")]
    items = [
        {"product_id": carrots["id"], "quantity": 2},
        {"product_id": leeks["id"], "quantity": 1, "substitution": "ask", "note": "or chives"},
    ]
    assert (await buyer.request("PUT", "/api/cart/items", {"items": items})).status == 200
    assert await said() == [("none", ""), ("ask", "or chives")], "what is left out is as it is at first"
    for wrong, field, code in (
        ({"substitution": "other"}, "substitution", "not-one-of"),
        ({"note": "x" * 251}, "note", "too-long"),
        ({"note": "a\u0007"}, "note", "control-character"),
        ({"quantity": 0, "note": "a\u0007"}, "quantity", "below-minimum"),
    ):
        body = {"quantity": 1} | wrong
        refused = await buyer.request("PUT", one, body)
        assert (refused.status, refused.json()["errors"][0]["field"], refused.json()["errors"][0]["code"]) == (
            422,
            field,
            code,
        )
        many = await buyer.request("PUT", "/api/cart/items", {"items": [{"product_id": carrots["id"]} | body]})
        assert [e["field"] for e in many.json()["errors"]] == [
            f"items[0].{e['field']}" for e in refused.json()["errors"]
        ]
    assert await said() == [("none", ""), ("ask", "or chives")]


async def test_two_devices_that_name_the_version_that_they_saw_do_not_undo_each_other(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    item, seen = f"/api/cart/items/{product['id']}", (await buyer.get("/api/cart")).headers["etag"]
    assert seen.startswith('"v0-')
    first = await buyer.request("PUT", item, {"quantity": 1}, If_Match=seen)
    assert first.status == 200
    many = {"items": [{"product_id": product["id"], "quantity": 2}]}
    for method, path, body in (
        ("PUT", item, {"quantity": 2}),
        ("PUT", "/api/cart/items", many),
        ("DELETE", item, None),
        ("DELETE", "/api/cart", None),
    ):
        late = await buyer.request(method, path, body, If_Match=seen)
        assert late.status == 412, late.text
    assert (await buyer.get("/api/cart")).json()["parts"][0]["lines"][0]["quantity"] == "1.000"
    last = f'"v{first.json()["version"]}"'
    assert (await buyer.request("DELETE", item, None, If_Match=last)).status == 200
    assert (await buyer.request("PUT", item, {"quantity": 1}, If_Match=last)).status == 412, "emptied since"
    assert (await buyer.request("PUT", item, {"quantity": 1})).status == 200, "it need not be named"


async def test_the_first_of_two_devices_opens_the_cart_and_the_other_is_told(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    products = [await market.product(farmer, title=f"Roots {n}") for n in range(2)]
    puts = [buyer.request("PUT", f"/api/cart/items/{p['id']}", {"quantity": 1}, If_Match='"v0"') for p in products]
    assert sorted(answer.status for answer in await settled(*puts)) == [200, 412]
    assert (await buyer.get("/api/cart")).json()["count"] == 1


async def test_a_larger_wish_of_before_the_sign_in_is_in_the_cart_and_is_said(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks")
    await buyer.request("PUT", f"/api/cart/items/{carrots['id']}", {"quantity": 1, "substitution": "ask"})
    body = {
        "items": [
            {"product_id": carrots["id"], "quantity": 9},
            {"product_id": leeks["id"], "quantity": 1, "note": "thin"},
        ]
    }
    token = (await market.stranger.request("PUT", "/api/cart/items", json=body)).headers["x-cart-token"]
    merge = functools.partial(merging.merge, token_hash=secret_hash(token), user_id=buyer.id, most=100)
    await change(market.parts, lambda unit: merge(unit))
    cart = (await buyer.get("/api/cart")).json()
    lines = [(x["title"], x["quantity"], x["substitution"], x["note"]) for x in cart["parts"][0]["lines"]]
    assert lines == [("Carrots", "2.500", "ask", ""), ("Leeks", "1.000", "none", "thin")]
    (warning,) = cart["warnings"]
    assert (warning["code"], warning["product_id"]) == ("merged", carrots["id"])
    assert warning["params"] == {"before": "1.000", "after": "2.500", "unit": "kg", "title": "Carrots"}
    await change(market.parts, lambda unit: merge(unit))
    assert (await buyer.get("/api/cart")).json() == cart, "its guest's cart is no more"
    again = await buyer.request("PUT", f"/api/cart/items/{carrots['id']}", {"quantity": 2})
    assert again.json()["warnings"] == []
    assert market.broken() == []


async def test_a_sign_in_that_fails_leaves_both_carts_as_they_were(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    path = f"/api/cart/items/{product['id']}"
    await buyer.request("PUT", path, {"quantity": 1})
    token = (await market.stranger.request("PUT", path, json={"quantity": 2})).headers["x-cart-token"]
    merge = functools.partial(merging.merge, token_hash=secret_hash(token), user_id=buyer.id, most=100)

    async def both() -> list[Any]:
        guests = await market.stranger.get("/api/cart", headers={"X-Cart-Token": token})
        return [guests.json(), (await buyer.get("/api/cart")).json()]

    before = await both()
    monkeypatch.setenv("HARVEST_TESTING", "1")
    failpoints.arm("transaction.before_commit=error")
    try:
        with pytest.raises(FailPointHit):
            await change(market.parts, lambda unit: merge(unit))
    finally:
        failpoints.disarm()
    assert await both() == before
    await change(market.parts, lambda unit: merge(unit))
    after = await both()
    assert (after[0]["count"], after[1]["parts"][0]["lines"][0]["quantity"]) == (0, "2.000")


async def test_a_sign_in_beside_a_put_into_either_cart_loses_neither(market: Market, database_url: str) -> None:
    """Forced: the put waits for the cart, and the sign-in behind it; and the other way round."""
    farmer = await market.farmer()
    products = [(await market.product(farmer, title=f"Roots {n}"))["id"] for n in range(3)]
    for put_first in (True, False):
        for into_own in (True, False):
            buyer = await market.person()
            await buyer.request("PUT", f"/api/cart/items/{products[0]}", {"quantity": 1})
            first = await market.stranger.request("PUT", f"/api/cart/items/{products[1]}", json={"quantity": 1})
            token = first.headers["x-cart-token"]
            guest = {"X-Cart-Token": token}

            async def put(buyer: Person = buyer, guest: dict[str, str] = guest, into_own: bool = into_own) -> Any:
                path = f"/api/cart/items/{products[2]}"
                if into_own:
                    return await buyer.request("PUT", path, {"quantity": 1})
                return await market.stranger.request("PUT", path, json={"quantity": 1}, headers=guest)

            async def sign_in(buyer: Person = buyer, token: str = token) -> None:
                await change(market.parts, lambda unit: merging.merge(unit, secret_hash(token), buyer.id, 100))

            whose = ("user_id", buyer.id) if into_own else ("token_hash", secret_hash(token))
            with holding(database_url, f"select from carts where {whose[0]} = %s for update", whose[1]) as held:
                both = (put(), sign_in()) if put_first else (sign_in(), put())
                answers = await meeting(database_url, held, *both)
            own = (await buyer.get("/api/cart")).json()
            found = {line["product_id"] for part in own["parts"] for line in part["lines"]}
            answer = answers[0] if put_first else answers[1]
            assert answer.status == 200, answer.text
            guest = {
                "X-Cart-Token": answer.headers.get("x-cart-token", token)
            }  # a new one, if its cart was gone by then
            left = (await market.stranger.get("/api/cart", headers=guest)).json()["count"]
            assert found >= set(products[:2]), (put_first, into_own)
            assert len(found) + left == 3, (put_first, into_own)
    assert market.broken() == []


async def test_an_order_without_lines_is_of_the_cart_and_empties_it(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    placed = await buyer.post("/api/orders", {}, Idempotency_Key="cart")
    assert placed.status == 201 and placed.json()["lines"][0]["quantity"] == "1.000"
    assert (await buyer.get("/api/cart")).json()["parts"] == []
    empty = await buyer.post("/api/orders", {}, Idempotency_Key="cart-again")
    assert empty.status == 422 and "cart is empty" in empty.text


async def test_an_order_of_no_lines_is_told_how_the_cart_is_ordered(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    refused = await buyer.post("/api/orders", {"lines": []}, Idempotency_Key="none")
    assert refused.status == 422 and "empty" not in refused.text
    assert "leave lines out to order the cart" in refused.json()["errors"][0]["message"]


async def test_what_is_no_id_of_a_product_is_not_found_whether_it_is_put_in_or_taken_out(market: Market) -> None:
    buyer = await market.person()
    for who in (buyer, market.stranger):
        for method, body in (("PUT", {"quantity": 1}), ("DELETE", None)):
            more: Any = {} if body is None else {"json": body}
            client = who if who is market.stranger else buyer.client
            assert (await client.request(method, "/api/cart/items/zzz", **more)).status == 404
    assert (await buyer.request("DELETE", f"/api/cart/items/{market.parts.new_id()}")).status == 200


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


async def test_a_cart_that_is_touched_while_the_old_ones_are_deleted_stays(market: Market, database_url: str) -> None:
    parts, old = market.parts, datetime.now(UTC) - timedelta(days=40)
    cart_id = parts.new_id()
    await parts.database.transaction(lambda tx: carts.open(tx, cart_id, None, b"token", old))
    with holding(database_url, "update carts set updated_at = now() where id = %s", cart_id) as held:
        deleting = parts.database.transaction(lambda tx: carts.delete_old(tx, datetime.now(UTC) - timedelta(days=30)))
        assert await meeting(database_url, held, deleting) == [0]
    assert await carts.find(parts.database, None, b"token") is not None


async def test_a_strangers_cart_goes_over_as_far_as_there_is_room_and_nothing_is_lost(market: Market) -> None:
    """A cart that grew by what is merged into it at each sign-in had thousands of products, and no order could be made of it."""
    shop = make_market(attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, order_lines_most=3)))
    farmer = await shop.farmer()
    products = [(await shop.product(farmer, title=f"Roots {n}"))["id"] for n in range(5)]
    account = {
        "email": "bea@example.org",
        "username": "bea",
        "password": "carrots by the kilogram",
        "name": "Bea",
        "role": "buyer",
    }
    made = (await shop.stranger.request("POST", "/api/auth/register", json=account)).json()

    async def fill(token: str | None, *wanted: str) -> str:
        """A stranger's cart, by its token."""
        headers = {} if token is None else {"X-Cart-Token": token}
        body = {"items": [{"product_id": p, "quantity": 1} for p in wanted]}
        put = await shop.stranger.request("PUT", "/api/cart/items", json=body, headers=headers)
        assert put.status == 200, put.text
        return str(put.headers["x-cart-token"])

    async def signed_in(token: str) -> tuple[list[str], list[str]]:
        """What the buyer has after a sign-in with a stranger's cart, and what is left in that."""
        body = {"email": account["email"], "password": account["password"]}
        answer = await shop.stranger.request("POST", "/api/auth/login", json=body, headers={"X-Cart-Token": token})
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        carts = [(await shop.stranger.get("/api/cart", headers=h)).json() for h in (bearer, {"X-Cart-Token": token})]
        own, left = ([line["product_id"] for part in cart["parts"] for line in part["lines"]] for cart in carts)
        return own, left

    bearer = {"Authorization": f"Bearer {made['access_token']}"}
    await shop.stranger.request("PUT", f"/api/cart/items/{products[0]}", json={"quantity": 2}, headers=bearer)
    token = await fill(None, products[0], products[1])
    assert await signed_in(token) == (products[:2], []), "there is room for all"
    token = await fill(None, products[2], products[1], products[3])
    own, left = await signed_in(token)
    assert (sorted(own), left) == (sorted(products[:3]), [products[3]]), "the first goes over, the last stays"
    assert await signed_in(token) == (own, left), "again and again"
    await shop.stranger.request("DELETE", f"/api/cart/items/{products[0]}", headers=bearer)
    own, left = await signed_in(token)
    assert (sorted(own), left) == (sorted(products[1:4]), []), "and goes over when there is room"


async def test_no_cart_comes_to_more_than_a_number_of_json_holds(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    dear = {"price": 100_000_000, "stock": "9999999.999", "quantity_step": "0.001", "min_quantity": "0.001"}
    ids = [(await market.product(farmer, title=f"Truffles {n}", **dear))["id"] for n in range(10)]
    items = [{"product_id": id, "quantity": "9999999.999"} for id in ids]
    assert (await buyer.request("PUT", "/api/cart/items", {"items": items[:9]})).status == 200
    for path, body in ((f"/{ids[9]}", {"quantity": "9999999.999"}), ("", {"items": items[9:]})):
        refused = await buyer.request("PUT", f"/api/cart/items{path}", body)
        assert refused.status == 422
        assert [e["code"] for e in refused.json()["errors"]] == ["above-maximum"]
    assert (await buyer.get("/api/cart")).json()["count"] == 9
