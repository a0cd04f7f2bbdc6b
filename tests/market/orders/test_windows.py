"""Orders in the windows of market days: a place is taken in each measure, given back once, and never given twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.days import day_steps, slot_rows
from harvestd.market.days.window_rules import Measures
from harvestd.parts import Parts
from tests.market.days.calendar import body, delivery, made, moved, sandbox, text, told
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import settled


@attrs.frozen
class Stall:
    """A market with an open day, its manager, a farm, and what it sells: by the kilogram and by the crate."""

    market: Market
    manager: Person
    farmer: Person
    carrots: str
    apples: str
    day: dict[str, Any]

    @property
    def window(self) -> str:
        return str(self.day["windows"][0]["id"])

    async def order(self, buyer: Person, *lines: tuple[str, Any], window: str = "", **more: Any) -> Response:
        fulfilment = {"method": "delivery", "address": "1 Lane, 1010 Town", "window_id": window or self.window, **more}
        return await buyer.order(*(lines or ((self.carrots, "1"),)), fulfilment=fulfilment)

    async def taken(self, n: int = 0) -> dict[str, Any]:
        shown = (await self.market.stranger.get(f"/api/market-days/{self.day['id']}")).json()
        found: dict[str, Any] = shown["windows"][n]["taken"]
        return found


async def stall(market: Market, *windows: dict[str, Any], **more: Any) -> Stall:
    manager, farmer = await market.person("manager"), await market.farmer("Green Acres")
    carrots = await market.product(farmer, stock="900")
    apples = await market.product(farmer, title="Apples", unit="crate", price=900, stock=900)
    now = market.parts.now()
    given = [delivery(now, **one) for one in windows or ({},)]
    day = await made(manager, body(now, opens=-1, windows=given, **more))
    return Stall(market, manager, farmer, carrots["id"], apples["id"], day)


def problem(answer: Response) -> tuple[int, str, list[tuple[str, str]]]:
    found = answer.json()
    return (
        answer.status,
        found["type"].removeprefix("/problems/"),
        [(e["field"], e["code"]) for e in found.get("errors", [])],
    )


async def test_a_market_without_days_sells_as_ever_and_one_with_some_by_their_windows(market: Market) -> None:
    buyer, farmer = await market.person(), await market.farmer()
    carrots = await market.product(farmer)
    assert (await buyer.order((carrots["id"], 1))).status == 201
    s = await stall(market)
    refused = await buyer.order((s.carrots, 1))
    assert problem(refused) == (422, "invalid", [("fulfilment", "required")])
    refused = await buyer.order((s.carrots, 1), fulfilment={"method": "pickup"})
    assert problem(refused) == (422, "invalid", [("fulfilment.window_id", "required")])
    placed = await s.order(buyer, (s.carrots, "2.5"))
    assert placed.status == 201, placed.text
    window = placed.json()["fulfilment"]["window"]
    assert (window["id"], window["market_day_id"], window["from"]) == (
        s.window,
        s.day["id"],
        s.day["windows"][0]["from"],
    )
    assert (await buyer.get(f"/api/orders/{placed.json()['id']}")).json() == placed.json()
    assert await s.taken() == {"orders": 1, "crates": 1, "weight_kg": "2.500"}
    await s.manager.post(f"/api/market-days/{s.day['id']}/close", None)
    assert problem(await buyer.order((s.carrots, 1)))[:2] == (409, "market-closed")
    assert problem(await s.order(buyer)) == (409, "market-closed", [("fulfilment.window_id", "expired")])
    await market.work()
    assert market.broken() == []


async def test_each_measure_is_taken_and_a_full_one_names_the_next(market: Market) -> None:
    late = {"start": 40, "end": 44}
    s = await stall(market, {"capacity": {"crates": 3, "weight_kg": "20"}}, {"capacity": {"orders": 1}, **late}, late)
    buyer = await market.person()
    assert (await s.order(buyer, (s.apples, 2), (s.carrots, "1.25"))).status == 201
    assert await s.taken() == {"orders": 1, "crates": 3, "weight_kg": "2.250"}
    full = await s.order(buyer, (s.carrots, "0.05"))
    assert problem(full) == (409, "window-full", [("fulfilment.window_id", "window-full")])
    following = s.day["windows"][1]
    assert full.json()["errors"][0]["params"] == {"next": following["id"], "from": following["from"], "zone": "UTC"}
    assert (await s.order(buyer, window=s.day["windows"][1]["id"])).status == 201
    second = await s.order(buyer, window=s.day["windows"][1]["id"])
    assert second.json()["errors"][0]["params"]["next"] == s.day["windows"][2]["id"]
    assert market.broken() == []


async def test_what_is_cancelled_gives_its_place_back_once(market: Market) -> None:
    s = await stall(market, {"capacity": {"orders": 1}})
    buyer, other = await market.person(), await market.person()
    order = (await s.order(buyer, (s.carrots, "3"))).json()
    assert (await s.order(other)).status == 409
    answers = await settled(*(buyer.post(f"/api/orders/{order['id']}/cancel", {}) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert await s.taken() == {"orders": 0, "crates": 0, "weight_kg": "0.000"}
    assert (await s.order(other)).status == 201
    await market.work()
    assert market.broken() == []


async def test_a_part_that_is_cancelled_gives_back_what_it_took_and_the_order_keeps_its_place(market: Market) -> None:
    s = await stall(market)
    second, buyer = await market.farmer("Blue Acres"), await market.person()
    eggs = await market.product(second, title="Eggs", unit="dozen", price=300, stock=9)
    order = (await s.order(buyer, (s.carrots, "3"), (eggs["id"], 2))).json()
    assert await s.taken() == {"orders": 1, "crates": 1, "weight_kg": "4.000"}
    moved = await second.post(f"/api/orders/{order['id']}/parts/{second.farm_id}/status", {"to": "cancelled"})
    assert moved.status == 200, moved.text
    assert await s.taken() == {"orders": 1, "crates": 1, "weight_kg": "3.000"}
    assert (await buyer.post(f"/api/orders/{order['id']}/cancel", {})).status == 200
    assert (await s.taken())["orders"] == 0
    assert market.broken() == []


async def test_holds_that_run_out_give_their_places_back(market: Market) -> None:
    toy = sandbox(market.parts, order_confirmation="farm", reservation_ttl=3600.0)
    s = await stall(toy, {"capacity": {"orders": 1}}, {})
    admin = await toy.person("admin")
    assert (await s.order(await toy.person())).status == 201
    await admin.post("/api/admin/clock", {"to": text(toy.parts.now() + timedelta(hours=2))})
    assert (await s.taken())["orders"] == 0
    assert (await s.order(await toy.person())).status == 201


CROWDS: dict[str, tuple[dict[str, Any], Callable[[Stall, Person], Awaitable[Response]], int]] = {
    "orders": ({"orders": 5}, lambda s, buyer: s.order(buyer), 5),
    "crates": ({"crates": 7}, lambda s, buyer: s.order(buyer, (s.apples, 3)), 2),
    "weight": ({"weight_kg": "10"}, lambda s, buyer: s.order(buyer, (s.carrots, "2.5")), 4),
}


@pytest.mark.limit(120)
@pytest.mark.parametrize("measure", CROWDS)
async def test_of_many_buyers_as_many_get_a_place_as_there_are(market: Market, measure: str) -> None:
    capacity, order, places = CROWDS[measure]
    s = await stall(market, {"capacity": capacity})
    buyers = [await market.person() for _ in range(4)]
    answers = await settled(*(order(s, buyers[n % 4]) for n in range(24)))
    assert sorted(answer.status for answer in answers) == [201] * places + [409] * (24 - places)
    assert {problem(answer)[1] for answer in answers if answer.status == 409} == {"window-full"}
    assert (await s.taken())["orders"] == places
    assert market.broken() == []


@pytest.mark.parametrize("measure", CROWDS)
async def test_one_after_the_other_as_many_get_a_place_as_there_are(market: Market, measure: str) -> None:
    """Each is placed alone."""
    capacity, order, places = CROWDS[measure]
    s, buyer = await stall(market, {"capacity": capacity}), await market.person()
    answers = [await order(s, buyer) for _ in range(places + 1)]
    assert [answer.status for answer in answers] == [201] * places + [409], answers[-1].text
    assert problem(answers[-1])[1] == "window-full"


async def test_two_that_have_both_looked_do_not_both_get_the_last_place(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read the window, with a place left, before either takes it."""
    s = await stall(market, {"capacity": {"orders": 1}})
    buyers = [await market.person(), await market.person()]
    real, waiting = slot_rows.take, []

    async def take(tx: Any, order_id: str, wanted: Any, **more: Any) -> set[str]:
        from twisted.internet.defer import Deferred

        waiting.append(Deferred())
        if len(waiting) == 2:
            for one in list(waiting):
                one.callback(None)
        await waiting[-1 if len(waiting) == 2 else 0]
        return await real(tx, order_id, wanted, **more)

    monkeypatch.setattr(slot_rows, "take", take)
    carrots = [s.carrots, s.apples]  # of different products, so that neither waits for the other's
    answers = await settled(*(s.order(buyer, (product, 1)) for buyer, product in zip(buyers, carrots, strict=True)))
    assert sorted(answer.status for answer in answers) == [201, 409]
    assert (await s.taken())["orders"] == 1
    assert market.broken() == []


