"""Benefit programmes that a farm takes: said by the farm, and found by."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import Market, Person


async def says(farmer: Person, benefits: Any, status: int = 200) -> dict[str, Any]:
    answer = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"benefits": benefits}, If_Match="*")
    assert answer.status == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def names(market: Market, path: str) -> list[str]:
    answer = await market.stranger.get(path)
    assert answer.status == 200, answer.text
    return [one.get("name") or one["title"] for one in answer.json()["items"]]


async def test_a_farm_says_what_it_takes(market: Market) -> None:
    farmer = await market.farmer()
    path = f"/api/farms/{farmer.farm_id}"
    assert (await market.stranger.get(path)).json()["benefits"] == []
    assert (await says(farmer, ["wic_fmnp", "snap"]))["benefits"] == ["snap", "wic_fmnp"]
    assert (await market.stranger.get(path)).json()["benefits"] == ["snap", "wic_fmnp"]
    assert (await says(farmer, []))["benefits"] == []
    for wrong in (["gold"], ["SNAP"], "snap", None, ["snap"] * 6):
        errors = (await says(farmer, wrong, 422))["errors"]
        assert errors[0]["field"].startswith("benefits"), wrong


@pytest.mark.parametrize("near", ["", "near=48,11&", "near=48,11&radius_km=50&"])
async def test_farms_are_found_by_what_they_take(market: Market, near: str) -> None:
    place = {"location": {"latitude": 48.0, "longitude": 11.0, "address": ""}}
    for name, benefits in (("Both", ["snap", "wic"]), ("Snap", ["snap"]), ("None", [])):
        farmer = await market.farmer(name)
        await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", place, If_Match="*")
        await says(farmer, benefits)
    for asked, expected in (
        ("benefit=snap", {"Both", "Snap"}), ("benefit=wic", {"Both"}), ("benefit=wic&benefit=snap", {"Both", "Snap"}),
        ("benefit=senior_fmnp", set()), ("benefit=snap&q=both", {"Both"}), ("", {"Both", "Snap", "None"}),
    ):  # fmt: skip
        assert set(await names(market, f"/api/farms?{near}{asked}")) == expected, asked
        total = (await market.stranger.get(f"/api/farms?{near}{asked}&count=true&limit=1")).json()["total"]
        assert total == len(expected), asked
    refused = await market.stranger.get(f"/api/farms?{near}benefit=gold")
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "benefit[0]")


@pytest.mark.parametrize("path", ["/api/products", "/api/search"])
async def test_products_follow_what_their_farm_takes_also_in_answers_that_are_cached(market: Market, path: str) -> None:
    farmer, other = await market.farmer("One"), await market.farmer("Two")
    await market.product(farmer, title="Carrots")
    await market.product(other, title="Leeks")
    await market.work()
    for benefits, expected in ((["snap"], ["Carrots"]), (["wic"], []), (["wic", "snap"], ["Carrots"]), ([], [])):
        await says(farmer, benefits)
        await market.work()
        for _ in range(2):
            assert await names(market, f"{path}?benefit=snap") == expected, benefits
    assert sorted(await names(market, path)) == ["Carrots", "Leeks"]
