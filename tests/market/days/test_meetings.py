"""Two who change one thing of the market's days and charges at once, each case forced: both wait for what the test holds, and go on in the order in which they came."""

from __future__ import annotations

from typing import Any

import pytest

from tests.locks import holding, meeting
from tests.market.days.calendar import body, delivery, weekly
from tests.people import Market

#: Of each thing: its table, where it is made, and of what.
THINGS: dict[str, tuple[str, str, Any]] = {
    "day": ("market_days", "/api/market-days", body),
    "schedule": ("market_schedules", "/api/market-schedules", lambda _: weekly(rounds_ahead=1)),
    "point": ("pickup_points", "/api/pickup-points", lambda _: {"name": "Hall", "address": "1 Square"}),
}


@pytest.mark.parametrize("thing", THINGS)
async def test_of_two_who_change_the_same_version_the_second_is_told(
    market: Market, database_url: str, thing: str
) -> None:
    table, path, given = THINGS[thing]
    manager = await market.person("manager")
    made = await manager.post(path, given(market.parts.now()))
    assert made.status == 201, made.text
    own, version = f"{path}/{made.json()['id']}", f'"v{made.json()["version"]}"'
    names = ("First", "Second")
    with holding(database_url, f"update {table} set version = version") as locked:
        answers = await meeting(
            database_url, locked, *(manager.request("PATCH", own, {"name": name}, If_Match=version) for name in names)
        )
    assert [answer.status for answer in answers] == [200, 412]
    assert (await market.stranger.get(own)).json()["name"] == "First" if thing != "schedule" else True


@pytest.mark.parametrize("first", ["day", "deletion"])
async def test_a_point_is_deleted_or_has_a_window(market: Market, database_url: str, first: str) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    hall = (await manager.post("/api/pickup-points", {"name": "Hall", "address": "1 Square"})).json()["id"]
    window = delivery(now, method="pickup", pickup_point_id=hall)
    day = manager.post("/api/market-days", body(now, windows=[window]))
    delete = manager.request("DELETE", f"/api/pickup-points/{hall}", If_Match="*")
    with holding(database_url, "select from pickup_points where id = %s for update", hall) as locked:
        answers = await meeting(database_url, locked, *((day, delete) if first == "day" else (delete, day)))
    statuses = [answer.status for answer in answers]
    assert statuses == ([201, 409] if first == "day" else [204, 422]), [answer.text for answer in answers]


@pytest.mark.parametrize("first", ["day", "deletion"])
async def test_a_farm_s_point_that_is_deleted_first_has_no_window(
    market: Market, database_url: str, first: str
) -> None:
    """A point of a farm is no row that a window could refer to: whoever makes the window waits for the farm."""
    manager, farmer, now = await market.person("manager"), await market.farmer(), market.parts.now()
    given = {"name": "Stand", "address": "1 Lane", "farm_id": farmer.farm_id}
    stand = (await farmer.post("/api/pickup-points", given)).json()["id"]
    window = delivery(now, method="pickup", pickup_point_id=stand)
    day = manager.post("/api/market-days", body(now, windows=[window]))
    delete = farmer.request("DELETE", f"/api/pickup-points/{stand}", If_Match="*")
    with holding(database_url, "update farms set name = name where id = %s", farmer.farm_id) as locked:
        answers = await meeting(database_url, locked, *((day, delete) if first == "day" else (delete, day)))
    statuses = [answer.status for answer in answers]
    assert statuses == ([201, 204] if first == "day" else [204, 422]), [answer.text for answer in answers]


async def test_one_code_is_one_coupon_s_though_two_are_made_at_once(market: Market, database_url: str) -> None:
    """Both wait for whoever makes one, which the test is."""
    manager = await market.person("manager")
    coupon = {"code": "SPRING", "percent": 10}
    with holding(database_url, "select pg_advisory_xact_lock(x'50524943494e47'::bigint)") as locked:
        answers = await meeting(database_url, locked, *(manager.post("/api/coupons", coupon) for _ in range(2)))
    assert [answer.status for answer in answers] == [201, 409], [answer.text for answer in answers]
