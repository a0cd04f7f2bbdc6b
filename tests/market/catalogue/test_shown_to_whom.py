"""What of a product is for everybody's lists, what for its page, and what for its own farm."""

from __future__ import annotations

from typing import Any

from harvestd.market.catalogue.cards import BRIEF
from tests.people import Market

LONG = {
    "description": "d" * 10_000, "ingredients": "i" * 5_000, "metadata": {f"{n:040}": "x" * 500 for n in range(50)},
}  # fmt: skip
CLAIMS = [{"scheme": "Organic", "valid_until": "2020-01-31"}, {"scheme": "For good", "valid_until": None}]


def schemes(product: dict[str, Any]) -> list[str]:
    return [claim["scheme"] for claim in product["certifications"]]


async def test_no_farm_makes_everybody_s_lists_long(market: Market) -> None:
    """Ten pages of 2.4 MB would be all that a process remembers."""
    farmer = await market.farmer()
    for n in range(20):
        await market.product(farmer, title=f"Carrots {n}", **LONG)
    await market.work()
    for path in ("/api/products?limit=20", f"/api/products?farm={farmer.farm_id}", "/api/search?q=carrots&limit=20"):
        answer = await market.stranger.get(path)
        assert len(answer.body) < 100_000, path
        for one in answer.json()["items"]:
            assert one["metadata"] == {}
            assert one["description"] == "d" * BRIEF + "…" and one["ingredients"] == "i" * BRIEF + "…"


async def test_its_page_and_its_farm_s_own_lists_have_all(market: Market) -> None:
    farmer = await market.farmer()
    made = await market.product(farmer, **LONG)
    shown = [
        made,
        (await market.stranger.get(f"/api/products/{made['id']}")).json(),
        *[(await farmer.get(f"/api/products?{more}")).json()["items"][0] for more in ("mine=true", "mine=true&updated_since=2020-01-01T00:00:00Z")],
    ]  # fmt: skip
    for one in shown:
        assert {name: one[name] for name in LONG} == LONG


async def test_a_text_that_is_short_enough_is_whole_in_lists(market: Market) -> None:
    await market.product(await market.farmer(), description="ä" * BRIEF, metadata={"a": "b"})
    (one,) = (await market.stranger.get("/api/products")).json()["items"]
    assert (one["description"], one["metadata"]) == ("ä" * BRIEF, {})


async def test_its_farm_alone_sees_claims_that_are_over_so_that_it_does_not_lose_them(market: Market) -> None:
    farmer, other = await market.farmer(), await market.farmer("Other")
    made = await market.product(farmer, certifications=CLAIMS)
    path = f"/api/products/{made['id']}"
    assert schemes(made) == ["Organic", "For good"]
    for who, seen in (
        (farmer, 2),
        (await market.person("manager"), 2),
        (other, 1),
        (await market.person(), 1),
        (market.stranger, 1),
    ):
        assert len(schemes((await who.get(path)).json())) == seen
    assert schemes((await farmer.get("/api/products?mine=true")).json()["items"][0]) == ["Organic", "For good"]
    assert schemes((await farmer.get("/api/products")).json()["items"][0]) == ["For good"], "the list of everybody"
    read = (await farmer.get(path)).json()
    body = {"title": "Beets", "certifications": read["certifications"]}
    assert schemes((await farmer.request("PATCH", path, body, If_Match="*")).json()) == ["Organic", "For good"]
