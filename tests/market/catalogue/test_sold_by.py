"""What is sold by the piece and priced by weight, over HTTP: offered, compared, put into a cart and ordered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.market.accounts.mailbox import mails
from tests.market.catalogue.test_importing import done
from tests.people import UNTOLD, Market, Person

KILOGRAM = {"quantity": "1.000", "unit": "kg"}
WEIGHED = {"priced_by": "weight", "estimated_weight": {"quantity": "1.8", "unit": "kg"}}


async def chicken(market: Market, farmer: Person, **fields: Any) -> dict[str, Any]:
    return await market.product(
        farmer, **{"title": "Chicken", "unit": "each", "price": 1290, "stock": "9", **WEIGHED, **fields}
    )


async def test_a_chicken_is_sold_by_the_piece_and_priced_by_the_kilogram(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await chicken(market, farmer)
    names = ("unit", "sold_by", "priced_by", "estimated_weight", "price_per", "unit_price")
    assert {name: product[name] for name in names} == {
        "unit": "each", "sold_by": "piece", "priced_by": "weight", "estimated_weight": {"quantity": "1.800", "unit": "kg"},
        "price_per": KILOGRAM, "unit_price": {"amount": 1290, "currency": "EUR", "per": "kg"},
    }  # fmt: skip
    cart = (await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 2})).json()
    (line,) = cart["parts"][0]["lines"]
    shown = {
        "priced_by": "weight",
        "estimated": True,
        "estimated_weight": product["estimated_weight"],
        "price_per": KILOGRAM,
    }
    assert {name: line[name] for name in shown} == shown and line["total"]["amount"] == 4644 == cart["total"]["amount"]
    placed = await buyer.post("/api/orders", {"expected_total": 4644}, Idempotency_Key="hen")
    assert placed.status == 201, placed.text
    await farmer.request("PATCH", f"/api/products/{product['id']}", {"priced_by": "piece", "price": 1}, If_Match="*")
    order = (await buyer.get(f"/api/orders/{placed.json()['id']}")).json()
    assert order["lines"] == placed.json()["lines"]
    assert {name: order["lines"][0][name] for name in shown} == shown, "it keeps its terms, for whoever weighs it"
    assert order["lines"][0]["unit_price"]["amount"] == 1290
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_lines_of_anything_else_are_no_estimates(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    assert (product["sold_by"], product["priced_by"], product["estimated_weight"]) == ("weight", "weight", None)
    order = (await buyer.order((product["id"], 1))).json()
    assert (order["lines"][0]["priced_by"], order["lines"][0]["estimated"], order["lines"][0]["estimated_weight"]) == (
        "weight",
        False,
        None,
    )


@pytest.mark.parametrize(
    ("fields", "amount", "per"),
    [
        ({"unit": "g", "price": 2}, 2000, "kg"), ({"unit": "lb", "price": 100}, 220, "kg"), ({"unit": "oz", "price": 100}, 3527, "kg"),
        ({"unit": "ml", "price": 2}, 2000, "litre"), ({"unit": "each", "price": 150}, 150, "each"),
        ({"unit": "each", "price": 150, "estimated_weight": {"quantity": 400, "unit": "g"}}, 375, "kg"),
        ({"unit": "each", "price": 150, "estimated_weight": {"quantity": 1, "unit": "lb"}}, 331, "kg"),
        ({"unit": "each", "price": 600, "price_per": {"quantity": 6, "unit": "each"}, "estimated_weight": {"quantity": 50, "unit": "g"}}, 2000, "kg"),
        ({"unit": "each", "price": 129, "price_per": {"quantity": 100, "unit": "g"}, "estimated_weight": {"quantity": 2, "unit": "kg"}}, 1290, "kg"),
        ({"unit": "head", "price": 500, "priced_by": "weight", "estimated_weight": {"quantity": 2, "unit": "lb"}}, 1102, "kg"),
    ],
)  # fmt: skip
async def test_offers_are_compared_by_the_kilogram_and_the_litre_wherever_that_is_known(
    market: Market, fields: dict[str, Any], amount: int, per: str
) -> None:
    product = await market.product(await market.farmer(), **{"stock": 9, **fields})
    assert product["unit_price"] == {"amount": amount, "currency": "EUR", "per": per}
    (listed,) = (await market.stranger.get("/api/products")).json()["items"]
    assert listed == product | UNTOLD


async def test_a_changed_weight_is_a_change_of_the_terms(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await chicken(market, farmer)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 2})
    heavier = {"estimated_weight": {"quantity": 2, "unit": "kg"}}
    assert (await farmer.request("PATCH", f"/api/products/{product['id']}", heavier, If_Match="*")).status == 200
    cart = (await buyer.get("/api/cart")).json()
    (warning,) = cart["warnings"]
    assert (warning["code"], warning["params"]) == (
        "weight-changed",
        {"before": "1.800", "after": "2.000", "unit": "kg", "unit_before": "kg", "title": "Chicken"},
    )
    assert (await buyer.post("/api/orders", {"expected_total": 5160}, Idempotency_Key="a")).status == 409


@pytest.mark.parametrize("how", ["post", "patch", "put", "bulk", "csv"])
async def test_each_way_of_writing_products_takes_it_and_refuses_what_does_not_go_together(
    market: Market, how: str
) -> None:
    farmer = await market.farmer()
    for fields, field in (
        (WEIGHED, None),
        ({"priced_by": "weight"}, "estimated_weight"),
        ({"sold_by": "weight"}, "sold_by"),
    ):
        external = f"e-{field or 'ok'}"
        body = {"title": "Duck", "unit": "each", "price": 1490, "stock": 4, **fields}
        errors, product = await written(market, farmer, how, external, body)
        assert [error.rpartition(".")[2] for error in errors] == ([field] if field else [])
        if not field:
            assert (product["priced_by"], product["estimated_weight"]["quantity"], product["price_per"]) == (
                "weight",
                "1.800",
                KILOGRAM,
            )


async def written(
    market: Market, farmer: Person, how: str, external: str, body: dict[str, Any]
) -> tuple[list[str], dict[str, Any]]:
    """The fields that are wrong, and else the product, written in one way or another."""
    if how == "csv":
        weight = body.get("estimated_weight", {})
        cells = [
            external,
            body["title"],
            "each",
            "14.90",
            "4",
            body.get("sold_by", ""),
            body.get("priced_by", ""),
            weight.get("quantity", ""),
        ]
        names = "external_id,title,unit,price,stock,sold_by,priced_by,estimated_weight"
        told = await done(market, farmer, f"{names}\n{','.join(cells)}\n".encode())
        return [error["field"] for error in told["errors"] or ()], await _by(farmer, external)
    if how == "bulk":
        (row,) = (await farmer.post("/api/products/bulk", {"rows": [{"external_id": external, **body}]})).json()[
            "results"
        ]
        return [error["field"] for error in row["errors"]], await _by(farmer, external)
    if how == "put":
        answer = await farmer.request("PUT", f"/api/farms/{farmer.farm_id}/products/{external}", body)
    elif how == "post":
        answer = await farmer.post("/api/products", body)
    else:
        plain = (
            await farmer.post("/api/products", {name: body[name] for name in ("title", "unit", "price", "stock")})
        ).json()
        answer = await farmer.request(
            "PATCH", f"/api/products/{plain['id']}", {k: v for k, v in body.items() if k != "stock"}, If_Match="*"
        )
    return [error["field"] for error in answer.json().get("errors", ())], answer.json()


async def _by(farmer: Person, external: str) -> dict[str, Any]:
    items = (await farmer.get("/api/products?mine=true")).json()["items"]
    return next((one for one in items if one["external_id"] == external), {})


async def test_a_file_of_products_takes_back_what_is_priced_by_weight(market: Market) -> None:
    farmer = await market.farmer()
    await chicken(market, farmer)
    await chicken(market, farmer, title="Duck", price_per={"quantity": 100, "unit": "g"})
    await market.product(
        farmer, title="Lettuce", unit="head", stock=3, estimated_weight={"quantity": "0.4", "unit": "kg"}
    )
    for ending in ("csv", "jsonl"):
        content = (await farmer.get(f"/api/products/export.{ending}")).body
        told = await done(market, farmer, content)
        assert told["status"] == "succeeded" and told["result"]["unchanged"] == 3, told


async def test_a_cart_shows_the_first_picture_that_is_ready(market: Market) -> None:
    from tests.market.pictures.walk import TOMATO

    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    item = f"/api/cart/items/{product['id']}"
    cart = (await buyer.request("PUT", item, {"quantity": 1})).json()
    assert cart["parts"][0]["lines"][0]["image"] is None
    added = await farmer.post(f"/api/products/{product['id']}/images", {"content": TOMATO, "alt": "Carrots"})
    assert added.status == 202, added.text
    assert (await buyer.get("/api/cart")).json()["parts"][0]["lines"][0]["image"] is None, "not before it is ready"
    await market.work()
    shown = (await buyer.get("/api/cart")).json()["parts"][0]["lines"][0]["image"]
    assert shown == (await market.stranger.get(f"/api/products/{product['id']}")).json()["images"][0]
    assert shown["alt"] == "Carrots" and shown["sizes"]["small"]["webp"]


# --- until it is weighed, what it comes to is an estimate, and said to be one ---


async def test_totals_that_count_an_estimate_are_estimates_and_no_others(market: Market) -> None:
    one, two = await market.farmer("Hen House"), await market.farmer("Green Acres")
    buyer = await market.person()
    hen, carrots = await chicken(market, one), await market.product(two)
    for product, quantity in ((hen, 1), (carrots, 1)):
        answer = await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": quantity})
        assert answer.status == 200
    cart = (await buyer.get("/api/cart")).json()
    parts = {part["farm"]["name"]: part["estimated"] for part in cart["parts"]}
    assert (cart["estimated"], parts) == (True, {"Hen House": True, "Green Acres": False})
    placed = (await buyer.post("/api/orders", {}, Idempotency_Key="both")).json()
    for order in (placed, (await buyer.get(f"/api/orders/{placed['id']}")).json()):
        parts = {part["farm"]["name"]: part["estimated"] for part in order["parts"]}
        assert (order["totals"]["estimated"], parts) == (True, {"Hen House": True, "Green Acres": False})
    seen = [(await who.get(f"/api/orders/{placed['id']}")).json() for who in (one, two)]
    assert [order["totals"]["estimated"] for order in seen] == [True, False], "each of its own part"
    refused = await one.post(f"/api/orders/{placed['id']}/cancel", {"reason": "The fox."})
    assert refused.status == 200
    rest = (await buyer.get(f"/api/orders/{placed['id']}")).json()
    assert rest["totals"]["estimated"] is False, "what is left is sure"


async def test_mails_and_notices_say_so_to_the_buyer_and_to_the_farm(market: Market) -> None:
    farmer, buyer = await market.farmer("Hen House"), await market.person()
    hen, eggs = await chicken(market, farmer), await market.product(farmer, title="Eggs", unit="box", price=250)
    assert (await buyer.order((hen["id"], 1), (eggs["id"], 1))).status == 201
    told = {
        buyer: ("Chicken  about €23.22\n", "Total: about €25.72; the farm weighs it\n"),
        farmer: ("Chicken  about €23.22\n", "Total: about €25.72, until you have weighed it\n"),
    }
    for who, (line, total) in told.items():
        ((_, body),) = [mail for mail in await mails(market, who.email) if "order" in mail[0].lower()]
        (notice,) = (await who.get("/api/notifications")).json()["items"]
        for text in (body, notice["body"]):
            assert line in text and total in text and "Eggs  €2.50\n" in text, text


async def test_without_anything_to_weigh_nothing_is_about(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    assert (await buyer.order(((await market.product(farmer))["id"], 1))).status == 201
    await market.work()
    (notice,) = (await buyer.get("/api/notifications")).json()["items"]
    assert "about" not in notice["body"] and "Total: €3.90\n" in notice["body"]
