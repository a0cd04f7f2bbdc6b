"""Pack sizes over HTTP: written by the farm, shown to everybody, put into carts and ordered out of one stock."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.carts import merging
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import change
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import settled

ITEMS = [
    {"title": "5 kg sack", "unit": "box", "price": 1500, "takes": "5", "sku": "S5", "external_id": "erp/5"},
    {"title": "Bag", "price": {"amount": 100, "currency": "EUR"}, "takes": 0.25},
]
STOCK = Statement("test.variants.stock", "select stock, reserved from products where id = :id", lambda *row: row)


#: What a process of the version before does, which goes on while the new one begins.
OLDER = Statement(
    "test.variants.older",
    """insert into cart_items (cart_id, product_id, quantity, price_seen, added_at)
       select c.id, :product_id, 2, 390, now() from carts c where c.user_id = :user_id
       on conflict (cart_id, product_id) do update set quantity = excluded.quantity""",
    nothing,
)


async def put(farmer: Person, product: dict[str, Any], items: Any, match: str = "*") -> Response:
    return await farmer.request("PUT", f"/api/products/{product['id']}/variants", {"items": items}, If_Match=match)


async def offered(
    market: Market, items: Any = ITEMS, **fields: Any
) -> tuple[Person, dict[str, Any], list[dict[str, Any]]]:
    farmer = await market.farmer()
    product = await market.product(farmer, **{"stock": "12", **fields})
    answer = await put(farmer, product, items)
    assert answer.status == 200, answer.text
    return farmer, product, answer.json()["items"]


def line(product: dict[str, Any], variant: dict[str, Any] | None, quantity: Any) -> dict[str, Any]:
    return {"product_id": product["id"], "quantity": quantity, "variant_id": variant and variant["id"]}


async def order(buyer: Person, *lines: dict[str, Any], key: str, **more: Any) -> Response:
    return await buyer.post("/api/orders", {"lines": list(lines), **more}, Idempotency_Key=key)


async def test_however_many_packs_a_stock_comes_to_it_is_shown(market: Market) -> None:
    """The smallest pack of the largest stock: it is one of everybody's lists, too."""
    farmer, product, _ = await offered(market, [{"title": "Pinch", "price": 1, "takes": "0.001"}])
    largest = {"set": "9999999.999"}
    assert (await farmer.post(f"/api/products/{product['id']}/stock", largest)).status == 200
    for address in (f"/api/products/{product['id']}", "/api/products"):
        answer = (await market.stranger.get(address)).json()
        one = answer["items"][0] if "items" in answer else answer
        assert one["variants"][0]["available"] == "9999999999.000", address
    buyer = await market.person()
    most = await order(buyer, line(product, one["variants"][0], 9_999_999), key="a")
    assert most.status in (201, 409, 422), most.text


async def test_the_product_shows_its_pack_sizes_with_their_price_per_kilogram_and_what_is_left(market: Market) -> None:
    farmer, product, (sack, bag) = await offered(market)
    assert sack == {
        "id": sack["id"], "title": "5 kg sack", "unit": "box", "unit_code": "C62", "price": {"amount": 1500, "currency": "EUR"},
        "unit_price": {"amount": 300, "currency": "EUR", "per": "kg"}, "takes": "5.000", "available": "2.000", "sku": "S5", "external_id": "erp/5",
    }  # fmt: skip
    assert (bag["unit"], bag["takes"], bag["available"], bag["unit_price"]["amount"]) == (
        "each",
        "0.250",
        "48.000",
        400,
    )
    for shown in (
        (await market.stranger.get(f"/api/products/{product['id']}")).json(),
        (await market.stranger.get("/api/products")).json()["items"][0],
    ):
        assert shown["variants"] == [sack, bag] and shown["version"] == 2
    await market.work()
    assert (await market.stranger.get("/api/search?q=carrots")).json()["items"][0]["variants"] == [sack, bag]
    listed = await farmer.get(f"/api/products/{product['slug']}/variants")
    assert listed.json() == {"items": [sack, bag], "version": 2} and listed.headers["etag"]


