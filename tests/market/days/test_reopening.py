"""Days that closed because they were full: they open again when a place returns before their cut-off, once, unless the staff have closed them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from harvestd.market.days import day_steps
from harvestd.parts import Parts
from tests.locks import holding, meeting
from tests.market.days.calendar import body, delivery, made, moved, sandbox, stepped, told
from tests.market.orders.test_windows import Stall, stall
from tests.people import Market, Person
from tests.web.conftest import settled

ONE = {"capacity": {"orders": 1}}


async def status(s: Stall) -> str:
    found: str = (await s.market.stranger.get(f"/api/market-days/{s.day['id']}")).json()["status"]
    return found


async def events(market: Market) -> list[tuple[str, str]]:
    return [(type, reason) for type, _, reason in await told(market)]


async def sold_out(s: Stall, buyer: Person) -> str:
    """The path of the order that took the last place of a day, which is closed."""
    placed = await s.order(buyer)
    assert placed.status == 201, placed.text
    await day_steps.step_all(s.market.parts)
    assert await status(s) == "closed"
    return f"/api/orders/{placed.json()['id']}"


async def test_a_place_that_returns_opens_a_full_day_again_once_and_it_closes_again(market: Market) -> None:
    s, buyer, other = await stall(market, ONE), await market.person(), await market.person()
    order = await sold_out(s, buyer)
    assert (await s.order(other)).status == 409
    assert (await buyer.post(f"{order}/cancel", {})).status == 200
    assert await settled(*(day_steps.step_all(market.parts) for _ in range(3))) == [None] * 3
    assert await status(s) == "open"
    assert await events(market) == [("opened", ""), ("closed", "full"), ("reopened", "")]
    await sold_out(s, other)
    assert (await events(market))[3:] == [("closed", "full")]
    await stepped(market, market.parts.now() + timedelta(days=9))
    assert await status(s) == "done"
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_one_that_opened_again_closes_at_its_cut_off(market: Market) -> None:
    s, buyer = await stall(market, ONE), await market.person()
    order = await sold_out(s, buyer)
    assert (await buyer.post(f"{order}/cancel", {})).status == 200
    await day_steps.step_all(market.parts)
    await stepped(market, market.parts.now() + timedelta(hours=26))
    assert await status(s) == "closed"
    assert (await events(market))[2:] == [("reopened", ""), ("closing_soon", ""), ("closed", "cut-off")]


async def test_a_buyer_changes_what_is_ordered_for_a_full_day_until_its_cut_off(market: Market) -> None:
    s, buyer = await stall(market, ONE), await market.person()
    path = await sold_out(s, buyer)
    order = (await buyer.get(path)).json()
    part = f"{path}/parts/{s.farmer.farm_id}/status"
    assert (await s.farmer.post(part, {"to": "confirmed"})).status == 200
    assert "amend" in (await buyer.get(path)).json()["can"]
    less = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": "0.5"}]}
    changed = await buyer.request("PATCH", path, less, If_Match="*")
    assert (changed.status, changed.json()["lines"][0]["quantity"]) == (200, "0.500"), changed.text
    assert (await s.manager.post(f"/api/market-days/{s.day['id']}/close", None)).status == 200
    assert "amend" not in (await buyer.get(path)).json()["can"]
    assert (await buyer.request("PATCH", path, less, If_Match="*")).status == 409
    assert market.broken() == []


async def test_what_the_staff_have_closed_stays_closed_also_where_it_was_full_before(market: Market) -> None:
    s, buyer = await stall(market, ONE), await market.person()
    order, path = await sold_out(s, buyer), f"/api/market-days/{s.day['id']}/close"
    before = (await s.manager.get(f"/api/market-days/{s.day['id']}")).json()["version"]
    assert [(await s.manager.post(path, None)).json()["version"] for _ in range(2)] == [before + 1] * 2
    assert (await buyer.post(f"{order}/cancel", {})).status == 200
    await day_steps.step_all(market.parts)
    assert await status(s) == "closed"
    assert await events(market) == [("opened", ""), ("closed", "full"), ("closed", "staff")]


async def test_a_larger_window_opens_it_again_too(market: Market) -> None:
    s, buyer = await stall(market, ONE), await market.person()
    await sold_out(s, buyer)
    window = {
        "id": s.window,
        "method": "delivery",
        "from": s.day["windows"][0]["from"],
        "to": s.day["windows"][0]["to"],
    }
    larger = {"windows": [{**window, "capacity": {"orders": 2}}]}
    answer = await s.manager.request("PATCH", f"/api/market-days/{s.day['id']}", larger, If_Match="*")
    assert answer.status == 200, answer.text
    await day_steps.step_all(market.parts)
    assert await status(s) == "open"
    assert (await s.order(buyer)).status == 201
    assert market.broken() == []


@pytest.mark.parametrize(("hours", "what"), [(2, "its window has begun"), (4, "its cut-off has come")])
async def test_it_stays_closed_where_nobody_could_order_any_more(parts: Parts, hours: float, what: str) -> None:
    market = sandbox(parts)
    admin, now, farmer, buyer = await market.person("admin"), market.parts.now(), await market.farmer(), await market.person()  # fmt: skip
    carrots = (await market.product(farmer))["id"]
    day = await made(admin, body(now, opens=-1, closes=3, windows=[delivery(now, 1, 6, **ONE)]))
    s = Stall(market, admin, farmer, carrots, carrots, day)
    order = await sold_out(s, buyer)
    await moved(market, admin, now + timedelta(hours=hours))
    assert (await buyer.post(f"{order}/cancel", {})).status == 200
    await moved(market, admin, now + timedelta(hours=hours, minutes=1))
    assert await status(s) == "closed", what
    assert "reopened" not in [type for type, _ in await events(market)]


@pytest.mark.parametrize("first", ["reopen", "close"])
async def test_a_day_that_is_about_to_open_again_and_the_staff_who_close_it_agree(market: Market, first: str) -> None:
    """Both wait for the day's row, which the test holds."""
    s, buyer = await stall(market, ONE), await market.person()
    order, url = await sold_out(s, buyer), market.parts.database.settings.dsn
    assert (await buyer.post(f"{order}/cancel", {})).status == 200
    actions: dict[str, Any] = {
        "reopen": lambda: day_steps.step_all(market.parts),
        "close": lambda: s.manager.post(f"/api/market-days/{s.day['id']}/close", None),
    }
    names = [first, *(actions.keys() - {first})]
    with holding(url, "update market_days set name = name") as locked:
        await meeting(url, locked, *(actions[name]() for name in names))
    assert await status(s) == "closed"
    reopened = [("reopened", "")] if first == "reopen" else []
    assert (await events(market))[2:] == [*reopened, ("closed", "staff")]
    await day_steps.step_all(market.parts)
    assert await status(s) == "closed"
