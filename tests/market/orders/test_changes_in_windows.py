"""Orders that change in the windows of market days: what they take of one follows, and what one has not left is refused."""

from __future__ import annotations

from typing import Any

from tests.market.notifications.test_handlers import mails
from tests.market.orders.test_windows import Stall, problem, stall
from tests.people import Market, Person
from tests.web.client import Response

FIVE = {"capacity": {"weight_kg": "5"}}


async def amended(who: Person, order: dict[str, Any], *lines: dict[str, Any]) -> Response:
    return await who.request("PATCH", f"/api/orders/{order['id']}", {"lines": [*lines]}, If_Match="*")


async def weight(s: Stall) -> str:
    found: str = (await s.taken())["weight_kg"]
    return found


async def test_an_amendment_takes_and_returns_the_difference_and_no_more_than_there_is(market: Market) -> None:
    s, buyer = await stall(market, FIVE), await market.person()
    order = (await s.order(buyer, (s.carrots, "2"))).json()
    line = order["lines"][0]["id"]
    assert (await amended(buyer, order, {"line_id": line, "quantity": "5"})).status == 200
    assert await weight(s) == "5.000"
    refused = await amended(buyer, order, {"line_id": line, "quantity": "5.5"})
    assert problem(refused)[:2] == (409, "window-full")
    assert (await amended(buyer, order, {"line_id": line, "quantity": "1"})).status == 200
    assert await weight(s) == "1.000"
    assert (await buyer.post(f"/api/orders/{order['id']}/cancel", {})).status == 200
    assert await weight(s) == "0.000"
    await market.work()
    assert market.broken() == []


async def test_what_comes_in_the_place_of_what_is_short_fits_in_a_full_window(market: Market) -> None:
    s, buyer = await stall(market, FIVE), await market.person()
    leek = await market.product(s.farmer, title="Leek", stock="9")
    lines = [{"product_id": s.carrots, "quantity": "5", "substitution": "same_farm"}]
    way = {"method": "delivery", "address": "1 Lane", "window_id": s.window}
    order = (await buyer.post("/api/orders", {"lines": lines, "fulfilment": way}, Idempotency_Key="a")).json()
    path = f"/api/orders/{order['id']}/parts/{s.farmer.farm_id}/lines/{order['lines'][0]['id']}/short"
    short = await s.farmer.post(path, {"quantity": "2", "substitute": {"product_id": leek["id"], "quantity": "2"}})
    assert short.status == 200, short.text
    assert await weight(s) == "5.000"
    assert (await s.farmer.post(path, {"quantity": "2"})).status == 200, "without it"
    assert await weight(s) == "3.000"
    assert market.broken() == []


async def test_a_buyer_amends_until_the_day_closes(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    order = (await s.order(buyer, (s.carrots, "2"))).json()
    line = {"line_id": order["lines"][0]["id"], "quantity": "1"}
    part = f"/api/orders/{order['id']}/parts/{s.farmer.farm_id}/status"
    assert (await s.farmer.post(part, {"to": "confirmed"})).status == 200
    assert (await amended(buyer, order, line)).status == 200, "confirmed, and still open"
    await s.manager.post(f"/api/market-days/{s.day['id']}/close", None)
    assert problem(await amended(buyer, order, line | {"quantity": "3"}))[:2] == (409, "illegal-transition")


async def test_mails_say_when_goods_are_handed_over(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    assert (await s.order(buyer)).status == 201
    await market.work()
    for whom in (buyer, s.farmer):
        assert any("Saturday, between " in text for _, text in await mails(market, whom.email))


async def test_a_window_without_a_limit_holds_more_crates_than_anybody_has(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    heavy = {
        "unit": "each",
        "stock": 9_999_999,
        "price": 1,
        "price_per": {"quantity": "9999999.999", "unit": "kg"},
        "priced_by": "weight",
    }
    ducks = [
        (await market.product(s.farmer, **heavy, estimated_weight={"quantity": "9999999.999", "unit": "kg"}))["id"]
        for _ in range(3)
    ]
    for _ in range(2):
        placed = await s.order(buyer, *((duck, 999_999) for duck in ducks))
        assert placed.status == 201, placed.text
    assert (await s.order(await market.person(), (s.carrots, "1"))).status == 201
    assert market.broken() == []


async def test_a_farm_that_has_no_part_in_the_day_comes_into_no_order_of_it(market: Market) -> None:
    farmer, other, buyer = await market.farmer("Green Acres"), await market.farmer("Blue Hill"), await market.person()
    s = await stall(market, farms=[{"farm_id": farmer.farm_id}])
    carrots, leek = await market.product(farmer), await market.product(other, title="Leek")
    order = (await s.order(buyer, (carrots["id"], "1"))).json()
    refused = await amended(buyer, order, {"product_id": leek["id"], "quantity": "1"})
    assert problem(refused) == (422, "invalid", [("lines", "not-found")])
    assert await weight(s) == "1.000"
