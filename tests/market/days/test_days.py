"""Market days over HTTP, and the steps that they take by themselves: each exactly once, whoever looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from harvestd.market.days import day_steps
from tests.market.days.calendar import at, body, delivery, made, stepped, text, told
from tests.people import Market, Person
from tests.web.conftest import settled

PATH = "/api/market-days"


async def seen(market: Market, id: str) -> dict[str, Any]:
    answer = await market.stranger.get(f"{PATH}/{id}")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def changed(who: Person, id: str, given: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await who.request("PATCH", f"{PATH}/{id}", given, If_Match="*")
    assert answer.status == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_day_opens_warns_closes_and_ends_by_itself(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now, windows=[delivery(now)]))
    assert (day["status"], day["farms"], day["holds_minutes"], day["version"]) == ("planned", None, 15, 1)
    assert day["ends_at"] == day["windows"][0]["to"]
    for hours, status, events in (
        (0.5, "planned", 0), (1, "open", 1), (21, "open", 1), (22, "open", 2), (24, "open", 2), (25, "closed", 3), (33, "closed", 3), (34, "done", 3),
    ):  # fmt: skip
        await stepped(market, now + timedelta(hours=hours))
        assert ((await seen(market, day["id"]))["status"], len(await told(market))) == (status, events), hours
    assert await told(market) == [
        ("opened", day["id"], ""),
        ("closing_soon", day["id"], ""),
        ("closed", day["id"], "cut-off"),
    ]
    assert (await seen(market, day["id"]))["version"] == 5
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_a_day_that_nobody_looked_after_takes_all_its_steps_at_once(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now))
    await stepped(market, now + timedelta(days=9))
    assert [type for type, _, _ in await told(market)] == ["opened", "closing_soon", "closed"]
    assert (await seen(market, day["id"]))["status"] == "done"


async def test_processes_that_look_at_once_take_each_step_once(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    days = [await made(manager, body(now)) for _ in range(3)]
    later = at(market, now + timedelta(hours=23)).parts
    done = await settled(*(day_steps.step_all(later) for _ in range(6)))
    assert done == [None] * 6
    assert sorted(await told(market)) == sorted(
        (type, day["id"], "") for day in days for type in ("opened", "closing_soon")
    )


async def test_one_that_opens_by_now_is_open_at_once(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now, opens=-1))
    assert (day["status"], day["version"]) == ("open", 2)
    assert [type for type, _, _ in await told(market)] == ["opened"]


async def test_a_later_cut_off_is_warned_of_again(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now, opens=-1, closes=2))
    await changed(manager, day["id"], {"closes_at": text(now + timedelta(hours=40))})
    await stepped(market, now + timedelta(hours=38))
    await changed(manager, day["id"], {"closes_at": text(now + timedelta(hours=90))})
    await stepped(market, now + timedelta(hours=88))
    assert [type for type, _, _ in await told(market)] == ["opened", "closing_soon", "closing_soon"]


async def test_staff_close_and_cancel_once_and_say_so(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day, other = await made(manager, body(now, opens=-1)), await made(manager, body(now))
    for _ in range(2):
        closed = await manager.post(f"{PATH}/{day['id']}/close", None)
        assert (closed.status, closed.json()["status"], closed.json()["version"]) == (200, "closed", 3)
        cancelled = await manager.post(f"{PATH}/{other['id']}/cancel", {"reason": "Storm."})
        assert (cancelled.status, cancelled.json()["status"], cancelled.json()["version"]) == (200, "cancelled", 2)
    assert [(type, reason) for type, _, reason in await told(market)] == [
        ("opened", ""),
        ("closed", "staff"),
        ("cancelled", "Storm."),
    ]
    refused = await manager.post(f"{PATH}/{other['id']}/close", None)
    assert (refused.status, refused.json()["type"]) == (409, "/problems/illegal-transition")
    await stepped(market, now + timedelta(days=9))
    assert (await seen(market, other["id"]))["status"] == "cancelled"
    assert (await manager.post(f"{PATH}/{day['id']}/cancel", {})).status == 409


async def test_what_has_begun_is_refused_by_name(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now, opens=-1))
    refused = await changed(manager, day["id"], {"opens_at": text(now), "name": "Sunday"}, 409)
    assert [(error["field"], error["params"]["reason"]) for error in refused["errors"]] == [("opens_at", "day-status")]
    same = await changed(manager, day["id"], {"opens_at": day["opens_at"], "name": "Sunday"})
    assert same["name"] == "Sunday"


async def test_a_day_does_not_open_behind_its_windows(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now, windows=[delivery(now)]))
    later = {"opens_at": text(now + timedelta(hours=40)), "closes_at": text(now + timedelta(hours=50))}
    refused = await changed(manager, day["id"], later, 422)
    assert [(error["field"], error["code"]) for error in refused["errors"]] == [("windows", "before-start")]
    assert (await changed(manager, day["id"], later | {"windows": [delivery(now, 60, 61)]}))["ends_at"] == text(
        now + timedelta(hours=61)
    )


async def test_a_change_wants_the_version_that_it_starts_from(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now))
    path = f"{PATH}/{day['id']}"
    assert (await manager.request("PATCH", path, {"name": "A"})).status == 428
    assert (await manager.request("PATCH", path, {"name": "A"}, If_Match='"v7"')).status == 412
    assert (await manager.request("PATCH", path, {"name": "A"}, If_Match='"v1"')).status == 200
    assert (await manager.request("DELETE", path, If_Match='"v1"')).status == 412
    assert (await manager.request("DELETE", path, If_Match='"v2"')).status == 204
    assert (await market.stranger.get(path)).status == 404


async def test_farms_take_part_each_with_its_lead(market: Market) -> None:
    manager, now, farmer = await market.person("manager"), market.parts.now(), await market.farmer("Green Acres")
    day = await made(manager, body(now, farms=[{"farm_id": farmer.farm_id, "lead_minutes": 90}]))
    (one,) = day["farms"]
    assert (one["farm"]["name"], one["lead_minutes"]) == ("Green Acres", 90)
    assert one["closes_at"] == text(now + timedelta(hours=23.5))
    refused = await manager.post(PATH, body(now, farms=[{"farm_id": day["id"]}]))
    assert [(error["field"], error["code"]) for error in refused.json()["errors"]] == [
        ("farms[0].farm_id", "not-found")
    ]
    twice = await manager.post(PATH, body(now, farms=[{"farm_id": farmer.farm_id}] * 2))
    assert [(error["field"], error["code"]) for error in twice.json()["errors"]] == [
        ("farms[1].farm_id", "given-twice")
    ]
    assert (await changed(manager, day["id"], {"farms": None}))["farms"] is None
    await stepped(market, now + timedelta(hours=1))
    assert [type for type, _, _ in await told(market)] == ["opened"]


async def test_windows_are_at_points_of_the_market_or_of_a_farm_or_deliver(market: Market) -> None:
    manager, now, farmer = await market.person("manager"), market.parts.now(), await market.farmer()
    hall = (await manager.post("/api/pickup-points", {"name": "Hall", "capacity": {"orders": 40}})).json()
    gate = (await farmer.post("/api/pickup-points", {"name": "Gate", "farm_id": farmer.farm_id})).json()
    times = {"from": text(now + timedelta(hours=30)), "to": text(now + timedelta(hours=32))}
    area = {"radius_km": 12.5, "center": {"latitude": 48.2, "longitude": 16.4}}
    windows = [
        {"method": "pickup", "pickup_point_id": hall["id"], **times},
        {"method": "pickup", "pickup_point_id": gate["id"], **times, "capacity": {"crates": 5, "weight_kg": "80.5"}},
        {"method": "delivery", "area": area, **times},
    ]
    day = await made(manager, body(now, windows=windows))
    first, second, third = day["windows"]
    assert (first["pickup_point"]["name"], first["capacity"]) == (
        "Hall",
        {"orders": 40, "crates": None, "weight_kg": None},
    )
    assert (second["pickup_point"]["name"], second["capacity"]["weight_kg"]) == ("Gate", "80.500")
    assert (third["pickup_point"], third["area"]["radius_km"]) == (None, 12.5)
    assert third["taken"] == {"orders": 0, "crates": 0, "weight_kg": "0.000"}
    kept = {"id": third["id"], "method": "delivery", **times}
    after = await changed(manager, day["id"], {"windows": [kept, {"method": "delivery", **times}]})
    assert after["windows"][0]["id"] == third["id"] and len(after["windows"]) == 2
    assert after["windows"][0]["area"] is None
    strange = await changed(manager, day["id"], {"windows": [{**kept, "id": first["id"]}]}, 422)
    assert [error["field"] for error in strange["errors"]] == ["windows[0].id"]


async def test_a_point_of_a_farm_that_is_gone_is_gone_from_its_windows_too(market: Market) -> None:
    manager, now, farmer = await market.person("manager"), market.parts.now(), await market.farmer()
    gate = (await farmer.post("/api/pickup-points", {"name": "Gate", "farm_id": farmer.farm_id})).json()
    times = {"from": text(now + timedelta(hours=30)), "to": text(now + timedelta(hours=32))}
    day = await made(manager, body(now, windows=[{"method": "pickup", "pickup_point_id": gate["id"], **times}]))
    assert (await seen(market, day["id"]))["windows"][0]["pickup_point"]["name"] == "Gate"
    assert (await farmer.request("DELETE", f"/api/pickup-points/{gate['id']}", If_Match="*")).status == 204
    assert (await seen(market, day["id"]))["windows"][0]["pickup_point"] is None


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"name": "\u200b"}, "name", "not-visible"),
        ({"name": "x" * 201}, "name", "too-long"),
        ({"closes_at": "2020-01-01T00:00:00Z"}, "closes_at", "before-start"),
        ({"holds_minutes": 0}, "holds_minutes", "below-minimum"),
        ({"holds_minutes": 121}, "holds_minutes", "above-maximum"),
        ({"farms": []}, "farms", "too-short"),
        ({"status": "open"}, "status", "not-accepted"),
        ({"windows": [{"method": "pickup", "from": "2099-01-01T00:00:00Z", "to": "2099-01-01T01:00:00Z"}]}, "windows[0].pickup_point_id", "required"),
        ({"windows": [{"method": "delivery", "from": "2020-01-01T00:00:00Z", "to": "2020-01-01T01:00:00Z"}]}, "windows[0].to", "before-start"),
        (
            {"windows": [{"method": "delivery", "from": "2099-01-01T00:00:00Z", "to": "2099-01-01T01:00:00Z", "area": {"radius_km": 5}}]},
            "windows[0].area.center", "required",
        ),
        (
            {"windows": [{"method": "delivery", "from": "2099-01-01T00:00:00Z", "to": "2099-01-01T01:00:00Z", "area": {}}]},
            "windows[0].area.postcodes", "required",
        ),
    ],
)  # fmt: skip
async def test_a_day_that_cannot_be_is_refused_by_name(
    market: Market, more: dict[str, Any], field: str, code: str
) -> None:
    manager = await market.person("manager")
    refused = await manager.post(PATH, body(market.parts.now()) | more)
    assert refused.status == 422, refused.text
    assert (field, code) in [(error["field"], error["code"]) for error in refused.json()["errors"]]


async def test_only_staff_make_days_and_everybody_sees_them(market: Market) -> None:
    now = market.parts.now()
    for role in ("buyer", "farmer"):
        person = await market.person(role)
        assert (await person.post(PATH, body(now))).status == 403
    assert (await market.stranger.post(PATH, body(now))).status == 401
    manager = await market.person("manager")
    ids = [(await made(manager, body(now, opens=hours)))["id"] for hours in (1, 2)]
    await changed(manager, ids[0], {"opens_at": text(now - timedelta(hours=1))})
    listed = (await market.stranger.get(f"{PATH}?count=true")).json()
    assert ([one["id"] for one in listed["items"]], listed["total"]) == (ids[::-1], 2)
    assert [one["id"] for one in (await market.stranger.get(f"{PATH}?status=open")).json()["items"]] == ids[:1]


async def test_a_copy_is_of_another_day_and_has_windows_of_its_own(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    day = await made(manager, body(now, windows=[delivery(now, capacity={"orders": 3})], metadata={"a": "b"}))
    answer = await manager.post(
        f"{PATH}/{day['id']}/copy", {"opens_at": text(now + timedelta(days=7, hours=1)), "name": "Next"}
    )
    assert answer.status == 201, answer.text
    copy = answer.json()
    assert (copy["name"], copy["metadata"], copy["status"]) == ("Next", {"a": "b"}, "planned")
    assert copy["closes_at"] == text(now + timedelta(days=7, hours=25))
    assert copy["windows"][0]["from"] == text(now + timedelta(days=7, hours=30))
    assert copy["windows"][0]["id"] != day["windows"][0]["id"]
    assert copy["windows"][0]["capacity"]["orders"] == 3
    assert (
        await manager.post(f"{PATH}/{answer.json()['id']}/copy", {"opens_at": "2020-01-01T00:00:00Z"})
    ).status == 422