async def test_windows_taken_in_opposite_orders_do_not_deadlock(market: Market) -> None:
    s = await stall(market, {}, {"start": 40, "end": 44})
    second = await market.farmer("Blue Acres")
    eggs = await market.product(second, title="Eggs", unit="dozen", price=300, stock=99)
    one, two = (window["id"] for window in s.day["windows"])

    async def both(buyer: Person, first: str, other: str) -> Response:
        ways = [
            {"farm_id": farm_id, "method": "delivery", "address": "1 Lane", "window_id": window}
            for farm_id, window in ((s.farmer.farm_id, first), (second.farm_id, other))
        ]
        return await buyer.order((s.carrots, "1"), (eggs["id"], 1), fulfilments=ways)

    buyers = [await market.person() for _ in range(4)]
    answers = await settled(*(both(buyers[n % 4], *((one, two) if n % 2 else (two, one))) for n in range(12)))
    assert {answer.status for answer in answers} == {201}
    assert [(await s.taken(n))["orders"] for n in (0, 1)] == [12, 12]
    assert market.broken() == []


async def test_a_day_closes_by_itself_when_it_is_full(market: Market) -> None:
    s = await stall(market, {"capacity": {"orders": 1}}, {"start": 40, "end": 44, "capacity": {"weight_kg": "1"}})
    buyer = await market.person()
    assert (await s.order(buyer)).status == 201
    await day_steps.step_all(market.parts)
    assert (await market.stranger.get(f"/api/market-days/{s.day['id']}")).json()["status"] == "open"
    assert (await s.order(buyer, window=s.day["windows"][1]["id"])).status == 201
    assert await settled(*(day_steps.step_all(market.parts) for _ in range(3))) == [None] * 3
    assert (await market.stranger.get(f"/api/market-days/{s.day['id']}")).json()["status"] == "closed"
    assert [(type, reason) for type, _, reason in await told(market)] == [("opened", ""), ("closed", "full")]


async def test_a_cut_off_and_an_order_at_once_agree(market: Market) -> None:
    s = await stall(market)
    buyer = await market.person()
    orders = [s.order(buyer) for _ in range(4)]
    closing = s.manager.post(f"/api/market-days/{s.day['id']}/close", None)
    *answers, closed = await settled(*orders, closing)
    assert closed.status == 200 and {answer.status for answer in answers} <= {201, 409}
    assert (await s.taken())["orders"] == sum(answer.status == 201 for answer in answers)
    assert problem(await s.order(buyer))[:2] == (409, "market-closed")


async def test_farms_are_refused_by_name_that_take_no_part_or_need_longer(parts: Parts) -> None:
    market = sandbox(parts)
    admin, now, buyer = await market.person("admin"), market.parts.now(), await market.person()
    early, away = await market.farmer("Early Farm"), await market.farmer("Away Farm")
    goods = [(await market.product(farmer))["id"] for farmer in (early, away)]
    farms = [{"farm_id": early.farm_id, "lead_minutes": 120}]
    day = await made(admin, body(now, opens=-1, closes=3, farms=farms, windows=[delivery(now)]))
    s = Stall(market, admin, early, goods[0], goods[1], day)
    refused = await s.order(buyer, (goods[0], 1), (goods[1], 1))
    assert problem(refused) == (422, "invalid", [("fulfilment.window_id", "not-found")])
    assert refused.json()["errors"][0]["params"]["farm"] == "Away Farm"
    assert (await s.order(buyer, (goods[0], 1))).status == 201
    await moved(market, admin, now + timedelta(hours=1, minutes=1))
    closed = await s.order(buyer, (goods[0], 1))
    assert problem(closed) == (409, "market-closed", [("fulfilment.window_id", "expired")])
    assert closed.json()["errors"][0]["params"] == {"reason": "farm-closed", "farm": "Early Farm"}


async def test_an_order_says_that_it_can_be_amended_exactly_while_its_part_of_a_day_can(parts: Parts) -> None:
    market = sandbox(parts)
    admin, now, buyer = await market.person("admin"), market.parts.now(), await market.person()
    early = await market.farmer("Early Farm")
    goods = (await market.product(early))["id"]
    farms = [{"farm_id": early.farm_id, "lead_minutes": 120}]
    day = await made(admin, body(now, opens=-1, closes=3, farms=farms, windows=[delivery(now)]))
    s = Stall(market, admin, early, goods, goods, day)
    order = (await s.order(buyer, (goods, 1))).json()
    path = f"/api/orders/{order['id']}"

    async def seen_and_done() -> tuple[list[str], int]:
        for one in (listed := (await buyer.get("/api/orders")).json()["items"]):
            assert one["can"] == (await buyer.get(path)).json()["can"], "lists say what the order's page says"
        note = {"lines": [{"line_id": order["lines"][0]["id"], "note": f"At {market.parts.now()}"}]}
        return listed[0]["can"], (await buyer.request("PATCH", path, note, If_Match="*")).status

    assert await seen_and_done() == (["cancel", "amend"], 200)
    assert (await early.post(f"{path}/parts/{early.farm_id}/status", {"to": "confirmed"})).status == 200
    assert await seen_and_done() == (["cancel", "amend"], 200), "confirmed, but the day is open"
    await moved(market, admin, now + timedelta(hours=1, minutes=1))
    assert await seen_and_done() == (["cancel"], 409), "the farm needs longer than the day is open"
    assert "amend" in (await early.get(path)).json()["can"], "the farm may still"


async def test_a_quote_for_a_window_is_held_as_long_as_its_day_says(market: Market) -> None:
    s = await stall(market, holds_minutes=3)
    second = await market.farmer("Hilltop")
    eggs = await market.product(second, title="Eggs")
    buyer, now = await market.person(), market.parts.now()
    other = await made(s.manager, body(now, opens=-1, windows=[delivery(now)], holds_minutes=2))
    to = {"method": "delivery", "address": "1 Lane, 1010 Town"}
    apart = [
        {**to, "farm_id": s.farmer.farm_id, "window_id": s.window},
        {**to, "farm_id": second.farm_id, "window_id": other["windows"][0]["id"]},
    ]
    carrots, both = {"product_id": s.carrots, "quantity": 1}, {"product_id": eggs["id"], "quantity": 1}
    for asked, minutes in (
        ({"lines": [carrots], "fulfilment": {**to, "window_id": s.window}}, 3),
        ({"lines": [carrots, both], "fulfilments": apart}, 2),
    ):
        before = market.parts.now()
        held = (await buyer.post("/api/quotes", {**asked, "hold": True})).json()
        lasts = datetime.fromisoformat(held["expires_at"]) - before
        assert timedelta(minutes=minutes) <= lasts < timedelta(minutes=minutes, seconds=30), held
    assert (await s.taken())["orders"] == 1, "the second holds it in the place of the first"


async def test_a_window_decides_how_and_where(market: Market) -> None:
    s = await stall(market, {"area": {"postcodes": ["1010", "SW1A 1AA"]}})
    buyer, hall = await market.person(), (await s.manager.post("/api/pickup-points", {"name": "Hall"})).json()
    outside = await s.order(buyer, address="1 Lane, 1020 Town")
    assert problem(outside) == (422, "invalid", [("fulfilment.address", "not-accepted")])
    assert (await s.order(buyer, address="1 Lane\nSW1A 1AA London")).status == 201
    assert problem(await s.order(buyer, method="pickup", address=None)) == (
        422,
        "invalid",
        [("fulfilment.method", "not-one-of")],
    )
    now = market.parts.now()
    window = delivery(now) | {"method": "pickup", "pickup_point_id": hall["id"]}
    day = await made(s.manager, body(now, opens=-1, windows=[window]))
    at_hall = await buyer.order((s.carrots, 1), fulfilment={"method": "pickup", "window_id": day["windows"][0]["id"]})
    assert at_hall.status == 201, at_hall.text
    assert at_hall.json()["fulfilment"]["pickup_point"]["name"] == "Hall"
    unknown = await s.order(buyer, window=hall["id"])
    assert problem(unknown) == (422, "invalid", [("fulfilment.window_id", "not-found")])


