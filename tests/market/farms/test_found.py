"""A farm that the market has not let in, or has shut out, is not found, nor are its products: in no list, search, suggestion, feed or site map."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, scalar
from tests.market.farms.test_states import judged
from tests.market.feeds.stalls import HERE, public
from tests.people import Market, Person

_TOLD = Statement(
    "test.farm_told", "select data from outbox where type = 'farm.updated' and aggregate = 'farm:' || :farm_id order by seq", scalar
)  # fmt: skip
#: Words that nothing else has.
NAME = "Quince Woodland"
#: Where everybody looks, by address.
LOOKED_THROUGH = (
    "/api/products", "/api/products?farm={farm}", "/api/products?ids={product}&count=true", "/api/products?tag=bletted&count=true", "/api/farms?count=true",
    "/api/farms?q=quince&count=true", "/api/farms?near=48,11&count=true", "/api/search", "/api/search?q=quince", "/api/search?q=medlars", "/api/search?farm={farm}",
    "/api/search/suggest?q=quin", "/api/search/suggest?q=medl", "/api/search/suggest?q=wood", "/api/feed.atom", "/api/feed.atom?farm={farm}", "/sitemap.xml",
)  # fmt: skip


async def orchard(market: Market) -> tuple[Person, dict[str, Any]]:
    """A farm at a place, with a product of its own kind; and another farm."""
    farmer = await market.farmer(NAME)
    where = {"location": {"latitude": 48.0, "longitude": 11.0, "address": "x"}}
    assert (await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", where, If_Match="*")).status == 200
    product = await market.product(farmer, title="Medlars", unit="each", stock="9", tags=["bletted"])
    await market.product(await market.farmer("Hen House"), title="Eggs", unit="box")
    await market.work()
    return farmer, product


async def showing(market: Market, farmer: Person, product: dict[str, Any], who: Any = None) -> list[str]:
    """Where the farm or its product is seen."""
    client, seen = who or market.stranger, []
    for path in LOOKED_THROUGH:
        answer = await client.get(path.format(farm=farmer.farm_id, product=product["id"]))
        assert answer.status == 200, (path, answer.text)
        told = answer.body.decode()
        asked = path.partition("?")[2].format(farm=farmer.farm_id, product=product["id"])
        told = told.replace(f"{HERE}/api/feed.atom?{asked}", "").replace(f"{HERE}/api/products?{asked}", "")
        said = [NAME, "Medlars", product["id"], product["slug"], farmer.farm_id]
        if any(one in told for one in said) and not _only_chosen(path, told):
            seen.append(path)
    return seen


def _only_chosen(path: str, told: str) -> bool:
    """Whether the farm is there as the filter that was given, which can be taken away again, and as the title of the feed about it."""
    if path == "/api/search?farm={farm}":
        found = json.loads(told)
        chosen = [one["count"] for one in found["facets"]["farm"] if one["name"] == NAME]
        return (found["items"], chosen) == ([], [0])
    return "farm={farm}" in path and "Medlars" not in told


@pytest.mark.parametrize("state", ["suspended", "pending"])
async def test_a_farm_that_is_not_verified_is_nowhere_until_it_is(parts: Parts, state: str) -> None:
    market = public(parts)
    farmer, product = await orchard(market)
    everywhere = await showing(market, farmer, product)
    assert everywhere == list(LOOKED_THROUGH)
    page, own = f"/api/products/{product['id']}", f"/api/farms/{farmer.farm_id}"
    assert (await market.stranger.get(page)).status == 200
    assert (await judged(market, farmer.farm_id, state)).status == 200
    catalogue = f"{own}/products.jsonld"
    assert [(await market.stranger.get(path)).status for path in (page, catalogue)] == [404, 404], (
        "at once, in what is cached, too"
    )
    await market.work()
    assert await showing(market, farmer, product) == []
    assert (await market.stranger.get("/api/search")).json()["total"] == 1, "it is not counted, either"
    shown = await market.stranger.get(own)
    assert (shown.status, shown.json()["state"]) == (200, state), (
        "whoever has ordered there still needs to know who sells"
    )
    assert [one["id"] for one in (await market.stranger.get(f"/api/farms?ids={farmer.farm_id}")).json()["items"]] == [
        farmer.farm_id
    ]
    assert (await judged(market, farmer.farm_id, "verified")).status == 200
    assert [(await market.stranger.get(path)).status for path in (page, catalogue)] == [200, 200]
    await market.work()
    assert await showing(market, farmer, product) == everywhere
    assert market.broken(at_rest=True) == []


async def test_its_people_and_the_staff_still_see_what_is_theirs_to_see(market: Market) -> None:
    farmer, product = await orchard(market)
    manager = await market.person("manager")
    await judged(market, farmer.farm_id, "suspended")
    for who in (farmer, manager):
        assert (await who.get(f"/api/products/{product['id']}")).status == 200
    assert [one["id"] for one in (await farmer.get("/api/products?mine=true")).json()["items"]] == [product["id"]]
    assert product["id"] in [one["id"] for one in (await manager.get("/api/products")).json()["items"]]
    assert product["id"] not in [one["id"] for one in (await farmer.get("/api/products")).json()["items"]], (
        "a list is the same for all"
    )
    changed = await farmer.request("PATCH", f"/api/products/{product['id']}", {"price": 5}, If_Match="*")
    assert changed.status == 200


async def test_what_of_it_is_for_a_group_is_as_hidden_from_the_group(market: Market) -> None:
    farmer, manager, member = await market.farmer(NAME), await market.person("manager"), await market.person()
    group = (await manager.post("/api/groups", {"name": "Members"})).json()["id"]
    assert (await manager.request("PUT", f"/api/groups/{group}/members/{member.id}")).status == 200
    product = await market.product(farmer, title="Medlars", tags=["bletted"], visible_to=[group])
    await market.work()
    assert (await member.get("/api/search?q=medlars")).json()["total"] == 1
    await judged(market, farmer.farm_id, "suspended")
    assert (await member.get(f"/api/products/{product['id']}")).status == 404
    assert (
        (await member.get("/api/products")).json()["items"]
        == []
        == (await member.get("/api/search?q=medlars")).json()["items"]
    )
    await market.work()
    found = (await member.get("/api/search?q=medlars")).json()
    assert (found["total"], [len(values) for values in found["facets"].values()]) == (0, [0] * len(found["facets"]))


async def test_a_cart_warns_of_what_it_holds_and_takes_no_more_of_it_and_orders_go_on(market: Market) -> None:
    farmer, product = await orchard(market)
    buyer, late = await market.person(), await market.person()
    order = (await buyer.order((product["id"], 1))).json()
    assert (await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 2})).status == 200
    await judged(market, farmer.farm_id, "suspended")
    seen = await buyer.get("/api/cart")
    assert [(one["product_id"], one["code"]) for one in seen.json()["warnings"]] == [(product["id"], "unavailable")]
    many = {"items": [{"product_id": product["id"], "quantity": 1}]}
    told = [
        await late.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1}),
        await late.request("PUT", "/api/cart/items", many),
        await late.order((product["id"], 1)),
        await buyer.post("/api/orders", {}, Idempotency_Key="more"),
    ]
    assert [one.status for one in told] == [404, 422, 422, 422]
    for one in (seen, *told):
        assert "Medlars" not in one.text and NAME not in one.text, "whoever has an id is told no more than by the shop"
    (fault,) = told[2].json()["errors"]
    absent = (await late.order((market.parts.new_id(), 1))).json()["errors"][0]
    assert fault | {"params": {}} == absent | {"params": {}}
    own = (await farmer.order((product["id"], 1))).json()["errors"][0]
    assert own["params"]["reason"] == "nobody-there", "its own people are told what it is"
    assert (await buyer.get(f"/api/orders/{order['id']}")).json()["lines"][0]["title"] == "Medlars"
    step = f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status"
    assert (await farmer.post(step, {"to": "confirmed"})).status == 200


async def test_a_new_farm_is_found_once_the_market_has_approved_it(parts: Parts) -> None:
    market = public(parts, farm_approval=True)
    farmer, product = await orchard(market)
    assert await showing(market, farmer, product) == []
    assert (await judged(market, farmer.farm_id, "verified")).status == 200
    await market.work()
    assert await showing(market, farmer, product) == list(LOOKED_THROUGH)


async def test_another_process_forgets_it_too(market: Market) -> None:
    """What a process has in its cache goes by the event, of whichever state."""
    farmer, _ = await orchard(market)
    for state in ("suspended", "verified", "pending"):
        told = len(await market.parts.database.rows(_TOLD, farm_id=farmer.farm_id))
        await judged(market, farmer.farm_id, state)
        (one,) = (await market.parts.database.rows(_TOLD, farm_id=farmer.farm_id))[told:]
        families = {"catalogue", "farms:all", f"farm:{farmer.farm_id}", f"products:farmer:{farmer.farm_id}"}
        assert families <= set(one["families"]), state
