"""Pick-up points: the market's are its staff's, and a farm's are with the farm, which is the one place that they are stored in."""

from __future__ import annotations

from tests.market.days.calendar import body, made
from tests.people import Market

PATH = "/api/pickup-points"
HALL = {
    "name": "Hall",
    "address": "1 Square",
    "position": {"latitude": 48.2, "longitude": 16.4},
    "hours": "Sat 9-12",
    "capacity": {"orders": 40, "weight_kg": "500"},
}


async def test_the_market_s_points_are_made_changed_and_deleted_by_its_staff(market: Market) -> None:
    manager = await market.person("manager")
    answer = await manager.post(PATH, HALL)
    assert answer.status == 201, answer.text
    hall = answer.json()
    assert (hall["farm"], hall["capacity"]) == (None, {"orders": 40, "crates": None, "weight_kg": "500.000"})
    assert (await market.stranger.get(f"{PATH}/{hall['id']}")).json() == hall
    assert [one["id"] for one in (await market.stranger.get(PATH)).json()["items"]] == [hall["id"]]
    changed = await manager.request(
        "PATCH", f"{PATH}/{hall['id']}", {"name": "Old hall", "position": None}, If_Match='"v1"'
    )
    assert (changed.status, changed.json()["name"], changed.json()["position"], changed.json()["version"]) == (
        200,
        "Old hall",
        None,
        2,
    )
    assert (await market.stranger.get(PATH)).json()["items"][0]["name"] == "Old hall"
    assert (await manager.request("DELETE", f"{PATH}/{hall['id']}", If_Match='"v1"')).status == 412
    assert (await manager.request("DELETE", f"{PATH}/{hall['id']}", If_Match='"v2"')).status == 204
    assert (await market.stranger.get(f"{PATH}/{hall['id']}")).status == 404
    assert (await market.stranger.get(PATH)).json()["items"] == []


async def test_a_point_with_windows_stays(market: Market) -> None:
    manager, now = await market.person("manager"), market.parts.now()
    hall = (await manager.post(PATH, HALL)).json()
    window = {
        "method": "pickup",
        "pickup_point_id": hall["id"],
        "from": "2099-01-01T00:00:00Z",
        "to": "2099-01-01T01:00:00Z",
    }
    day = await made(manager, body(now, windows=[window]))
    refused = await manager.request("DELETE", f"{PATH}/{hall['id']}", If_Match="*")
    assert refused.status == 409
    assert (await market.stranger.get(f"/api/market-days/{day['id']}")).json()["windows"][0]["pickup_point"][
        "name"
    ] == "Hall"
    await manager.request("PATCH", f"{PATH}/{hall['id']}", {"name": "New hall"}, If_Match="*")
    shown = (await market.stranger.get(f"/api/market-days/{day['id']}")).json()["windows"][0]["pickup_point"]
    assert (shown["name"], shown["position"]) == ("New hall", {"latitude": 48.2, "longitude": 16.4})


async def test_a_farm_s_point_is_the_farm_s_on_both_ways(market: Market) -> None:
    farmer, other, manager = await market.farmer(), await market.farmer(), await market.person("manager")
    farm = f"/api/farms/{farmer.farm_id}"
    gate = (await farmer.post(PATH, {"name": "Gate", "farm_id": farmer.farm_id})).json()
    assert gate["farm"]["id"] == farmer.farm_id
    assert [(one["id"], one["name"]) for one in (await market.stranger.get(farm)).json()["pickup_points"]] == [
        (gate["id"], "Gate")
    ]
    renamed = await farmer.request("PATCH", f"{PATH}/{gate['id']}", {"name": "Barn"}, If_Match=f'"v{gate["version"]}"')
    assert renamed.status == 200, renamed.text
    assert (await market.stranger.get(farm)).json()["pickup_points"][0]["name"] == "Barn"
    put = await farmer.request("PATCH", farm, {"pickup_points": [{"id": gate["id"], "name": "Yard"}]}, If_Match="*")
    assert put.status == 200
    assert (await market.stranger.get(f"{PATH}/{gate['id']}")).json()["name"] == "Yard"
    assert (await market.stranger.get(PATH)).json()["items"] == []
    refused = await other.request("PATCH", f"{PATH}/{gate['id']}", {"name": "Mine"}, If_Match="*")
    assert refused.status == 403
    capped = await farmer.request("PATCH", f"{PATH}/{gate['id']}", {"capacity": {"orders": 1}}, If_Match="*")
    assert [error["field"] for error in capped.json()["errors"]] == ["capacity"]
    assert (await manager.request("DELETE", f"{PATH}/{gate['id']}", If_Match="*")).status == 204
    assert (await market.stranger.get(farm)).json()["pickup_points"] == []


async def test_a_farmer_makes_none_for_the_market_nor_for_another_farm(market: Market) -> None:
    farmer, other, buyer = await market.farmer(), await market.farmer(), await market.person()
    assert (await farmer.post(PATH, {"name": "Mine"})).status == 403
    assert (await farmer.post(PATH, {"name": "Mine", "farm_id": other.farm_id})).status == 403
    assert (await buyer.post(PATH, {"name": "Mine"})).status == 403
    assert (await farmer.post(PATH, {"name": "Mine", "farm_id": buyer.id})).status == 404


async def test_what_is_wrong_with_a_point_is_named(market: Market) -> None:
    manager = await market.person("manager")
    given = {"name": "", "address": "\u0007", "position": {"latitude": 91, "longitude": 0}, "capacity": {"orders": 0}}
    refused = await manager.post(PATH, given)
    assert {error["field"] for error in refused.json()["errors"]} == {
        "name",
        "address",
        "position.latitude",
        "capacity.orders",
    }