async def test_orders_of_a_day_are_listed(market: Market) -> None:
    s = await stall(market)
    buyer = await market.person()
    order = (await s.order(buyer)).json()
    other = await made(s.manager, body(market.parts.now()))
    for who in (buyer, s.farmer, s.manager):
        found = (await who.get(f"/api/orders?market_day={s.day['id']}&count=true")).json()
        assert ([one["id"] for one in found["items"]], found["total"]) == ([order["id"]], 1)
        assert (await who.get(f"/api/orders?market_day={other['id']}&count=true")).json()["total"] == 0


async def test_orders_of_a_farm_are_those_of_its_part_on_a_day(market: Market) -> None:
    s = await stall(market)
    second = await market.farmer("Hilltop")
    eggs = await market.product(second, title="Eggs")
    buyer, now = await market.person(), market.parts.now()
    other = await made(s.manager, body(now, opens=-1, windows=[delivery(now)]))
    to = {"method": "delivery", "address": "1 Lane, 1010 Town"}
    apart = [
        {**to, "farm_id": s.farmer.farm_id, "window_id": s.window},
        {**to, "farm_id": second.farm_id, "window_id": other["windows"][0]["id"]},
    ]
    placed = await buyer.order((s.carrots, 1), (eggs["id"], 1), fulfilments=apart)
    assert placed.status == 201, placed.text
    for who in (buyer, s.farmer, s.manager):
        for day, total in ((s.day["id"], 1), (other["id"], 0)):
            found = (await who.get(f"/api/orders?farm={s.farmer.farm_id}&market_day={day}&count=true")).json()
            assert (len(found["items"]), found["total"]) == (total, total), (who, day)
    refused = await buyer.get(f"/api/orders?market_day={other['id']}&updated_since=2020-01-01T00:00:00Z")
    assert problem(refused) == (422, "invalid", [("market_day", "not-accepted")])


async def test_what_was_ordered_for_a_day_that_is_cancelled_is_cancelled(market: Market) -> None:
    s = await stall(market)
    buyer = await market.person()
    order = (await s.order(buyer)).json()
    await market.work()
    assert (await s.manager.post(f"/api/market-days/{s.day['id']}/cancel", {"reason": "Storm."})).status == 200
    await market.work()
    shown = (await buyer.get(f"/api/orders/{order['id']}")).json()
    assert (shown["status"], shown["parts"][0]["reason"]) == ("cancelled", "Storm.")
    assert (await s.taken())["orders"] == 0
    refused = await s.manager.request("DELETE", f"/api/market-days/{s.day['id']}", If_Match="*")
    assert refused.status == 409, "it has orders, if only cancelled ones"
    assert market.broken(at_rest=True) == []


async def test_the_windows_of_a_cart_are_those_that_take_it_the_common_ones_first(market: Market) -> None:
    s = await stall(
        market,
        {"start": 40, "end": 44},
        {"start": 30, "end": 31, "capacity": {"weight_kg": "2"}},
        {"start": 50, "end": 51},
    )
    second, buyer = await market.farmer("Blue Acres"), await market.person()
    eggs = await market.product(second, title="Eggs", unit="dozen", price=300, stock=9)
    now = market.parts.now()
    farms = [{"farm_id": second.farm_id, "lead_minutes": 60}]
    alone = await made(s.manager, body(now, opens=-1, farms=farms, windows=[delivery(now, 20, 21)]))
    assert (
        await buyer.request(
            "PUT",
            "/api/cart/items",
            {"items": [{"product_id": s.carrots, "quantity": "2"}, {"product_id": eggs["id"], "quantity": 1}]},
        )
    ).status == 200
    found = (await buyer.get("/api/cart/windows")).json()["items"]
    first, _, third = (one["id"] for one in s.day["windows"])
    assert [(one["id"], one["common"], len(one["farms"])) for one in found] == [
        (first, True, 2), (third, True, 2), (alone["windows"][0]["id"], False, 1),
    ]  # fmt: skip
    assert found[2]["market_day"]["closes_at"] == text(now + timedelta(hours=20))
    assert (found[2]["farms"][0]["name"], found[0]["left"]) == (
        "Blue Acres",
        {"orders": None, "crates": None, "weight_kg": None},
    )
    assert len((await market.stranger.get("/api/cart/windows")).json()["items"]) == 4


