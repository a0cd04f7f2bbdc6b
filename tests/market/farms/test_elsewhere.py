"""What other systems keep with a farm, and ask of many farms at once."""

from __future__ import annotations

import uuid

import pytest

from harvestd.kernel.readers import MAX_IDS
from tests.people import Market, Person

PATH = "/api/farms"


async def changed(farmer: Person, body: dict[str, object], status: int = 200) -> dict[str, object]:
    answer = await farmer.request("PATCH", f"{PATH}/{farmer.farm_id}", body, If_Match="*")
    assert answer.status == status, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_notes_of_other_systems_are_kept_and_returned(market: Market) -> None:
    farmer = await market.farmer()
    fresh = (await market.stranger.get(f"{PATH}/{farmer.farm_id}")).json()
    assert (fresh["external_id"], fresh["metadata"]) == (None, {})
    made = await changed(farmer, {"external_id": "erp/17", "metadata": {"route": "north", "n": ""}})
    assert (made["external_id"], made["metadata"]) == ("erp/17", {"route": "north", "n": ""})
    assert (await market.stranger.get(f"{PATH}/{farmer.farm_id}")).json()["metadata"] == made["metadata"]
    gone = await changed(farmer, {"external_id": None, "metadata": {}})
    assert (gone["external_id"], gone["metadata"]) == (None, {})
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_an_id_elsewhere_is_one_farms_in_the_market(market: Market) -> None:
    one, two = await market.farmer(), await market.farmer()
    await changed(one, {"external_id": "17"})
    refused = await changed(two, {"external_id": "17"}, 409)
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [("external_id", "taken")]  # type: ignore[attr-defined]
    await changed(one, {"external_id": None})
    await changed(two, {"external_id": "17"})


@pytest.mark.parametrize(
    ("body", "fault"),
    [({"external_id": "two words"}, ("external_id", "not-accepted")), ({"external_id": ""}, ("external_id", "too-short")),
     ({"metadata": {"k" * 41: "x"}}, ("metadata." + "k" * 40, "too-long")), ({"metadata": {"k": "\u0007"}}, ("metadata.k", "control-character")),
     ({"metadata": {"k": "x" * 501}}, ("metadata.k", "too-long")), ({"metadata": {"k": 1}}, ("metadata.k", "wrong-type")),
     ({"metadata": {"k": None}}, ("metadata.k", "wrong-type")), ({"metadata": {str(n): "" for n in range(51)}}, ("metadata", "too-long")),
     ({"metadata": []}, ("metadata", "wrong-type"))],
)  # fmt: skip
async def test_what_is_no_id_or_note_is_refused(
    market: Market, body: dict[str, object], fault: tuple[str, str]
) -> None:
    refused = await changed(await market.farmer(), body, 422)
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [fault]  # type: ignore[attr-defined]


async def test_a_farm_that_nobody_has_rated_has_no_average(market: Market) -> None:
    farmer = await market.farmer()
    rating = (await market.stranger.get(f"{PATH}/{farmer.farm_id}")).json()["rating"]
    assert rating == {"average": None, "count": 0}


async def test_farms_are_answered_by_their_ids_in_the_order_asked_for(market: Market) -> None:
    a, b, c = [(await market.farmer(name)).farm_id for name in ("A", "B", "C")]
    asked = [c, str(uuid.uuid4()), a.upper(), c]
    answer = (await market.stranger.get(f"{PATH}?ids={','.join(asked)}&limit=1&count=true")).json()
    assert ([farm["id"] for farm in answer["items"]], answer["next"], answer["total"]) == ([c, a], None, 2)
    assert b not in answer


async def test_so_many_ids_are_asked_for_at_once_and_no_more(market: Market) -> None:
    farmer = await market.farmer()
    full = [str(uuid.uuid4()) for _ in range(MAX_IDS - 1)] + [farmer.farm_id]
    answer = await market.stranger.get(f"{PATH}?ids={','.join(full)}")
    assert [farm["id"] for farm in answer.json()["items"]] == [farmer.farm_id]
    more = await market.stranger.get(f"{PATH}?ids={','.join([*full, farmer.farm_id])}")
    assert (more.status, more.json()["errors"][0]["field"], more.json()["errors"][0]["code"]) == (
        422,
        "ids",
        "too-long",
    )


@pytest.mark.parametrize("ids", ["", "green-acres", "{id},", "{id},{id} "])
async def test_what_is_no_list_of_ids_is_refused(market: Market, ids: str) -> None:
    farmer = await market.farmer()
    answer = await market.stranger.get(f"{PATH}?ids={ids.format(id=farmer.farm_id)}".replace(" ", "%20"))
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "ids")


async def test_ids_go_without_other_filters(market: Market) -> None:
    farmer = await market.farmer()
    for more in ("near=48,11", "q=green", "near=48,11&radius_km=5"):
        answer = await market.stranger.get(f"{PATH}?ids={farmer.farm_id}&{more}")
        assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "not-accepted")