@pytest.mark.parametrize(
    ("fields", "takes", "amount", "per"),
    [
        ({"unit": "g", "price": 1, "stock": 9000}, "500", 300, "kg"), ({"unit": "lb", "price": 500}, "2", 165, "kg"),
        ({"unit": "each", "price": 40, "stock": 60}, "6", 25, "each"), ({"unit": "ml", "stock": 9000}, "750", 200, "litre"),
        ({"unit": "each", "price": 150, "stock": 60, "estimated_weight": {"quantity": 400, "unit": "g"}}, "2", 188, "kg"),
    ],
)  # fmt: skip
async def test_packs_are_compared_by_what_they_take(
    market: Market, fields: dict[str, Any], takes: str, amount: int, per: str
) -> None:
    _, _, (one,) = await offered(market, [{"title": "Pack", "price": 150, "takes": takes}], **fields)
    assert one["unit_price"] == {"amount": amount, "currency": "EUR", "per": per}


async def test_a_list_is_the_whole_list_and_each_keeps_its_id_and_place(market: Market) -> None:
    farmer, product, (sack, bag) = await offered(market)
    again = await put(
        farmer,
        product,
        [
            {name: one[name] for name in ("id", "title", "unit", "price", "takes", "sku", "external_id")}
            for one in (sack, bag)
        ],
    )
    assert (again.json()["items"], again.json()["version"]) == ([sack, bag], 2), "what is the same is no change"
    turned = await put(
        farmer,
        product,
        [
            {"title": "bag", "price": 90, "takes": "0.2"},
            {"title": "Crate", "price": 900, "takes": 3},
            {"title": "Sack", "price": 1, "takes": 5, "external_id": "erp/5"},
        ],
    )
    first, crate, last = turned.json()["items"]
    assert (first["id"], last["id"], turned.json()["version"]) == (bag["id"], sack["id"], 3)
    assert crate["id"] not in (bag["id"], sack["id"])
    gone = await put(farmer, product, [])
    assert (gone.json()["items"], gone.json()["version"]) == ([], 4)
    back = await put(farmer, product, [{"title": "Crate", "price": 950, "takes": 3}])
    assert [one["id"] for one in back.json()["items"]] == [crate["id"]], "one that was offered before is known again"
    assert market.broken() == []


async def test_a_stale_version_is_refused_and_so_is_anothers_product(market: Market) -> None:
    farmer, product, _ = await offered(market)
    assert (await put(farmer, product, [], match='"v1"')).status == 412
    assert (await farmer.request("PUT", f"/api/products/{product['id']}/variants", {"items": []})).status == 428
    other = await market.farmer("Other")
    assert (await put(other, product, [])).status == 404
    assert (await other.get(f"/api/products/{product['id']}/variants")).status == 404
    theirs = await market.product(other)
    wrong = await put(
        other,
        theirs,
        [
            {
                "id": (await farmer.get(f"/api/products/{product['id']}/variants")).json()["items"][0]["id"],
                "title": "x",
                "price": 1,
                "takes": 1,
            }
        ],
    )
    assert wrong.status == 422 and wrong.json()["errors"][0]["field"] == "items[0].id"


async def test_whoever_sends_them_with_the_product_is_told_where_they_go(market: Market) -> None:
    farmer, product, _ = await offered(market)
    path = f"/api/products/{product['id']}"
    for answer in (
        await farmer.request("PATCH", path, {"variants": []}, If_Match="*"),
        await farmer.post("/api/products", {"title": "Leek", "unit": "kg", "price": 1, "stock": 1, "variants": []}),
    ):
        (error,) = answer.json()["errors"]
        assert error["field"] == "variants" and "PUT /api/products/{id}/variants" in error["message"]


async def test_the_unit_stays_while_there_are_pack_sizes(market: Market) -> None:
    farmer, product, _ = await offered(market, stock="0")
    path = f"/api/products/{product['id']}"
    refused = await farmer.request("PATCH", path, {"unit": "g"}, If_Match="*")
    assert refused.status == 422 and refused.json()["errors"][0]["params"] == {"reason": "has-variants"}
    (row,) = (await farmer.post("/api/products/bulk", {"rows": [{"id": product["id"], "unit": "g"}]})).json()["results"]
    assert [error["field"] for error in row["errors"]] == ["rows[0].unit"]
    await put(farmer, product, [])
    assert (await farmer.request("PATCH", path, {"unit": "g"}, If_Match="*")).status == 200


