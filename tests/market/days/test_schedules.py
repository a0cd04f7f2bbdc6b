"""Schedules: their market days are made ahead, each round once, and what somebody has changed by hand stays so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from harvestd.market.days import schedule_actions
from harvestd.parts import Parts
from tests.market.days.calendar import at, moved, sandbox, weekly
from tests.people import Market, Person
from tests.web.conftest import settled

PATH, DAYS = "/api/market-schedules", "/api/market-days"
ZONE = ZoneInfo("Europe/Berlin")


async def begun(who: Person, **more: Any) -> dict[str, Any]:
    answer = await who.post(PATH, weekly(**more))
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def days(market: Market) -> list[dict[str, Any]]:
    """Those that there are, in order."""
    found: list[dict[str, Any]] = (await market.stranger.get(f"{DAYS}?limit=100")).json()["items"]
    return found[::-1]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZONE)


@pytest.fixture
def berlin(parts: Parts) -> Market:
    return sandbox(parts, market_timezone="Europe/Berlin")


async def changed(who: Person, path: str, given: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await who.request("PATCH", path, given, If_Match="*")
    assert answer.status == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_rounds_are_made_ahead_and_keep_their_time_of_the_clock(berlin: Market) -> None:
    admin = await berlin.person("admin")
    await begun(admin, rounds_ahead=3)
    assert sum(day["status"] == "planned" for day in await days(berlin)) == 3
    answer = await moved(berlin, admin, berlin.parts.now() + timedelta(days=365))
    assert answer["reached"]
    found = await days(berlin)
    assert 53 <= len(found) <= 56
    for day in found:
        opens, closes, start = (local(text) for text in (day["opens_at"], day["closes_at"], day["windows"][0]["from"]))
        assert (opens.weekday(), opens.hour, closes.weekday(), closes.hour) == (0, 8, 3, 20)
        assert (start.weekday(), start.hour) == (5, 9)
    assert len({day["opens_at"] for day in found}) == len(found)
    assert sum(day["status"] == "planned" for day in found) == 3
    assert len({local(day["opens_at"]).utcoffset() for day in found}) == 2  # over the changes of the clock


async def test_each_round_is_made_once_whoever_looks(market: Market) -> None:
    admin = await market.person("admin")
    await begun(admin, rounds_ahead=2)
    before = len(await days(market))
    later = at(market, market.parts.now() + timedelta(days=7)).parts
    assert await settled(*(schedule_actions.make_all(later) for _ in range(5))) == [None] * 5
    assert len(await days(market)) == before + 1


async def test_a_round_that_was_deleted_is_not_made_again(market: Market) -> None:
    admin = await market.person("admin")
    schedule = await begun(admin, rounds_ahead=2)
    first = next(day for day in await days(market) if day["status"] == "planned")
    assert (await admin.request("DELETE", f"{DAYS}/{first['id']}", If_Match="*")).status == 204
    await changed(admin, f"{PATH}/{schedule['id']}", {"rounds_ahead": 3})
    found = [day["opens_at"] for day in await days(market) if day["status"] == "planned"]
    assert first["opens_at"] not in found and len(found) == 2


async def test_a_day_that_was_changed_by_hand_does_not_follow_its_schedule(market: Market) -> None:
    admin = await market.person("admin")
    schedule = await begun(admin, rounds_ahead=3)
    by_hand, *others = [day for day in await days(market) if day["status"] == "planned"]
    await changed(admin, f"{DAYS}/{by_hand['id']}", {"name": "Easter market"})
    after = await changed(
        admin, f"{PATH}/{schedule['id']}", {"name": "Weekend", "closes": {"day": -1, "at": "18:00"}, "windows": []}
    )
    assert (after["name"], after["closes"], after["version"]) == ("Weekend", {"day": -1, "at": "18:00"}, 2)
    found = {day["id"]: day for day in await days(market)}
    assert (found[by_hand["id"]]["name"], len(found[by_hand["id"]]["windows"])) == ("Easter market", 1)
    for one in others:
        assert (found[one["id"]]["name"], found[one["id"]]["windows"]) == ("Weekend", [])
        assert datetime.fromisoformat(found[one["id"]]["closes_at"]).hour == 18


async def test_days_that_a_schedule_has_no_more_go_and_others_come(market: Market) -> None:
    admin = await market.person("admin")
    schedule = await begun(admin, rounds_ahead=2)
    by_hand = next(day for day in await days(market) if day["status"] == "planned")
    await changed(admin, f"{DAYS}/{by_hand['id']}", {"name": "By hand"})
    await changed(admin, f"{PATH}/{schedule['id']}", {"rule": "FREQ=WEEKLY;BYDAY=WE"})
    found = [day for day in await days(market) if day["status"] == "planned"]
    weekdays = [
        datetime.fromisoformat(day["windows"][0]["from"]).weekday() for day in found if day["id"] != by_hand["id"]
    ]
    assert weekdays == [2, 2] and by_hand["id"] in {day["id"] for day in found}
    assert (await admin.request("DELETE", f"{PATH}/{schedule['id']}", If_Match="*")).status == 204
    assert [day["id"] for day in await days(market) if day["status"] == "planned"] == [by_hand["id"]]
    assert (await admin.get(f"{PATH}/{schedule['id']}")).status == 404


async def test_exceptions_extra_days_and_holidays(parts: Parts) -> None:
    market = sandbox(parts, market_timezone="Europe/Berlin")
    admin = await market.person("admin")
    now = market.parts.now()
    first = (now + timedelta(days=20)).date()
    await begun(
        admin, rule="FREQ=DAILY;COUNT=6", first=first.isoformat(), rounds_ahead=60, exceptions=[(first + timedelta(days=1)).isoformat()],
        extra_days=[(first + timedelta(days=9)).isoformat()], country="DE", subdivision="BY", on_holiday="keep",
    )  # fmt: skip
    starts = [(local(day["windows"][0]["from"]).date() - first).days for day in await days(market)]
    assert starts == [0, 2, 3, 4, 5, 9]


async def test_a_pick_up_point_that_is_gone_leaves_the_rounds_that_come(market: Market) -> None:
    admin, farmer = await market.person("admin"), await market.farmer()
    gate = (await farmer.post("/api/pickup-points", {"name": "Gate", "farm_id": farmer.farm_id})).json()
    times = {"from": {"at": "09:00"}, "to": {"at": "12:00"}}
    windows = [{"method": "pickup", "pickup_point_id": gate["id"], **times}, {"method": "delivery", **times}]
    await begun(admin, rounds_ahead=1, windows=windows)
    assert (await farmer.request("DELETE", f"/api/pickup-points/{gate['id']}", If_Match="*")).status == 204
    await schedule_actions.make_all(at(market, market.parts.now() + timedelta(days=7)).parts)
    assert [len(day["windows"]) for day in await days(market)][-2:] == [2, 1]


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"rule": "FREQ=HOURLY"}, "rule", "wrong-form"),
        ({"rule": "FREQ=MONTHLY;BYMONTHDAY=31;BYSETPOS=5"}, "rule", "not-accepted"),
        ({"first": "1999-12-31"}, "first", "not-a-date"),
        ({"country": "XX"}, "country", "wrong-form"),
        ({"on_holiday": "skip"}, "on_holiday", "not-accepted"),
        ({"rounds_ahead": 0}, "rounds_ahead", "below-minimum"),
        ({"opens": {"at": "24:00"}}, "opens.at", "wrong-form"),
        ({"opens": {"at": "08:00\n"}}, "opens.at", "wrong-form"),
        ({"closes": {"day": -6, "at": "08:00"}}, "closes", "before-start"),
        ({"windows": [{"method": "delivery", "from": {"at": "12:00"}, "to": {"at": "12:00"}}]}, "windows[0].to", "before-start"),
        ({"windows": [{"method": "pickup", "from": {"at": "12:00"}, "to": {"at": "13:00"}}]}, "windows[0].pickup_point_id", "required"),
        ({"name": "\u0007"}, "name", "control-character"),
        ({"exceptions": ["2026-02-30"]}, "exceptions[0]", "not-a-date"),
    ],
)  # fmt: skip
async def test_what_cannot_recur_is_refused_by_name(
    market: Market, more: dict[str, Any], field: str, code: str
) -> None:
    admin = await market.person("admin")
    refused = await admin.post(PATH, weekly(**more))
    assert refused.status == 422, refused.text
    assert (field, code) in [(error["field"], error["code"]) for error in refused.json()["errors"]]
    assert (await days(market)) == []


async def test_a_change_is_looked_at_together_with_what_stays(market: Market) -> None:
    admin = await market.person("admin")
    schedule = await begun(admin)
    path = f"{PATH}/{schedule['id']}"
    refused = await changed(admin, path, {"closes": {"day": -7, "at": "08:00"}}, 422)
    assert [error["field"] for error in refused["errors"]] == ["closes"]
    refused = await changed(admin, path, {"on_holiday": "next"}, 422)
    assert [error["field"] for error in refused["errors"]] == ["on_holiday"]
    assert (await admin.request("PATCH", path, {"name": "A"}, If_Match='"v9"')).status == 412


async def test_schedules_are_the_staff_s(market: Market) -> None:
    farmer, manager = await market.farmer(), await market.person("manager")
    assert (await farmer.post(PATH, weekly())).status == 403
    assert (await farmer.get(PATH)).status == 403
    made = await begun(manager)
    assert [one["id"] for one in (await manager.get(PATH)).json()["items"]] == [made["id"]]
    assert (await manager.get(f"{PATH}/{made['id']}")).json() == made
    assert made["rule"] == "FREQ=WEEKLY;BYDAY=SA" and datetime.now(UTC).isoformat() > made["created_at"]
