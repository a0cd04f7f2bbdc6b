"""A farm's addresses of former days lead to it, and nobody else takes one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import Market, Person
from tests.web.conftest import settled

PATH = "/api/farms"


async def renamed(farmer: Person, slug: str, status: int = 200) -> Any:
    answer = await farmer.request("PATCH", f"{PATH}/{farmer.farm_id}", {"slug": slug}, If_Match="*")
    assert answer.status == status, answer.text
    return answer.json()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_former_slug_leads_to_the_present_one(market: Market, method: str) -> None:
    farmer = await market.farmer()
    first = (await market.stranger.get(f"{PATH}/{farmer.farm_id}")).json()["slug"]
    await renamed(farmer, "second")
    for asked in (first, first):  # from PostgreSQL, and from the cache
        answer = await market.stranger.request(method, f"{PATH}/{asked}")
        assert (answer.status, answer.headers["location"], answer.headers["cache-control"]) == (
            301,
            f"{PATH}/second",
            "no-store",
        )
        assert "etag" not in answer.headers
    assert (await market.stranger.request("GET", f"{PATH}/{first}", headers={"If-None-Match": "*"})).status == 301
    assert (await market.stranger.get(f"{PATH}/{farmer.farm_id}")).status == 200
    assert market.broken() == []


async def test_where_former_slugs_lead_is_right_at_once_after_each_change(market: Market) -> None:
    farmer = await market.farmer()
    await renamed(farmer, "first")
    for slug in ("second", "third", "first"):
        await renamed(farmer, slug)
        for asked in ("first", "second", "third"):
            answer = await market.stranger.get(f"{PATH}/{asked}")
            if asked == slug:
                assert (answer.status, answer.json()["id"]) == (200, farmer.farm_id)
            else:
                assert answer.status == 404 or answer.headers["location"] == f"{PATH}/{slug}", (slug, asked)
    assert (await market.stranger.get(f"{PATH}/fourth")).status == 404


async def test_a_former_slug_is_nobody_elses_and_its_farm_may_take_it_back(market: Market) -> None:
    one, two = await market.farmer(), await market.farmer()
    await renamed(one, "first")
    await renamed(one, "second")
    refused = await renamed(two, "first", 409)
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [("slug", "taken")]
    assert (await renamed(one, "first"))["slug"] == "first"
    await renamed(two, "second", 409)
    assert market.broken() == []


async def test_of_two_who_want_a_slug_at_once_one_gets_it(market: Market) -> None:
    """Also while a third one leaves it: a former slug stays its farm's."""
    one, two, three = [await market.farmer() for _ in range(3)]
    for n in range(5):
        await renamed(three, f"left-{n}")
        answers = await settled(
            *(who.request("PATCH", f"{PATH}/{who.farm_id}", {"slug": f"new-{n}"}, If_Match="*") for who in (one, two))
        )
        assert sorted(answer.status for answer in answers) == [200, 409]
        leaving = three.request("PATCH", f"{PATH}/{three.farm_id}", {"slug": f"elsewhere-{n}"}, If_Match="*")
        taking = one.request("PATCH", f"{PATH}/{one.farm_id}", {"slug": f"left-{n}"}, If_Match="*")
        assert [answer.status for answer in await settled(leaving, taking)] == [200, 409]
    assert market.broken() == []


async def test_a_former_slug_works_wherever_a_slug_does(market: Market) -> None:
    farmer = await market.farmer()
    await renamed(farmer, "first")
    product = await market.product(farmer)
    await renamed(farmer, "second")
    await market.work()
    for path in ("/api/products", "/api/search"):
        items = (await market.stranger.get(f"{path}?farm=first&farm=second")).json()["items"]
        assert [(one["id"], one["farm"]["slug"]) for one in items] == [(product["id"], "second")], path
    changed = await farmer.request("PATCH", f"{PATH}/first", {"description": "By the river."}, If_Match="*")
    assert (changed.status, changed.json()["slug"]) == (200, "second")
    assert (await farmer.get(f"{PATH}/first/members")).status == 200


async def test_a_listing_by_a_former_slug_is_as_fresh_as_any(market: Market) -> None:
    farmer = await market.farmer()
    await renamed(farmer, "first")
    await renamed(farmer, "second")
    assert (await market.stranger.get("/api/products?farm=first")).json()["items"] == []
    product = await market.product(farmer)
    assert [p["id"] for p in (await market.stranger.get("/api/products?farm=first")).json()["items"]] == [product["id"]]