async def test_packs_and_the_product_are_lines_of_their_own_in_a_cart(market: Market) -> None:
    _, product, (sack, bag) = await offered(market)
    buyer, item = await market.person(), f"/api/cart/items/{product['id']}"
    await buyer.request("PUT", item, {"quantity": "1.5"})
    assert (await buyer.request("PUT", f"{item}?variant_id={sack['id']}", {"quantity": 2})).status == 200
    cart = (await buyer.request("PUT", "/api/cart/items", {"items": [line(product, bag, 3)]})).json()
    lines = cart["parts"][0]["lines"]
    assert [(x["variant_id"], x["title"], x["quantity"], x["unit"], x["total"]["amount"], x["available"]) for x in lines] == [
        (None, "Carrots", "1.500", "kg", 585, "12.000"), (sack["id"], "Carrots, 5 kg sack", "2.000", "box", 3000, "2.000"),
        (bag["id"], "Carrots, Bag", "3.000", "each", 300, "48.000"),
    ]  # fmt: skip
    assert (cart["count"], cart["total"]["amount"]) == (3, 3885)
    assert [(w["code"], w["variant_id"], w["params"]["reason"]) for w in cart["warnings"]] == [
        ("short", None, "together"), ("short", sack["id"], "together"), ("short", bag["id"], "together"),
    ]  # fmt: skip
    for wrong in (f"{item}?variant_id={market.parts.new_id()}", f"/api/cart/items/{sack['id']}"):
        assert (await buyer.request("PUT", wrong, {"quantity": 1})).status == 404
    assert (await buyer.request("PUT", f"{item}?variant_id={sack['id']}", {"quantity": "1.5"})).status == 422
    left = (await buyer.request("DELETE", item)).json()
    assert [x["variant_id"] for x in left["parts"][0]["lines"]] == [sack["id"], bag["id"]] and left["warnings"] == []
    left = (await buyer.request("DELETE", f"{item}?variant_id={sack['id']}")).json()
    assert [x["variant_id"] for x in left["parts"][0]["lines"]] == [bag["id"]]
    held = (await buyer.get("/api/users/me/export")).json()
    assert [(one["title"], one["unit"]) for one in held["cart"]] == [("Carrots, Bag", "each")]


async def test_a_guests_packs_come_along_at_sign_in_unless_the_buyer_has_them(market: Market) -> None:
    _, product, (sack, bag) = await offered(market)
    buyer, item = await market.person(), f"/api/cart/items/{product['id']}"
    await buyer.request("PUT", f"{item}?variant_id={bag['id']}", {"quantity": 7})
    body = {"items": [line(product, None, 1), line(product, sack, 1), line(product, bag, 2)]}
    guest = await market.stranger.request("PUT", "/api/cart/items", json=body)
    token = guest.headers["x-cart-token"]
    await change(market.parts, lambda unit: merging.merge(unit, secret_hash(token), buyer.id, 100))
    lines = (await buyer.get("/api/cart")).json()["parts"][0]["lines"]
    assert {(x["variant_id"], x["quantity"]) for x in lines} == {
        (bag["id"], "7.000"),
        (None, "1.000"),
        (sack["id"], "1.000"),
    }
    assert (await market.stranger.get("/api/cart", headers={"X-Cart-Token": token})).json()["count"] == 0


async def test_an_older_process_goes_on_putting_products_into_a_cart_with_packs(market: Market) -> None:
    _, product, (sack, _) = await offered(market)
    buyer = await market.person()
    await buyer.request("PUT", "/api/cart/items", {"items": [line(product, sack, 1)]})
    for _ in range(2):
        await market.parts.database.transaction(lambda tx: tx.run(OLDER, product_id=product["id"], user_id=buyer.id))
    lines = (await buyer.get("/api/cart")).json()["parts"][0]["lines"]
    assert [(x["variant_id"], x["quantity"]) for x in lines] == [(sack["id"], "1.000"), (None, "2.000")]


