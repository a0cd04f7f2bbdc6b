"""What a change of an order does to its fees, its taxes and its coupon: worked out by hand, by the rules of when it was placed."""

from __future__ import annotations

from tests.market.orders.test_billing import USES, added, amounts, charge, sold
from tests.market.orders.test_change_routes import change, of_line
from tests.people import Market


async def test_fees_taxes_and_a_coupon_follow_what_is_left(market: Market) -> None:
    acres, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    fee = await charge(market, "/api/fees", basis="order", amount=300, rate=19)
    await charge(market, "/api/tax-rates", rate=7)
    await charge(market, "/api/coupons", code="SPRING-26", percent=10)
    order = (
        await buyer.order((await sold(market, acres), 2), (await sold(market, coop, 500), 2), coupon="spring 26")
    ).json()
    first, second = order["lines"]
    manager = await market.person("manager")
    path = f"/api/fees/{fee['id']}"
    assert (await manager.request("PATCH", path, {"amount": 900}, If_Match="*")).status == 200, "for other orders"
    more = await change(buyer, order, {"line_id": first["id"], "quantity": 5})
    # 10 % of 60.00; 7 % in 45.00 and 9.00; the fee by goods 2.50 and 0.50, 19 % in these
    assert more.status == 200, more.text
    assert amounts(more) == {"goods": 6000, "fees": 300, "tax": 294 + 59 + 40 + 8, "discount": 600, "total": 5700}
    assert market.broken() == []
    short = await of_line(coop, order, "short", second, coop, quantity=2)
    assert short.status == 200, short.text
    whole = await buyer.get(f"/api/orders/{order['id']}")
    # all of the other farm's is short: 10 % of 50.00, 7 % in 45.00, the whole fee at the first
    assert amounts(whole) == {"goods": 5000, "fees": 300, "tax": 294 + 48, "discount": 500, "total": 4800}
    assert market.broken() == []
    gone = await change(buyer, order, {"line_id": first["id"], "quantity": 0}, {"line_id": second["id"], "quantity": 0})
    assert gone.json()["status"] == "cancelled"
    assert await market.parts.database.row(USES) == "0/1", "nothing of it was ever on its way"
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


async def test_what_is_lost_through_no_doing_of_the_buyers_costs_them_nothing_that_they_had_reached(
    market: Market,
) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    await charge(market, "/api/fees", basis="order", amount=400, free_from=3000)
    await charge(market, "/api/coupons", code="TENTH", percent=10, minimum=3000)
    order = (await buyer.order((await sold(market, farmer), 3), coupon="tenth")).json()
    assert order["totals"]["total"]["amount"] == 2700
    short = await of_line(farmer, order, "short", order["lines"][0], farmer, quantity=1)
    assert amounts(short) == {"goods": 2000, "fees": 0, "tax": 0, "discount": 200, "total": 1800}
    assert market.broken() == []


async def test_a_buyer_who_orders_less_has_reached_less(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    await charge(market, "/api/fees", basis="order", amount=400, free_from=3000)
    await charge(market, "/api/coupons", code="TENTH", percent=10, minimum=3000)
    order = (await buyer.order((await sold(market, farmer), 3), coupon="tenth")).json()
    line = {"line_id": order["lines"][0]["id"], "quantity": 2}
    less = await change(buyer, order, line, expected_total=2400)
    assert amounts(less) == {"goods": 2000, "fees": 400, "tax": 0, "discount": 0, "total": 2400}
    again = await change(buyer, order, line | {"quantity": 3}, expected_total=2700)
    assert amounts(again) == {"goods": 3000, "fees": 0, "tax": 0, "discount": 300, "total": 2700}
    assert market.broken() == []


async def test_a_farm_that_is_new_in_an_order_charges_its_own_and_added_goods_are_taxed(market: Market) -> None:
    taxed = added(market)
    acres, coop, buyer = await taxed.farmer(), await taxed.farmer("Coop"), await taxed.person()
    own = {"name": "Crate", "basis": "farm", "amount": 150, "farm_id": coop.farm_id}
    assert (await coop.post("/api/fees", own)).status == 201
    await charge(taxed, "/api/tax-rates", rate=10)
    order = (await buyer.order((await sold(taxed, acres), 1))).json()
    assert order["totals"]["total"]["amount"] == 1100
    both = await change(buyer, order, {"product_id": await sold(taxed, coop, 500), "quantity": 2})
    assert amounts(both) == {"goods": 2000, "fees": 150, "tax": 200, "discount": 0, "total": 2350}
    assert [part["fees"]["amount"] for part in both.json()["parts"]] == [0, 150]
    assert taxed.broken() == []


async def test_an_order_of_which_nothing_comes_owes_nothing(market: Market) -> None:
    acres, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    await charge(market, "/api/fees", basis="order", amount=300, rate=19)
    await charge(market, "/api/fees", basis="farm", amount=50)
    order = (await buyer.order((await sold(market, acres), 2), (await sold(market, coop), 1))).json()
    first, second = order["lines"]
    one = await of_line(acres, order, "short", first, acres, quantity=2)
    assert amounts(await buyer.get(f"/api/orders/{order['id']}")) == {
        "goods": 1000, "fees": 350, "tax": 48, "discount": 0, "total": 1350,
    }, "the other farm has the whole fee of the order"  # fmt: skip
    assert amounts(one)["total"] == 0
    await of_line(coop, order, "short", second, coop, quantity=1)
    whole = await buyer.get(f"/api/orders/{order['id']}")
    assert set(amounts(whole).values()) == {0} and whole.json()["fees"] == []
    assert market.broken() == []
    again = await of_line(coop, order, "short", second, coop, quantity=0)
    assert amounts(again) == {"goods": 1000, "fees": 350, "tax": 48, "discount": 0, "total": 1350}
    assert market.broken() == []


async def test_what_a_completed_part_was_charged_stays_whatever_becomes_of_the_others(market: Market) -> None:
    acres, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    await charge(market, "/api/fees", basis="order", amount=300, rate=19)
    await charge(market, "/api/coupons", code="SPRING", amount=600, minimum=3000)
    order = (await buyer.order((await sold(market, acres), 2), (await sold(market, coop), 1), coupon="SPRING")).json()
    path = f"/api/orders/{order['id']}"
    for to in ("confirmed", "ready", "completed"):
        moved = await acres.post(f"{path}/parts/{acres.farm_id}/status", {"to": to})
        assert moved.status == 200, moved.text
    # two thirds of 3.00 and of 6.00
    done = {"goods": 2000, "fees": 200, "tax": 32, "discount": 400, "total": 1800}
    assert amounts(await acres.get(path)) == done
    manager = await market.person("manager")
    cancelled = await manager.post(f"{path}/parts/{coop.farm_id}/status", {"to": "cancelled", "reason": "Hail."})
    assert cancelled.status == 200, cancelled.text
    assert amounts(await buyer.get(path)) == amounts(await acres.get(path)) == done
    assert [one["amount"]["amount"] for one in (await buyer.get(path)).json()["fees"]] == [200]
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []
