"""What people hear of market days: each once, in their language, by one mail for one thing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs

from harvestd.market.days import day_steps
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing
from tests.market.days.calendar import at, body, delivery, made
from tests.market.notifications.test_handlers import mails, notices
from tests.market.orders.test_windows import stall
from tests.people import Market, Person
from tests.web.conftest import make_market, settled

_OLD = Statement("test.old_cart", "update carts set updated_at = :at where user_id = :user_id", nothing)


async def put(buyer: Person, product: str, quantity: Any = 1) -> None:
    answer = await buyer.request("PUT", f"/api/cart/items/{product}", {"quantity": quantity})
    assert answer.status == 200, answer.text


async def stepped_by_all(market: Market, hours: float) -> None:
    """Several processes look at the days at once, and work on what they find, each of it twice."""
    later = at(market, market.parts.now() + timedelta(hours=hours))
    await settled(*(day_steps.step_all(later.parts) for _ in range(3)))
    await later.work(twice=True)


async def of_days(market: Market, person: Person) -> list[str]:
    """The subjects of what was mailed to somebody, orders aside."""
    return [subject for subject, _ in await mails(market, person.email) if "rder " not in subject]


async def test_buyers_hear_that_a_day_closes_soon_if_something_of_it_is_in_their_cart(market: Market) -> None:
    s = await stall(market)
    names = ("full", "empty", "strange", "late", "gone")
    full, empty, strange, late, gone = [await market.person(verified=name != "strange") for name in names]
    away, slow = await market.farmer("Away"), await market.farmer("Slow")
    for who in (full, strange, gone):
        await put(who, s.carrots, "1.5")
    await put(late, (await market.product(slow, title="Leeks"))["id"])
    await put(empty, (await market.product(away, title="Eggs", unit="box"))["id"])
    farms = [{"farm_id": s.farmer.farm_id}, {"farm_id": slow.farm_id, "lead_minutes": 24 * 60}]
    day = await s.manager.request("PATCH", f"/api/market-days/{s.day['id']}", {"farms": farms}, If_Match="*")
    assert day.status == 200, day.text
    await market.parts.database.transaction(
        lambda tx: tx.run(_OLD, user_id=gone.id, at=market.parts.now() - timedelta(days=60))
    )
    await stepped_by_all(market, 23)
    ((subject, said),) = await mails(market, full.email)
    assert subject == "Saturday closes soon" and "1.5 kg  Carrots" in said
    assert await of_days(market, strange) == [] and await notices(strange) == ["Saturday closes soon"]
    for who in (empty, late, gone, s.farmer):
        assert await of_days(market, who) == []
    assert market.broken(at_rest=True) == []


async def test_it_is_told_in_the_language_of_whoever_reads_it(parts: Parts) -> None:
    market = make_market(
        attrs.evolve(
            parts, settings=attrs.evolve(parts.settings, market_languages=("en", "de"), market_timezone="Europe/Berlin")
        )
    )
    s, buyer = await stall(market), await market.person()
    assert (await buyer.request("PATCH", "/api/users/me", {"language": "de"}, If_Match="*")).status == 200
    assert (await s.farmer.request("PATCH", "/api/users/me", {"language": "de"}, If_Match="*")).status == 200
    await put(buyer, s.carrots)
    await stepped_by_all(market, 23)
    assert (await of_days(market, buyer))[-1] == "Saturday schließt bald"
    assert (await s.order(buyer)).status == 201
    await stepped_by_all(market, 26)
    assert "Saturday ist geschlossen: was für Green Acres zu richten ist" in await of_days(market, s.farmer)


async def test_nobody_hears_late_that_a_day_closes_soon(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    await put(buyer, s.carrots)
    await stepped_by_all(market, 26)
    assert await of_days(market, buyer) == []


async def test_farms_hear_what_to_pick_once_their_day_is_closed(market: Market) -> None:
    s, buyer, other = await stall(market), await market.person(), await market.person()
    idle = await market.farmer("Idle")
    await s.order(buyer, (s.carrots, "1.25"), (s.apples, 2))
    await s.order(other, (s.carrots, "0.5"))
    third = (await s.order(other, (s.carrots, "9"))).json()
    await other.post(f"/api/orders/{third['id']}/cancel", {})
    await market.work()
    await stepped_by_all(market, 26)
    assert await of_days(market, s.farmer) == ["Saturday is closed: what to pick for Green Acres"]
    said = next(body for subject, body in await mails(market, s.farmer.email) if "closed" in subject)
    assert "Orders for Green Acres: 2" in said and "1.75 kg  Carrots" in said and "Apples" in said
    assert await of_days(market, idle) == [] and await of_days(market, buyer) == []
    assert (await s.farmer.get("/api/notifications")).json()["items"][0]["data"]["market_day_id"] == s.day["id"]


async def test_what_to_pick_for_a_full_day_says_that_it_may_open_again_and_is_renewed_when_it_has(
    market: Market,
) -> None:
    s, buyer = await stall(market, {"capacity": {"orders": 1}}), await market.person()
    for quantity in ("1.25", "0.5"):
        order = (await s.order(buyer, (s.carrots, quantity))).json()
        await day_steps.step_all(market.parts)
        await market.work(twice=True)
        title = "Saturday is full: what to pick for Green Acres"
        told = [body for subject, body in await mails(market, s.farmer.email) if subject == title]
        said = next(body for body in told if f"{quantity} kg  Carrots" in body)
        assert "If one comes back before" in said and "Orders for Green Acres: 1" in said
        if quantity == "1.25":
            await buyer.post(f"/api/orders/{order['id']}/cancel", {})
            await day_steps.step_all(market.parts)
    less = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": "0.4"}]}
    assert (await buyer.request("PATCH", f"/api/orders/{order['id']}", less, If_Match="*")).status == 200
    await stepped_by_all(market, 26)
    told = await of_days(market, s.farmer)
    assert sorted(told) == ["Saturday is closed: what to pick for Green Acres", *[title] * 2], (
        "the last list is of what is ordered at the cut-off"
    )
    said = next(body for subject, body in await mails(market, s.farmer.email) if "is closed" in subject)
    assert "0.4 kg  Carrots" in said


async def test_a_day_that_is_cancelled_is_one_mail_for_each_order_and_for_each_farm(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    for _ in range(3):
        assert (await s.order(buyer, (s.carrots, "1"))).status == 201
    await market.work()
    had = len(await mails(market, s.farmer.email)), len(await mails(market, buyer.email))
    assert (await s.manager.post(f"/api/market-days/{s.day['id']}/cancel", {"reason": "Storm."})).status == 200
    await market.work(twice=True)
    ((subject, said),) = (await mails(market, s.farmer.email))[had[0] :]
    assert subject == "Saturday is cancelled" and "Reason: Storm." in said
    told = (await mails(market, buyer.email))[had[1] :]
    assert len(told) == 3 and all(
        "is cancelled" in subject and "Saturday is cancelled. Reason: Storm." in body for subject, body in told
    )
    assert market.broken(at_rest=True) == []


async def test_farms_that_take_part_by_name_hear_of_a_cancelled_day_without_orders_too(market: Market) -> None:
    manager, farmer, other = await market.person("manager"), await market.farmer(), await market.farmer("Other")
    now = market.parts.now()
    day = await made(manager, body(now, opens=-1, windows=[delivery(now)], farms=[{"farm_id": farmer.farm_id}]))
    await manager.post(f"/api/market-days/{day['id']}/cancel", {})
    await market.work(twice=True)
    assert await of_days(market, farmer) == ["Saturday is cancelled"] and await of_days(market, other) == []
    ((_, said),) = await mails(market, farmer.email)
    assert "Reason" not in said and "Nothing is ordered of Green Acres" in said and "back on sale" not in said