async def test_an_order_of_packs_takes_of_the_stock_and_a_cancellation_gives_it_back_once(market: Market) -> None:
    _, product, (sack, bag) = await offered(market)
    buyer = await market.person()
    placed = await order(buyer, line(product, sack, 2), line(product, bag, 2), line(product, None, "1"), key="one")
    assert placed.status == 201, placed.text
    lines = placed.json()["lines"]
    assert [(x["variant_id"], x["title"], x["quantity"], x["unit"], x["total"]["amount"]) for x in lines] == [
        (sack["id"], "Carrots, 5 kg sack", "2.000", "box", 3000), (bag["id"], "Carrots, Bag", "2.000", "each", 200), (None, "Carrots", "1.000", "kg", 390),
    ]  # fmt: skip
    assert placed.json()["lines"] == (await buyer.get(f"/api/orders/{placed.json()['id']}")).json()["lines"]
    assert await market.parts.database.row(STOCK, id=product["id"]) == (12, Decimal("11.5"))
    short = await order(buyer, line(product, sack, 1), line(product, bag, 3), key="two")
    assert short.status == 409 and short.json()["type"] == "/problems/out-of-stock"
    assert [(e["field"], e["available"], e["params"]["unit"]) for e in short.json()["errors"]] == [
        ("lines[0].quantity", "0.000", "box"), ("lines[1].quantity", "2.000", "each"),
    ]  # fmt: skip
    await market.work()
    assert await market.parts.database.row(STOCK, id=product["id"]) == (Decimal("0.5"), 0)
    for _ in range(2):
        await buyer.post(f"/api/orders/{placed.json()['id']}/cancel", {})
    assert await market.parts.database.row(STOCK, id=product["id"]) == (12, 0)
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_old_orders_keep_a_pack_that_is_not_offered_any_more_and_carts_are_warned(market: Market) -> None:
    farmer, product, (sack, bag) = await offered(market)
    buyer = await market.person()
    placed = (await order(buyer, line(product, sack, 1), key="kept")).json()
    await buyer.request("PUT", "/api/cart/items", {"items": [line(product, sack, 1), line(product, bag, 1)]})
    await put(farmer, product, [{"id": bag["id"], "title": "Bag", "price": 100, "takes": "0.5"}])
    assert (await buyer.get(f"/api/orders/{placed['id']}")).json()["lines"] == placed["lines"]
    cart = (await buyer.get("/api/cart")).json()
    assert [(w["code"], w["variant_id"]) for w in cart["warnings"]] == [
        ("unavailable", sack["id"]),
        ("content-changed", bag["id"]),
    ]
    refused = await buyer.post("/api/orders", {}, Idempotency_Key="cart")
    assert refused.status == 422 and refused.json()["errors"][0]["params"]["variant_id"] == sack["id"]
    await buyer.request("DELETE", f"/api/cart/items/{product['id']}?variant_id={sack['id']}")
    assert (await buyer.post("/api/orders", {}, Idempotency_Key="cart-2")).status == 409, (
        "half a kilogram is not a quarter"
    )
    await buyer.request("PUT", "/api/cart/items", {"items": [line(product, bag, 1)]})
    assert (await buyer.post("/api/orders", {}, Idempotency_Key="cart-3")).status == 201
    assert market.broken() == []


async def test_who_changes_pack_sizes_makes_every_cached_page_of_the_product_anew(market: Market) -> None:
    farmer, product, (sack, _) = await offered(market)
    paths = (
        f"/api/products/{product['id']}",
        f"/api/products/{product['slug']}",
        "/api/products",
        "/api/search?q=carrots",
    )
    await market.work()
    for path in paths:
        assert sack["id"] in (await market.stranger.get(path)).text
    await put(farmer, product, [])
    await market.work()
    for path in paths:
        assert sack["id"] not in (await market.stranger.get(path)).text, path


async def test_the_stock_is_conserved_whatever_is_ordered_and_cancelled_at_once(market: Market) -> None:
    """Random mixes of packs and the product, placed and cancelled side by side."""
    rng = random.Random(49)
    _, product, sizes = await offered(market, stock="30")
    buyers = [await market.person() for _ in range(4)]
    orders: list[tuple[Person, str]] = []
    for turn in range(6):
        asked = []
        for n, buyer in enumerate(buyers):
            lines = [line(product, rng.choice([*sizes, None]), rng.randint(1, 2)) for _ in range(rng.randint(1, 3))]
            asked.append(order(buyer, *lines, key=f"{turn}-{n}"))
        gone = [orders.pop(rng.randrange(len(orders))) for _ in range(min(len(orders), 2))]
        cancelled = [who.post(f"/api/orders/{id}/cancel", {}) for who, id in gone for _ in range(2)]
        answers = await settled(*asked, *cancelled)
        for buyer, answer in zip(buyers, answers, strict=False):
            assert answer.status in (201, 409), answer.text
            if answer.status == 201:
                orders.append((buyer, answer.json()["id"]))
        if turn % 2:
            await market.work()
        stock, reserved = await market.parts.database.row(STOCK, id=product["id"]) or (0, 0)
        assert 0 <= reserved <= stock <= 30 and market.broken() == []
    for who, id in orders:
        assert (await who.post(f"/api/orders/{id}/cancel", {})).status == 200
    assert await market.parts.database.row(STOCK, id=product["id"]) == (30, 0)
    await market.work()
    assert market.broken(at_rest=True) == []
