"""A farmer's own products: drafts and archived ones are found again, by nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import Market, Person


async def titles(person: Any, query: str) -> list[str]:
    return [item["title"] for item in (await person.get(f"/api/products{query}")).json()["items"]]


async def shop(market: Market) -> Person:
    farmer = await market.farmer()
    await market.product(await market.farmer("Other"), title="Another's", status="draft")
    for status in ("published", "draft", "archived"):
        await market.product(farmer, title=status.title(), status=status)
    return farmer


async def test_ones_own_products_are_listed_whatever_their_status(market: Market) -> None:
    farmer = await shop(market)
    assert await titles(farmer, "?mine=true") == ["Archived", "Draft", "Published"]
    assert await titles(farmer, "?mine=true&sort=price") == ["Published", "Draft", "Archived"]
    for status in ("published", "draft", "archived"):
        assert await titles(farmer, f"?mine=true&status={status}") == [status.title()]
    first = (await farmer.get("/api/products?mine=true&limit=2")).json()
    assert await titles(farmer, f"?mine=true&limit=2&after={first['next']}") == ["Published"]
    assert await titles(await market.person(), "?mine=true") == []


async def test_it_is_the_callers_alone_and_never_kept(market: Market) -> None:
    farmer, other = await shop(market), await market.farmer("Third")
    for _ in range(2):
        answer = await farmer.get("/api/products?mine=true")
        assert len(answer.json()["items"]) == 3 and "no-store" in answer.headers["cache-control"]
        assert await titles(other, "?mine=true") == []
        assert (await market.stranger.get("/api/products?mine=true")).status == 401
    draft = (await farmer.get("/api/products?mine=true&status=draft")).json()["items"][0]
    await farmer.request("PATCH", f"/api/products/{draft['id']}", {"title": "Done"}, If_Match="*")
    assert await titles(farmer, "?mine=true&status=draft") == ["Done"]


@pytest.mark.parametrize("status", ["draft", "published", "archived"])
async def test_a_status_is_asked_for_of_ones_own_alone(market: Market, status: str) -> None:
    farmer = await shop(market)
    for person in (farmer, market.stranger):
        refused = await person.get(f"/api/products?status={status}")
        assert refused.status == 422 and refused.json()["errors"][0]["code"] == "not-accepted"


async def test_staff_offer_a_product_for_the_farm_that_they_name(market: Market) -> None:
    farmer, admin = await market.farmer(), await market.person("admin")
    body = {"title": "Leeks", "unit": "bunch", "price": 200, "stock": 3}
    unnamed = await admin.post("/api/products", body)
    assert unnamed.status == 422
    (error,) = unnamed.json()["errors"]
    assert (error["field"], error["code"]) == ("farm_id", "required") and "name the farm" in error["message"]
    unknown = await admin.post("/api/products", body | {"farm_id": market.parts.new_id()})
    assert unknown.status == 422 and unknown.json()["errors"][0]["code"] == "not-found"
    offered = await admin.post("/api/products", body | {"farm_id": farmer.farm_id})
    assert offered.status == 201 and offered.json()["farm"]["id"] == farmer.farm_id
    changed = await farmer.request("PATCH", f"/api/products/{offered.json()['id']}", {"price": 210}, If_Match="*")
    assert changed.status == 200


async def test_nobody_else_offers_a_product_for_a_farm(market: Market) -> None:
    one, two = await market.farmer(), await market.farmer("Two")
    body = {"title": "Leeks", "unit": "kg", "price": 200, "stock": 3}
    for farm_id in (two.farm_id, market.parts.new_id()):
        assert (await one.post("/api/products", body | {"farm_id": farm_id})).status == 403


async def test_a_unit_changes_when_nothing_is_counted_in_it_any_more(market: Market) -> None:
    """Neither in stock, nor held by an order, nor sold by one that may yet be withdrawn."""
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock="8.75")
    address = f"/api/products/{product['id']}"

    async def refused() -> list[tuple[str, str, str]]:
        answer = await farmer.request("PATCH", address, {"unit": "each"}, If_Match="*")
        assert answer.status in (200, 422), answer.text
        return [(e["field"], e["code"], e["message"]) for e in answer.json().get("errors", ())]

    ((field, code, message),) = await refused()
    assert (field, code) == ("unit", "not-accepted") and "8.75 kg are in stock" in message
    order = (await buyer.order((product["id"], "1.25"))).json()
    for left in ("1.25", "0"):  # held, and sold
        assert (await farmer.post(f"{address}/stock", {"set": left})).status == 200
        ((field, code, message),) = await refused()
        assert (field, code) == ("unit", "below-reserved") and "1.25 kg" in message
        await market.work()
    assert (await buyer.post(f"/api/orders/{order['id']}/cancel", {}, Idempotency_Key="back")).status == 200
    assert (await farmer.get(address)).json()["stock"] == "1.250"
    assert [code for _, code, _ in await refused()] == ["not-accepted"]
    await farmer.post(f"{address}/stock", {"set": 0})
    assert await refused() == []
    answer = await farmer.post(f"{address}/stock", {"change": 1})
    assert (answer.status, answer.json()["stock"]) == (200, "1.000")
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_another_farms_draft_is_as_if_it_were_not_there(market: Market) -> None:
    farmer, other, buyer = await market.farmer(), await market.farmer(), await market.person()
    theirs = (await market.product(other, status="draft"))["id"]
    archived = (await market.product(other, status="archived"))["id"]
    for who in (farmer, buyer):
        for method, path, body in (
            ("GET", "", None), ("PATCH", "", {"price": 1}), ("DELETE", "", None), ("POST", "/stock", {"set": 1}),
        ):  # fmt: skip
            answers = [
                await who.request(method, f"/api/products/{id}{path}", body, If_Match="*")
                for id in (market.parts.new_id(), theirs, archived)
            ]
            assert len({(answer.status, answer.json().get("detail")) for answer in answers}) == 1, method