async def test_a_window_keeps_room_for_what_was_taken(market: Market) -> None:
    s = await stall(market, {"capacity": {"orders": 5}})
    buyer = await market.person()
    for _ in range(2):
        assert (await s.order(buyer)).status == 201
    kept = {"id": s.window, "method": "delivery", "from": s.day["windows"][0]["from"], "to": s.day["windows"][0]["to"]}
    path = f"/api/market-days/{s.day['id']}"
    refused = await s.manager.request("PATCH", path, {"windows": [{**kept, "capacity": {"orders": 1}}]}, If_Match="*")
    assert problem(refused) == (422, "invalid", [("windows[0].capacity.orders", "below-reserved")])
    assert (await s.manager.request("PATCH", path, {"windows": []}, If_Match="*")).status == 409
    assert (
        await s.manager.request("PATCH", path, {"windows": [{**kept, "capacity": {"orders": 2}}]}, If_Match="*")
    ).status == 200
    assert (await s.taken())["orders"] == 2
    assert await _more(market, s.window) == set()


async def _more(market: Market, window: str) -> set[str]:
    """Taking more than there is, whatever was looked at before, gives nothing."""
    wanted = {window: Measures(orders=1)}
    return await market.parts.database.transaction(
        lambda tx: slot_rows.take(tx, market.parts.new_id(), wanted, fresh=False)
    )


async def test_a_farm_s_orders_of_a_day_are_those_of_its_own_part(market: Market) -> None:
    s = await stall(market)
    second, buyer = await market.farmer("Blue Acres"), await market.person()
    eggs = await market.product(second, title="Eggs", unit="dozen", price=300, stock=9)
    now = market.parts.now()
    other = await made(s.manager, body(now, opens=-1, windows=[delivery(now)]))
    ways = [
        {"farm_id": farm.farm_id, "method": "delivery", "address": "1 Lane", "window_id": day["windows"][0]["id"]}
        for farm, day in ((s.farmer, s.day), (second, other))
    ]
    order = await buyer.order((s.carrots, 1), (eggs["id"], 1), fulfilments=ways)
    assert order.status == 201, order.text
    for who, day, count in (
        (s.farmer, s.day, 1),
        (s.farmer, other, 0),
        (second, other, 1),
        (second, s.day, 0),
        (buyer, s.day, 1),
        (buyer, other, 1),
    ):
        found = (await who.get(f"/api/orders?market_day={day['id']}&count=true")).json()
        assert (len(found["items"]), found["total"]) == (count, count)


async def test_goods_of_another_day_are_not_weighed_with_those_of_one(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    per = {"quantity": "1", "unit": "kg"}
    ducks = await market.product(
        s.farmer, title="Ducks", unit="each", price=500, stock="9", price_per=per, priced_by="weight", estimated_weight={"quantity": "0.8", "unit": "kg"}
    )  # fmt: skip
    now = market.parts.now()
    other = await made(s.manager, body(now, opens=-1, windows=[delivery(now)]))
    lines = []
    for window in (s.window, other["windows"][0]["id"]):
        lines.append((await s.order(buyer, (ducks["id"], 1), window=window)).json()["lines"][0]["id"])
    rows = [{"line_id": line, "quantity": "0.7"} for line in lines]
    path = f"/api/farms/{s.farmer.farm_id}/weighings"
    weighed = (await s.farmer.post(path, {"market_day_id": s.day["id"], "weighings": rows})).json()["results"]
    assert [one["status"] for one in weighed] == ["weighed", "failed"]
    assert [(e["field"], e["code"]) for e in weighed[1]["errors"]] == [("weighings[1].line_id", "not-found")]
    assert [one["status"] for one in (await s.farmer.post(path, {"weighings": rows})).json()["results"]] == [
        "unchanged",
        "weighed",
    ]
