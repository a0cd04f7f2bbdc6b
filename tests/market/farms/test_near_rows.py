"""Farms by distance: all of them, in one order, on pages of any size, wherever on Earth one asks."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.kernel.geography import distance_km
from harvestd.market.farms import near_rows
from harvestd.market.farms.near_rows import WIDER
from harvestd.store.postgres.statements import Statement, nothing
from tests.people import Market

#: Two at one place, both sides of the antimeridian and the line itself, the poles, and what is far from everything.
PLACES = [
    (48.2, 16.37), (48.2, 16.37), (48.21, 16.4), (48.9, 16.0), (51.0, 10.0), (0.0, 180.0), (0.1, -180.0), (0.2, 179.9), (0.3, -179.8), (-36.8, 174.7), (21.3, -157.8),
    (90.0, 0.0), (89.9, 170.0), (89.5, -10.0), (-89.9, 77.0), (-89.0, 0.0), (-48.2, -163.6),
]  # fmt: skip
ASKED = [
    (48.2, 16.37),
    (0.0, 179.95),
    (0.0, -179.95),
    (0.0, 180.0),
    (0.0, -180.0),
    (90.0, 0.0),
    (89.8, 100.0),
    (-90.0, 0.0),
    (-40.0, -170.0),
    (0.0, 0.0),
]
_FOUND = Statement(
    "test.placed_farm",
    """insert into farms (id, slug, name, latitude, longitude, created_at, updated_at)
       values (:id::uuid, :id::uuid::text, :name, :latitude, :longitude, now(), now())""",
    nothing,
)


async def placed_in(market: Market) -> list[tuple[str, float, float]]:
    """Farms at all the places, and one that has none."""
    made = [(market.parts.new_id(), *place) for place in PLACES]

    async def work(tx: Any) -> None:
        for n, (id, latitude, longitude) in enumerate(made):
            await tx.run(_FOUND, id=id, name=f"Farm {n % 2}", latitude=latitude, longitude=longitude)
        await tx.run(_FOUND, id=market.parts.new_id(), name="Farm 0", latitude=None, longitude=None)

    await market.parts.database.transaction(work)
    return made


def expected(placed: list[tuple[str, float, float]], at: tuple[float, float], radius: float | None) -> list[str]:
    """By another way: every distance, sorted."""
    ranked = sorted((round(distance_km(*at, latitude, longitude), 6), id) for id, latitude, longitude in placed)
    return [id for distance, id in ranked if radius is None or distance <= radius]


@pytest.mark.parametrize("at", ASKED)
async def test_the_nearest_come_first_and_all_of_them_come(market: Market, at: tuple[float, float]) -> None:
    placed = await placed_in(market)
    for radius in (None, 0.5, 5, 29, 50, 150, 500):
        path = f"/api/farms?near={at[0]},{at[1]}" + ("" if radius is None else f"&radius_km={radius}")
        wanted = expected(placed, at, radius)
        whole = (await market.stranger.get(f"{path}&limit=100&count=true")).json()
        assert [farm["id"] for farm in whole["items"]] == wanted, radius
        assert (whole["total"], whole["next"]) == (len(wanted), None)
        for limit in (1, 2, 5):
            found, after = [], ""
            while after is not None:
                page = (await market.stranger.get(f"{path}&limit={limit}{after}")).json()
                found += [farm["id"] for farm in page["items"]]
                after = f"&after={page['next']}" if page["next"] else None  # type: ignore[assignment]
            assert found == wanted, (radius, limit)


async def test_a_name_narrows_them(
    market: Market,
) -> None:
    placed = await placed_in(market)
    own = [one for n, one in enumerate(placed) if n % 2]
    answer = (await market.stranger.get("/api/farms?near=0,180&q=farm%201&limit=100&count=true")).json()
    assert [farm["id"] for farm in answer["items"]] == expected(own, (0.0, 180.0), None)
    assert answer["total"] == len(own)


async def test_more_farms_than_any_circle_holds_have_pages_to_the_last(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the circles are: each page begins where the one before ended."""
    made = [(market.parts.new_id(), 48.0 + n / 50, 16.0) for n in range(60)]

    async def work(tx: Any) -> None:
        for id, latitude, longitude in made:
            await tx.run(_FOUND, id=id, name="Farm", latitude=latitude, longitude=longitude)

    await market.parts.database.transaction(work)
    for wider in (WIDER, (1.0, 50.0, 20_016.0), (20_016.0,)):
        monkeypatch.setattr(near_rows, "WIDER", wider)
        found: list[str] = []
        after = None
        while page := await near_rows.nearest(market.parts.database, (48.0, 16.0), None, "", after, 7):
            found += [one.farm.id for one in page]
            after = (page[-1].distance, page[-1].farm.id)
        assert found == [id for id, *_ in made]


@pytest.mark.parametrize("path", ["/api/products", "/api/search"])
async def test_products_are_found_over_the_antimeridian(market: Market, path: str) -> None:
    farmer = await market.farmer()
    body = {"location": {"latitude": -17.0, "longitude": -179.9}}
    assert (await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", body, If_Match="*")).status == 200
    product = await market.product(farmer)
    await market.work()
    found = (await market.stranger.get(f"{path}?near=-17,179.9&radius_km=30")).json()["items"]
    assert [one["id"] for one in found] == [product["id"]]
    assert (await market.stranger.get(f"{path}?near=-17,179.9&radius_km=20")).json()["items"] == []
