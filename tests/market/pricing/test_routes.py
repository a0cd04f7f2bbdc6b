"""Fees, tax rates and coupons: who sets them, who sees them, and that every process knows at once."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from harvestd.interfaces import IPricing
from harvestd.market.pricing import rules
from harvestd.market.pricing.pricing_near import NearPricing
from harvestd.store.postgres.statements import Statement, scalar
from tests.people import Market, Person

FEE = {"name": "Packing", "basis": "order", "amount": 150}
AUDIT = Statement("test.audit_of_pricing", "select action from audit order by seq", scalar)


async def made(who: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await who.post(path, body)
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{path}/{found['id']}"
    return found


@pytest.mark.parametrize(
    ("path", "body", "shown", "change"),
    [
        ("/api/fees", {**FEE, "rate": "19", "from": "2026-01-01"}, {"farm_id": None, "rate": "19.000", "amount": {"amount": 150, "currency": "EUR"}, "free_from": None, "from": "2026-01-01", "until": None}, {"free_from": 5000}),
        ("/api/tax-rates", {"name": "Reduced", "rate": 7}, {"category_id": None, "rate": "7.000"}, {"rate": "5.5"}),
        ("/api/coupons", {"code": "Spring-26", "percent": "12.5", "max_uses": 3}, {"code": "Spring-26", "percent": "12.500", "amount": None, "uses": 0, "max_uses": 3, "active": True}, {"active": False}),
    ],
)  # fmt: skip
async def test_a_manager_sets_changes_and_deletes_those_of_the_market(
    market: Market, path: str, body: Any, shown: Any, change: Any
) -> None:
    manager = await market.person("manager")
    one = await made(manager, path, body)
    assert {name: one[name] for name in shown} == shown and one["version"] == 1
    own = f"{path}/{one['id']}"
    assert (await manager.get(own)).json() == one
    changed = await manager.request("PATCH", own, change)
    assert (changed.status, changed.json()["version"]) == (200, 2)
    assert (await manager.request("PATCH", own, change)).json()["version"] == 2, "nothing has changed"
    assert (await manager.request("PATCH", own, {}, If_Match='"v1"')).status == 412
    assert (await manager.request("DELETE", own, If_Match='"v1"')).status == 412
    other = await made(manager, path, {**body, **({"code": "Other-1"} if "code" in body else {})})
    listed = (await manager.get(f"{path}?count=true")).json()
    assert ([each["id"] for each in listed["items"]], listed["total"]) == ([other["id"], one["id"]], 2)
    assert (await manager.request("DELETE", own)).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert (await manager.request(method, own, {} if method == "PATCH" else None)).status == 404
    kind = path.rpartition("/")[2].rstrip("s").replace("-", "_")
    told = [action for action in await market.parts.database.rows(AUDIT) if action.startswith(kind)]
    assert told == [f"{kind}.{what}" for what in ("created", "changed", "created", "deleted")]


async def test_a_farm_sets_its_own_fees_and_coupons_and_sees_nobody_else_s(market: Market) -> None:
    farmer, other, manager = await market.farmer(), await market.farmer("Red Acres"), await market.person("manager")
    of_market = await made(manager, "/api/fees", FEE)
    own = await made(farmer, "/api/fees", FEE)
    assert own["farm_id"] == farmer.farm_id, "who has one farm need not name it"
    assert [one["id"] for one in (await farmer.get("/api/fees")).json()["items"]] == [own["id"]]
    assert (await other.get("/api/fees")).json()["items"] == []
    assert (await farmer.get(f"/api/fees?farm={other.farm_id}")).status == 403
    assert len((await manager.get("/api/fees")).json()["items"]) == 2
    assert [one["id"] for one in (await manager.get(f"/api/fees?farm={farmer.farm_id}")).json()["items"]] == [own["id"]]
    for fee in (of_market, own):
        for method, body in (("GET", None), ("PATCH", {"amount": 1}), ("DELETE", None)):
            assert (await other.request(method, f"/api/fees/{fee['id']}", body)).status == 404
    assert (await other.post("/api/fees", {**FEE, "farm_id": farmer.farm_id})).status == 403
    assert (await farmer.request("PATCH", f"/api/fees/{own['id']}", {"amount": 1})).status == 200
    assert (await manager.request("DELETE", f"/api/fees/{own['id']}")).status == 204


async def test_who_packs_for_a_farm_or_buys_sets_nothing(market: Market) -> None:
    farmer, packer, buyer = await market.farmer(), await market.person("farmer"), await market.person()
    await market.join(packer, farmer.farm_id, "packer")
    assert (await packer.post("/api/fees", {**FEE, "farm_id": farmer.farm_id})).status == 403
    assert (await packer.post("/api/fees", FEE)).json()["errors"][0]["params"] == {"reason": "one-of-yours"}
    for path in ("/api/fees", "/api/tax-rates", "/api/coupons"):
        assert (await buyer.get(path)).status == (await buyer.post(path, {})).status == 403
        assert (await market.stranger.get(path)).status == 401
    assert (await farmer.post("/api/tax-rates", {"name": "Reduced", "rate": 7})).status == 403, "taxes are the market's"
    assert (await farmer.get("/api/tax-rates")).status == 200


async def test_a_code_is_one_coupon_s_however_it_is_written(market: Market) -> None:
    manager, farmer = await market.person("manager"), await market.farmer()
    await made(manager, "/api/coupons", {"code": "Spring-26", "percent": 10})
    again = await farmer.post("/api/coupons", {"code": "SPRING 26", "amount": 100})
    assert (again.status, again.json()["errors"][0]["code"]) == (409, "taken")
    mine = await made(farmer, "/api/coupons", {"code": "Other-26", "amount": 100})
    assert (await farmer.request("PATCH", f"/api/coupons/{mine['id']}", {"code": "spring26"})).status == 409
    assert (await farmer.request("PATCH", f"/api/coupons/{mine['id']}", {"code": "OTHER 26"})).status == 200


async def test_what_a_fee_or_rate_is_about_must_be_there(market: Market) -> None:
    manager = await market.person("manager")
    for path, body, field in (
        ("/api/fees", {**FEE, "farm_id": manager.id}, "farm_id"),
        ("/api/tax-rates", {"name": "Reduced", "rate": 7, "category_id": manager.id}, "category_id"),
    ):
        answer = await manager.post(path, body)
        assert (answer.status, answer.json()["errors"][0]["field"]) == (422, field), answer.text


async def test_nobody_has_more_of_them_than_every_process_can_remember(market: Market) -> None:
    farmer = await market.farmer()
    for _ in range(rules.MAX_FEES):
        await made(farmer, "/api/fees", FEE)
    answer = await farmer.post("/api/fees", FEE)
    assert answer.json()["errors"][0]["params"]["reason"] == "too-many-charges"
    await made(await market.person("manager"), "/api/fees", FEE)


async def test_every_process_knows_a_change_at_once(market: Market) -> None:
    near = market.parts.pricing
    assert isinstance(near, NearPricing) and verifyObject(IPricing, near)
    assert (await near.now()).fees == ()
    manager = await market.person("manager")
    fee = await made(manager, "/api/fees", FEE)
    assert [one.id for one in (await near.now()).fees] == [fee["id"]]
    await manager.request("DELETE", f"/api/fees/{fee['id']}")
    assert (await near.now()).fees == ()


async def test_the_database_tells_of_every_change_that_matters(market: Market) -> None:
    """Also of one that no process of the market has made."""
    tables = Statement(
        "test.told_of_pricing",
        "select distinct event_object_table::text from information_schema.triggers where trigger_name = 'pricing_changed' order by 1",
        scalar,
    )
    assert await market.parts.database.rows(tables) == ["categories", "fees", "tax_rates"]


async def test_a_coupon_cannot_have_fewer_uses_than_it_had(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    coupon = await made(farmer, "/api/coupons", {"code": "SPRING", "percent": 10, "max_uses": 5})
    for _ in range(2):
        assert (await buyer.order((product["id"], "1"), coupon="spring")).status == 201
    path = f"/api/coupons/{coupon['id']}"
    answer = await farmer.request("PATCH", path, {"max_uses": 1})
    assert (answer.status, answer.json()["errors"][0]["params"]) == (422, {"minimum": "2", "reason": "coupon-used"})
    assert (await farmer.request("PATCH", path, {"max_uses": 2})).json()["uses"] == 2
    assert market.broken() == []
