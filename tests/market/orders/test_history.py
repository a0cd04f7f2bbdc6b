"""What has become of an order's lines: its buyer and the staff see all of it, a farm what is of its own, strangers nothing."""

from __future__ import annotations

from typing import Any

from tests.market.orders.test_change_routes import change, ducks, of_line
from tests.people import Market, Person


async def changes(who: Person, order: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    answer = await who.get(f"/api/orders/{order['id']}/changes{query}")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_each_party_sees_what_it_may(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    staff, third = await market.person("manager"), await market.farmer("Three")
    carrots, duck = await market.product(one), await ducks(market, two)
    order = (await buyer.order((carrots["id"], 2), (duck["id"], 2))).json()
    first, second = order["lines"]
    assert await changes(buyer, order) == []
    assert (await change(buyer, order, {"line_id": first["id"], "quantity": 1})).status == 200
    assert (await of_line(two, order, "short", second, two, quantity=1, reason="A fox.")).status == 200
    assert (await of_line(two, order, "weigh", second, two, quantity="0.7")).status == 200
    seen = await changes(buyer, order)
    assert seen == await changes(staff, order)
    assert [(one["version"], one["kind"], one["by"], one["reason"]) for one in seen] == [
        (2, "amended", "buyer", ""), (3, "short", "farm", "A fox."), (4, "weighed", "farm", "")
    ]  # fmt: skip
    (line,) = seen[0]["lines"]
    assert (line["title"], line["before"]["quantity"], line["after"]["quantity"]) == ("Carrots", "2.000", "1.000")
    assert seen[0]["before"]["total"]["amount"] - seen[0]["after"]["total"]["amount"] == 390
    assert seen[2]["lines"][0]["after"]["weight"] == {"quantity": "0.700", "unit": "kg"}
    own = await changes(two, order)
    assert [(one["version"], one["before"], one["after"]) for one in own] == [(3, None, None), (4, None, None)]
    assert {line["farm_id"] for one in own for line in one["lines"]} == {two.farm_id}
    assert [one["version"] for one in await changes(one, order)] == [2]
    for stranger in (third, await market.person()):
        assert (await stranger.get(f"/api/orders/{order['id']}/changes")).status == 404
    assert (await market.stranger.get(f"/api/orders/{order['id']}/changes")).status == 401


async def test_a_line_that_was_added_or_taken_out_has_one_side(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=100)
    order = (await buyer.order((carrots["id"], 1))).json()
    await change(
        buyer, order, {"product_id": leeks["id"], "quantity": 1}, {"line_id": order["lines"][0]["id"], "quantity": 0}
    )
    (found,) = await changes(buyer, order)
    assert {line["title"]: (line["before"] is None, line["after"] is None) for line in found["lines"]} == {
        "Carrots": (False, True),
        "Leeks": (True, False),
    }
    answer = await buyer.get(f"/api/orders/{order['id']}/changes?count=true&limit=1")
    assert (answer.json()["total"], answer.json()["next"]) == (1, None)
