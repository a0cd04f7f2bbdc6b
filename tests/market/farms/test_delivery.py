"""Where a farm delivers, and where its goods are picked up, as everybody sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import Market, Person

PLACE = {"latitude": 48.2, "longitude": 16.37, "address": "1 Lane"}
TOWN = {
    "name": "Town",
    "postcodes": ["1010", "1020"],
    "fee": 390,
    "minimum": {"amount": 1500, "currency": "EUR"},
    "free_from": 5000,
    "rate": 19,
}
ROUND = {"name": "Round", "radius_km": "12.5"}


async def changed(farmer: Person, body: dict[str, Any], status: int = 200) -> Any:
    answer = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", body, If_Match="*")
    assert answer.status == status, answer.text
    return answer.json()


def eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def test_delivery_is_shown_to_everybody(market: Market) -> None:
    farmer = await market.farmer()
    path = f"/api/farms/{farmer.farm_id}"
    assert (await market.stranger.get(path)).json()["delivery"] is None
    await changed(farmer, {"location": PLACE, "delivery": {"areas": [TOWN, ROUND], "note": "On Fridays."}})
    shown = (await market.stranger.get(path)).json()["delivery"]
    assert shown == {
        "areas": [
            {
                "name": "Town",
                "postcodes": ["1010", "1020"],
                "radius_km": None,
                "polygon": None,
                "fee": eur(390),
                "minimum": eur(1500),
                "free_from": eur(5000),
                "rate": "19.000",
            },
            {
                "name": "Round",
                "postcodes": None,
                "radius_km": 12.5,
                "polygon": None,
                "fee": eur(0),
                "minimum": eur(0),
                "free_from": None,
                "rate": "0.000",
            },
        ],
        "note": "On Fridays.",
    }
    assert (await changed(farmer, {"delivery": shown}))["delivery"] == shown
    await changed(farmer, {"delivery": None})
    assert (await market.stranger.get(path)).json()["delivery"] is None


async def test_a_circle_round_the_farm_needs_the_farms_position(market: Market) -> None:
    farmer = await market.farmer()
    body = {"delivery": {"areas": [TOWN, ROUND]}}
    refused = await changed(farmer, body, 422)
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [("delivery.areas[1].radius_km", "required")]
    await changed(farmer, {**body, "location": PLACE})
    await changed(farmer, {"location": None}, 422)
    assert (await market.stranger.get(f"/api/farms/{farmer.farm_id}")).json()["location"]["latitude"] == 48.2


@pytest.mark.parametrize(
    ("delivery", "faults"),
    [
        ({"areas": []}, {"delivery.areas": "too-short"}),
        ({"areas": [{"name": "A", "postcodes": ["!!"], "fee": -1}]}, {"delivery.areas[0].postcodes[0]": "wrong-form", "delivery.areas[0].fee": "below-minimum"}),
        ({"areas": [{"name": "A", "postcodes": ["1010"], "fee": {"amount": 1, "currency": "USD"}}], "note": "\x07"},
         {"delivery.areas[0].fee.currency": "other-currency", "delivery.note": "control-character"}),
        ({"areas": [{"name": 7, "postcodes": ["!!"], "minimum": -1}], "note": "\x07"},
         {"delivery.areas[0].name": "wrong-type", "delivery.areas[0].postcodes[0]": "wrong-form", "delivery.areas[0].minimum": "below-minimum", "delivery.note": "control-character"}),
        ({"areas": [{"name": "A", "postcodes": [1010, "!!", "1020"]}]}, {"delivery.areas[0].postcodes[0]": "wrong-type", "delivery.areas[0].postcodes[1]": "wrong-form"}),
    ],
)  # fmt: skip
async def test_all_that_is_wrong_is_told_at_once(
    market: Market, delivery: dict[str, Any], faults: dict[str, str]
) -> None:
    refused = await changed(await market.farmer(), {"delivery": delivery}, 422)
    assert {e["field"]: e["code"] for e in refused["errors"]} == faults


async def test_a_pick_up_point_says_where_it_is_and_when_it_opens_and_keeps_its_id(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    at = {"latitude": -36.85, "longitude": 174.76}
    (gate,) = (
        await changed(farmer, {"pickup_points": [{"name": "Gate", "position": at, "hours": " Sat 9-12\r\nSun 10-11 "}]})
    )["pickup_points"]
    assert gate == {"id": gate["id"], "name": "Gate", "address": "", "position": at, "hours": "Sat 9-12\nSun 10-11"}
    (same,) = (await changed(farmer, {"pickup_points": [gate]}))["pickup_points"]
    assert same == gate
    product = await market.product(farmer)
    order = await buyer.order((product["id"], 1), fulfilment={"method": "pickup", "pickup_point_id": gate["id"]})
    assert order.json()["fulfilment"]["pickup_point"] == gate, "as it was"


async def test_a_pick_up_point_is_on_earth(market: Market) -> None:
    farmer = await market.farmer()
    points = [
        {"name": "A", "position": {"latitude": 91, "longitude": 0}},
        {"name": 7, "position": {"latitude": 0, "longitude": -181}, "hours": "\x07"},
    ]
    refused = await changed(farmer, {"pickup_points": points}, 422)
    assert {e["field"]: e["code"] for e in refused["errors"]} == {
        "pickup_points[0].position.latitude": "not-a-position", "pickup_points[1].position.longitude": "not-a-position",
        "pickup_points[1].name": "wrong-type", "pickup_points[1].hours": "control-character",
    }  # fmt: skip


async def test_a_fee_that_nobody_could_pay_is_refused_by_its_name_whichever_of_the_two_amounts_comes_last(
    market: Market,
) -> None:
    farmer = await market.farmer()
    path = f"/api/farms/{farmer.farm_id}"
    where = {
        "areas": [{"name": "Town", "postcodes": ["1010"], "fee": 390, "minimum": 0, "free_from": 1500}],
        "note": "",
    }

    async def patched(**body: Any) -> Any:
        return await farmer.request("PATCH", path, body, If_Match="*")

    assert (await patched(delivery=where)).status == 200
    answer = await patched(order_minimum=2000)
    assert (answer.status, [(e["field"], e["code"]) for e in answer.json()["errors"]]) == (
        422,
        [("delivery.areas[0].free_from", "below-minimum")],
    )
    assert "€20.00" in answer.json()["errors"][0]["message"]
    assert (await patched(order_minimum=1500)).status == 200
    where["areas"][0]["free_from"] = 1499
    assert (await patched(delivery=where)).status == 422
    where["areas"][0]["fee"] = 0
    assert (await patched(delivery=where, order_minimum=9000)).status == 200, "it is free anyway"
