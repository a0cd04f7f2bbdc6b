"""Members of a group are suggested what they find in search; nobody else is."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import attrs
import pytest

from servers.elasticsearch import ElasticsearchServer
from tests.market.search.test_fallback import standing
from tests.people import Market, Person
from tests.web.conftest import make_market

pytestmark = pytest.mark.xdist_group("elasticsearch")


async def members(market: Market) -> tuple[Person, str]:
    """Somebody in a group, and its id."""
    manager, member = await market.person("manager"), await market.person()
    group = (await manager.post("/api/groups", {"name": "Members"})).json()["id"]
    assert (await manager.request("PUT", f"/api/groups/{group}/members/{member.id}")).status == 200
    return member, group


async def suggested(who: Any, q: str) -> list[tuple[str, str]]:
    answer = await who.get(f"/api/search/suggest?q={quote(q)}")
    assert answer.status == 200, answer.text
    return [(one["kind"], one["text"]) for one in answer.json()["items"]]


async def orchard(market: Market, group: str) -> dict[str, Any]:
    admin = await market.person("admin")
    category = (await admin.post("/api/categories", {"name": "Quirks"})).json()["id"]
    hidden = await market.product(
        await market.farmer("Quiet Farm"), title="Old Quinces", visible_to=[group], category_id=category, stock=3
    )
    await market.product(await market.farmer(), title="Quick Kale")
    await market.work()
    return hidden


async def as_in_search(market: Market, settle: Any) -> None:
    member, group = await members(market)
    hidden = await orchard(market, group)
    await settle()
    other = await market.person()
    for who in (member, market.stranger, other, member):  # whoever asks first
        is_member = who is member
        theirs = [("product", "Old Quinces"), ("category", "Quirks"), ("farm", "Quiet Farm")] if is_member else []
        assert sorted(await suggested(who, "qui")) == sorted([*theirs, ("product", "Quick Kale")])
        for q in ("old", "old quin", "quinces", "OLD"):
            assert await suggested(who, q) == theirs[:1], (q, is_member)
        assert await suggested(who, "kale") == [("product", "Quick Kale")]
    (one,) = list((await member.get("/api/search/suggest?q=quinc")).json()["items"])
    assert (one["id"], one["slug"], one["count"]) == (hidden["id"], hidden["slug"], 1)
    assert (await member.get("/api/search?q=quinces")).json()["total"] == 1


async def as_in_lists(market: Market, settle: Any) -> None:
    """The market's staff find and are suggested what they see in lists, of any group, also one that is gone; before and after others ask."""
    _, group = await members(market)
    hidden = await orchard(market, group)
    await settle()
    staff, stranger = [await market.person(role) for role in ("manager", "admin")], market.stranger
    for who in (stranger, *staff, stranger):
        theirs = who is not stranger
        found = (await who.get("/api/search?q=quinces")).json()
        assert (found["total"], [one["id"] for one in found["items"]]) == ((1, [hidden["id"]]) if theirs else (0, []))
        assert [one["value"] for one in found["facets"]["unit"]] == ["kg"] * theirs
        assert found["degraded"] is False
        listed = (await who.get("/api/products?sort=price")).json()["items"]
        assert {one["title"] for one in listed} == {"Quick Kale", *["Old Quinces"] * theirs}
        assert await suggested(who, "quinc") == [("product", "Old Quinces")] * theirs
    assert (await staff[0].get("/api/search?q=quinces")).json()["items"][0]["visible_to"] == [group]
    explained = (await staff[1].get("/api/search?q=quick+kale&explain=true")).json()
    assert [one["title"] for one in explained["items"]] == ["Quick Kale"] and explained["items"][0]["reasons"]


async def test_with_postgresql(market: Market) -> None:
    await as_in_search(market, market.work)


async def test_staff_find_what_they_see_in_lists_with_postgresql(market: Market) -> None:
    await as_in_lists(market, market.work)


@pytest.mark.limit(60)
async def test_with_an_engine(market: Market, elasticsearch: ElasticsearchServer) -> None:
    async with standing(elasticsearch, market.parts.database) as world:
        other = make_market(attrs.evolve(market.parts, search=world.search))

        async def settle() -> None:
            await other.work()
            await world.caught_up()

        await as_in_search(other, settle)


@pytest.mark.limit(60)
async def test_staff_find_what_they_see_in_lists_with_an_engine(
    market: Market, elasticsearch: ElasticsearchServer
) -> None:
    async with standing(elasticsearch, market.parts.database) as world:
        other = make_market(attrs.evolve(market.parts, search=world.search))

        async def settle() -> None:
            await other.work()
            await world.caught_up()

        await as_in_lists(other, settle)


async def test_what_is_theirs_no_longer_is_not_suggested(market: Market) -> None:
    member, group = await members(market)
    hidden = await orchard(market, group)
    assert await suggested(member, "quinc") == [("product", "Old Quinces")]
    manager = await market.person("manager")
    path = f"/api/products/{hidden['id']}"
    assert (await manager.request("PATCH", path, {"status": "draft"}, If_Match="*")).status == 200
    assert await suggested(member, "quinc") == [], "at once"
    assert (await manager.request("PATCH", path, {"status": "published"}, If_Match="*")).status == 200
    await market.work()
    assert await suggested(member, "quinc") == [("product", "Old Quinces")]
    assert (await manager.request("DELETE", f"/api/groups/{group}/members/{member.id}")).status == 204
    assert await suggested(member, "quinc") == []
