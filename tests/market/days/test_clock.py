"""The market's clock: in a sandbox it is moved, what is due happens in order and at its time, and nobody is signed out by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from harvestd.market.days import clock_actions
from harvestd.parts import Parts
from harvestd.store.market_clock import MarketClock
from tests.market.days.calendar import body, delivery, made, moved, sandbox, text, told
from tests.people import Market

CLOCK = "/api/admin/clock"


async def test_a_week_passes_in_the_order_of_its_days(parts: Parts) -> None:
    market = sandbox(parts)
    admin, farmer = await market.person("admin"), await market.farmer()
    now = market.parts.now()
    late = await made(admin, body(now, opens=50, closes=60, windows=[delivery(now, 61, 62)]))
    early = await made(admin, body(now, opens=2, closes=55))
    carrots = await market.product(farmer)
    reduced = {"price": 200, "until": text(now + timedelta(hours=52))}
    assert (await farmer.post(f"/api/products/{carrots['id']}/markdown", reduced)).status == 200
    answer = await moved(market, admin, now + timedelta(days=7))
    assert answer["reached"] and not answer["more"]
    happened = [
        (one["type"], round((datetime.fromisoformat(one["at"]) - now).total_seconds() / 3600))
        for one in answer["happened"]
    ]
    assert happened == [
        ("market_day.opened", 2), ("market_day.opened", 50), ("product.updated", 52), ("market_day.closing_soon", 52),
        ("market_day.closed", 55), ("market_day.closing_soon", 57), ("market_day.closed", 60),
    ]  # fmt: skip
    assert answer["happened"][0]["about"] == f"market_day:{early['id']}"
    for day in (early, late):
        assert (await market.stranger.get(f"/api/market-days/{day['id']}")).json()["status"] == "done"
    assert (await market.stranger.get(f"/api/products/{carrots['id']}")).json()["price"]["amount"] == 390
    assert market.parts.now() - now >= timedelta(days=7)


async def test_whoever_is_signed_in_stays_so_and_their_keys_and_mails_too(parts: Parts) -> None:
    market = sandbox(parts)
    admin, buyer, farmer = await market.person("admin"), await market.person(), await market.farmer()
    carrots = await market.product(farmer)
    before = await buyer.order((carrots["id"], 1), key="one")
    await moved(market, admin, market.parts.now() + timedelta(days=300))
    assert (await buyer.get("/api/users/me")).status == 200
    again = await buyer.order((carrots["id"], 1), key="one")
    assert (again.status, again.json()["id"]) == (201, before.json()["id"])
    later = (await buyer.order((carrots["id"], 1))).json()
    assert datetime.fromisoformat(later["placed_at"]) - datetime.now(UTC) > timedelta(days=299)
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_holds_end_with_the_market_s_time(parts: Parts) -> None:
    market = sandbox(parts, order_confirmation="farm", reservation_ttl=3600.0)
    admin, buyer, farmer = await market.person("admin"), await market.person(), await market.farmer()
    carrots = await market.product(farmer)
    order = (await buyer.order((carrots["id"], 1))).json()
    answer = await moved(market, admin, market.parts.now() + timedelta(hours=2))
    assert [one["type"] for one in answer["happened"] if one["type"].startswith("order.")] == [
        "order.updated",
        "order.expired",
    ]
    assert (await buyer.get(f"/api/orders/{order['id']}")).json()["status"] == "expired"


async def test_every_process_has_the_time_and_so_has_one_that_starts_later(parts: Parts) -> None:
    market = sandbox(parts)
    admin = await market.person("admin")
    to = market.parts.now() + timedelta(days=30)
    await moved(market, admin, to)
    other = MarketClock(parts.database, None, lambda: datetime.now(UTC), sandbox=True)
    await other.adopt()
    assert abs(other.now() - market.parts.now()) < timedelta(seconds=5)
    assert not other.moving
    world = MarketClock(parts.database, None, lambda: datetime.now(UTC), sandbox=False)
    await world.adopt()
    assert world.ahead() == timedelta() and abs(world.now() - datetime.now(UTC)) < timedelta(seconds=5)


async def test_it_is_an_admin_s_and_only_in_a_sandbox(market: Market, parts: Parts) -> None:
    to = {"to": text(market.parts.now() + timedelta(days=1))}
    admin = await market.person("admin")
    assert (await admin.post(CLOCK, to)).status == 404
    toy = sandbox(parts)
    for role in ("buyer", "farmer", "manager"):
        assert (await (await toy.person(role)).post(CLOCK, to)).status == 403
    assert (await toy.stranger.post(CLOCK, to)).status == 401
    assert (await toy.stranger.get("/api/market")).json()["sandbox"] is True


async def test_it_moves_forward_and_not_too_far(parts: Parts) -> None:
    market = sandbox(parts)
    admin, now = await market.person("admin"), market.parts.now()
    for to, code in ((now - timedelta(seconds=1), "below-minimum"), (now + timedelta(days=401), "above-maximum")):
        refused = await admin.post(CLOCK, {"to": text(to)})
        assert [(error["field"], error["code"]) for error in refused.json()["errors"]] == [("to", code)]
    assert market.parts.ahead() == timedelta()


async def test_very_much_is_done_in_parts(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_actions, "MAX_STEPS", 5)
    market = sandbox(parts)
    admin, now = await market.person("admin"), market.parts.now()
    for n in range(4):
        await made(admin, body(now, opens=n + 1, closes=n + 30))
    to = now + timedelta(days=9)
    answers = [await moved(market, admin, to)]
    while not answers[-1]["reached"]:
        assert datetime.fromisoformat(answers[-1]["now"]) < to
        answers.append(await moved(market, admin, to))
    assert len(answers) > 2
    assert sum(len(answer["happened"]) for answer in answers) == len(await told(market)) == 12


async def test_live_tasks_leave_what_is_due_to_whoever_moves_the_clock(parts: Parts) -> None:
    market = sandbox(parts)
    await market.parts.clock.move(market.parts.now(), moving=True)
    assert market.parts.clock.moving
    await market.parts.clock.move(market.parts.now(), moving=False)
    assert not market.parts.clock.moving


async def test_every_task_that_goes_by_the_market_s_time_says_when_it_is_due(market: Market) -> None:
    toy = sandbox(market.parts)
    for due in toy.parts.dues:
        assert await due.next_due(toy.parts) is None
    assert {due.name for due in toy.parts.dues} >= {
        "market days",
        "expiry",
        "markdowns",
        "farms' days",
        "order details",
    }
