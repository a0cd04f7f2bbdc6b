"""Orders that the market's staff places for others, and whether somebody may order from their own farm."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.parts import Parts
from tests.market.accounts.mailbox import mails
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market


async def order_for(who: Person, buyer_id: str, product: Any, key: str = "for", **more: Any) -> Response:
    body = {"lines": [{"product_id": product["id"], "quantity": 1}], "buyer_id": buyer_id} | more
    return await who.post("/api/orders", body, Idempotency_Key=key)


async def test_an_order_for_somebody_else_is_theirs_and_says_who_has_placed_it(parts: Parts) -> None:
    settings = attrs.evolve(parts.settings, market_languages=("en", "de"))
    market = make_market(attrs.evolve(parts, settings=settings))
    farmer, buyer, manager, admin = [
        await market.farmer(),
        *[await market.person(r) for r in ("buyer", "manager", "admin")],
    ]
    assert (
        await buyer.request("PATCH", "/api/users/me", {"language": "de", "phone": "+43664123"}, If_Match="*")
    ).status == 200
    product = await market.product(farmer, translations={"de": {"title": "Karotten"}})
    placed = await order_for(manager, buyer.id, product)
    assert placed.status == 201, placed.text
    order = placed.json()
    assert order["buyer"]["name"].startswith("Buyer") and order["buyer"]["phone"] == "+43664123"
    assert (order["steps"][0]["by"], order["lines"][0]["title"]) == ("admin", "Carrots")
    assert (await manager.get(f"/api/orders/{order['id']}")).json() == order
    again = await order_for(manager, buyer.id, product)
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", order)
    own = (await buyer.get(f"/api/orders/{order['id']}")).json()
    assert "buyer" not in own and own["lines"][0]["title"] == "Karotten" and "cancel" in own["can"]
    assert [one["id"] for one in (await buyer.get("/api/orders")).json()["items"]] == [order["id"]]
    (entry,) = (await admin.get("/api/admin/audit?action=order.placed_for_another")).json()["items"]
    assert (entry["actor_id"], entry["subject_id"], entry["object"]) == (
        manager.id,
        buyer.id,
        f"order:{order['id']}",
    )
    told = [(subject, body) for subject, body in await mails(market, buyer.email) if order["number"] in subject]
    assert len(told) == 1 and "Manager" in told[0][1] and "Karotten" in told[0][1] and "Bestellung" in told[0][0]
    assert [s for s, _ in await mails(market, farmer.email) if order["number"] in s] == [
        f"New order {order['number']} for Green Acres"
    ]
    assert market.broken(at_rest=True) == []


async def test_who_may_order_for_others_and_for_whom(market: Market) -> None:
    farmer, buyer, manager = await market.farmer(), await market.person(), await market.person("manager")
    product = await market.product(farmer)
    for who in (farmer, await market.person()):
        assert (await order_for(who, buyer.id, product)).status == 403
    assert (await order_for(buyer, buyer.id, product)).status == 201, "for oneself is no other's"
    nobody = await order_for(manager, market.parts.new_id(), product, "nobody")
    assert [(e["field"], e["code"]) for e in nobody.json()["errors"]] == [("buyer_id", "not-found")]
    no_lines = await manager.post("/api/orders", {"buyer_id": buyer.id}, Idempotency_Key="cart")
    assert [(e["field"], e["code"]) for e in no_lines.json()["errors"]] == [("lines", "required")]
    gone = await market.person()
    assert (await gone.request("DELETE", "/api/users/me")).status == 204
    assert (await order_for(manager, gone.id, product, "gone")).status == 422
    for scopes, status in ((["orders:place"], 403), (["orders:place", "orders:place_for_others"], 201)):
        made = await manager.post("/api/users/me/api-keys", {"name": "k", "scopes": scopes})
        keyed = attrs.evolve(manager, client=market.stranger.signed_in(made.json()["key"]))
        assert (
            await order_for(
                keyed, buyer.id, product, f"key-{status}", lines=[{"product_id": product["id"], "quantity": "0.1"}]
            )
        ).status == status


async def test_an_order_for_another_is_at_their_price_and_of_what_they_see(market: Market) -> None:
    farmer, member, other, manager = (
        await market.farmer(),
        await market.person(),
        await market.person(),
        await market.person("manager"),
    )
    group = (await manager.post("/api/groups", {"name": "Members"})).json()["id"]
    await manager.request("PUT", f"/api/groups/{group}/members/{member.id}")
    product = await market.product(farmer, visible_to=[group], prices=[{"group": group, "price": 100}])
    placed = await order_for(manager, member.id, product, "member")
    assert placed.json()["totals"]["total"]["amount"] == 100
    refused = await order_for(manager, other.id, product, "other")
    assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "not-for-sale")
    assert "Carrots" not in refused.text


@pytest.mark.parametrize("own_products", [True, False])
async def test_a_market_says_whether_somebody_orders_from_their_own_farm(parts: Parts, own_products: bool) -> None:
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, own_products=own_products)))
    farmer, packer, buyer, manager = (
        await market.farmer(),
        await market.person("farmer", "Two"),
        await market.person(),
        await market.person("manager"),
    )
    await market.join(packer, farmer.farm_id, "packer")
    product, other = (
        await market.product(farmer, stock="9"),
        await market.product(packer, title="Leeks", farm_id=packer.farm_id),
    )
    put = await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    assert put.status == 200 and put.json()["warnings"] == []
    await market.join(buyer, farmer.farm_id, "driver")
    warnings = [(w["code"], w["params"].get("reason")) for w in (await buyer.get("/api/cart")).json()["warnings"]]
    assert warnings == ([] if own_products else [("not-for-sale", "own-farm")])
    for n, who in enumerate((farmer, packer, buyer)):
        answers = [
            await who.order((product["id"], "0.1")),
            await order_for(manager, who.id, product, f"for-{n}"),
            await who.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1}),
        ]
        assert [one.status for one in answers] == ([201, 201, 200] if own_products else [422, 422, 422])
        for refused in [] if own_products else answers:
            (error,) = refused.json()["errors"]
            assert (error["code"], error["params"]["reason"]) == ("not-for-sale", "own-farm")
            assert error["message"] == "Carrots cannot be ordered: you belong to Green Acres"
    assert (await farmer.order((other["id"], "0.1"))).status == 201, "from others' farms they may"
    assert market.broken() == []
