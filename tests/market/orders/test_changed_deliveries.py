"""What is asked of an order that is delivered, as it is placed, is asked of whoever changes it."""

from __future__ import annotations

from typing import Any

from tests.market.orders.test_billing import sold
from tests.market.orders.test_change_routes import change, of_line
from tests.people import Market, Person

TOWN = {"method": "delivery", "address": "Lane 1, 1010 Town"}


async def delivers(farmer: Person, *codes: str, minimum: int = 0) -> None:
    """Have a farm deliver to some postcodes, from an amount."""
    area = {"name": "Town", "postcodes": [*codes], "fee": 490, "minimum": minimum}
    body = {"delivery": {"areas": [area], "note": ""}}
    answer = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", body, If_Match="*")
    assert answer.status == 200, answer.text


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status == 422, answer.text
    return [(one["code"], one["params"].get("missing", one["params"].get("reason"))) for one in answer.json()["errors"]]


async def test_no_delivery_is_ordered_above_its_least_order_and_changed_to_less(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    await delivers(farmer, "1010", minimum=3000)
    order = (await buyer.order((await sold(market, farmer), 4), fulfilment=TOWN)).json()
    line = {"line_id": order["lines"][0]["id"]}
    assert faults(await change(buyer, order, line | {"quantity": 2})) == [("below-minimum", "1000")]
    assert (await change(buyer, order, line | {"quantity": 3})).status == 200
    short = await of_line(farmer, order, "short", order["lines"][0], farmer, quantity=2)
    assert short.status == 200, "what its farm has too little of is not asked about"
    more = await change(buyer, order, {"product_id": await sold(market, farmer, 100), "quantity": 5})
    assert more.status == 200, more.text
    added = {"line_id": more.json()["lines"][1]["id"], "quantity": 1}
    assert (await change(buyer, order, added)).status == 200, "30.00 and 1.00 were ordered"
    gone = await change(buyer, order, line | {"quantity": 0}, added | {"quantity": 0})
    assert gone.json()["status"] == "cancelled", "all of it may be taken out"
    assert market.broken() == []


async def test_a_farm_comes_into_an_order_only_where_it_delivers_and_for_enough(market: Market) -> None:
    acres, near, far, buyer = (
        await market.farmer(), await market.farmer("Coop"), await market.farmer("Dale"), await market.person(),
    )  # fmt: skip
    await delivers(near, "1010", minimum=2000)
    await delivers(far, "9999")
    order = (await buyer.order((await sold(market, acres), 1), fulfilment=TOWN)).json()
    products = {farmer.farm_id: await sold(market, farmer) for farmer in (near, far)}
    add = {"product_id": products[near.farm_id], "quantity": 1}
    assert faults(await change(buyer, order, add)) == [("below-minimum", "1000")]
    away = await change(buyer, order, {"product_id": products[far.farm_id], "quantity": 5})
    assert faults(away) == [("not-accepted", "outside-areas-of-order")]
    both = await change(buyer, order, add | {"quantity": 2})
    assert both.status == 200 and [one["name"] for one in both.json()["fees"]] == ["Town"]
    assert market.broken() == []
