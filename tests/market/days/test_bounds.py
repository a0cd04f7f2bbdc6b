"""What market days and their schedules may have at most, and in what pieces they are made and shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from harvestd.market.days import day_rules, schedule_actions, schedule_rules
from harvestd.market.days.day_rules import MAX_ON_PAGE, fitting
from harvestd.market.days.schedule_rules import MAX_PARTS, SLICE, ahead_fault, at_once
from harvestd.market.days.window_rules import MAX_PLACES, places_fault
from tests.market.days.calendar import body, delivery, made, weekly
from tests.people import Market

DAYS, SCHEDULES = "/api/market-days", "/api/market-schedules"


@pytest.mark.parametrize(
    ("parts", "days"),
    [
        ([], 1),
        ([0, 0, 0], 3),
        ([MAX_ON_PAGE], 1),
        ([MAX_ON_PAGE + 1, 1], 1),
        ([MAX_ON_PAGE - 1, 1, 1], 2),
        ([1, MAX_ON_PAGE], 1),
    ],
)
def test_a_page_has_as_many_days_as_are_not_too_large_together(parts: list[int], days: int) -> None:
    assert fitting(parts) == days


def template(windows: int, farms: int = 0) -> dict[str, Any]:
    return {"windows": [{}] * windows, "farms": [{}] * farms if farms else None}


@pytest.mark.parametrize(
    ("windows", "farms", "most"),
    [(0, 0, MAX_PARTS), (1, 0, MAX_PARTS), (100, 0, MAX_PARTS // 100), (100, 900, MAX_PARTS // 1000)],
)
def test_so_many_rounds_may_be_made_ahead(windows: int, farms: int, most: int) -> None:
    assert ahead_fault(most, template(windows, farms)) is None
    fault = ahead_fault(most + 1, template(windows, farms))
    assert fault is not None and (fault.field, fault.code, fault.params["maximum"]) == (
        "rounds_ahead",
        "above-maximum",
        str(most),
    )


@pytest.mark.parametrize(("windows", "rounds"), [(0, SLICE), (1, SLICE // 2), (100, SLICE // 101), (1000, 1)])
def test_so_many_rounds_are_made_at_once(windows: int, rounds: int) -> None:
    assert at_once(template(windows)) == rounds


def test_areas_have_so_many_places_together() -> None:
    assert places_fault(MAX_PLACES) is None
    fault = places_fault(MAX_PLACES + 1)
    assert fault is not None and (fault.field, fault.code, fault.params["maximum"]) == (
        "windows",
        "too-long",
        str(MAX_PLACES),
    )


async def test_what_is_too_much_is_refused_by_name(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    wide = {"postcodes": [str(10_000 + n) for n in range(150)]}
    windows = [delivery(now, area=wide) for _ in range(MAX_PLACES // 150 + 1)]
    refused = await manager.post(DAYS, body(now, windows=windows))
    assert (refused.status, [(e["field"], e["code"]) for e in refused.json()["errors"]]) == (
        422,
        [("windows", "too-long")],
    )
    assert (await manager.post(DAYS, body(now, windows=windows[1:]))).status == 201
    scheduled = [{"method": "delivery", "area": wide, "from": {"at": "09:00"}, "to": {"at": "12:00"}}] * len(windows)
    refused = await manager.post(SCHEDULES, weekly(windows=scheduled))
    assert [(e["field"], e["code"]) for e in refused.json()["errors"]] == [("windows", "too-long")]


async def test_rounds_are_made_and_renewed_in_slices_each_once(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_rules, "SLICE", 4)  # two rounds
    manager = await market.person("manager")

    async def named() -> list[str]:
        days = (await market.stranger.get(f"{DAYS}?limit=100")).json()["items"]
        return sorted(day["name"] for day in days if day["status"] == "planned")

    schedule = (await manager.post(SCHEDULES, weekly(rounds_ahead=5))).json()
    assert len(await named()) <= 2
    await schedule_actions.make_all(market.parts)
    market.parts.cache.drop_here(["market_days:all"])
    assert await named() == ["Saturday"] * 5
    path = f"{SCHEDULES}/{schedule['id']}"
    assert (await manager.request("PATCH", path, {"name": "Market"}, If_Match="*")).status == 200
    market.parts.cache.drop_here(["market_days:all"])
    assert (await named()).count("Market") == 2
    edited = next(
        day for day in (await market.stranger.get(f"{DAYS}?limit=100")).json()["items"] if day["name"] == "Saturday"
    )
    assert (await manager.request("PATCH", f"{DAYS}/{edited['id']}", {"name": "By hand"}, If_Match="*")).status == 200
    for _ in range(2):
        await schedule_actions.make_all(market.parts)
    market.parts.cache.drop_here(["market_days:all"])
    assert await named() == ["By hand", "Market", "Market", "Market", "Market"]


async def test_a_page_of_large_days_is_shorter_and_goes_on(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_rules, "MAX_ON_PAGE", 3)
    manager, now = await market.person("manager"), market.parts.now()
    ids = []
    for n in range(4):
        windows = [delivery(now, 60, 70) for _ in range(2)]
        ids.append((await made(manager, body(now, opens=1 + n, closes=30, windows=windows)))["id"])
    found, after, pages = [], "", 0
    while True:
        answer = (await market.stranger.get(f"{DAYS}?limit=10{after}")).json()
        found += [day["id"] for day in answer["items"]]
        pages += 1
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert (found, pages) == (ids[::-1], 4)


async def test_lists_of_days_and_points_are_kept_by_clients_and_asked_for_again(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now, windows=[delivery(now)]))
    hall = (await manager.post("/api/pickup-points", {"name": "Hall"})).json()
    for path, change in (
        (DAYS, (f"{DAYS}/{day['id']}", {"name": "Sunday"})),
        (f"{DAYS}/{day['id']}", (f"{DAYS}/{day['id']}", {"name": "Monday"})),
        ("/api/pickup-points", (f"/api/pickup-points/{hall['id']}", {"name": "Barn"})),
    ):
        first = await market.stranger.get(path)
        tag = first.headers["etag"]
        assert tag.startswith('"') and "public" in first.headers["cache-control"], path
        same = await market.stranger.get(path, headers={"If-None-Match": tag})
        assert (same.status, same.text) == (304, ""), path
        assert (await manager.request("PATCH", change[0], change[1], If_Match="*")).status == 200
        assert (await market.stranger.get(path, headers={"If-None-Match": tag})).status == 200, path


async def test_a_front_end_learns_whether_the_market_sells_by_days(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()

    async def said() -> Any:
        return (await market.stranger.get("/api/market")).json()["by_days"]

    assert await said() is False
    day = await made(manager, body(now + timedelta(days=1)))
    assert await said() is True
    assert (await manager.post(f"{DAYS}/{day['id']}/cancel", {})).status == 200
    assert await said() is False
