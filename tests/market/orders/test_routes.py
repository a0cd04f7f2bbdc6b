"""Orders: placing, idempotency, out of stock, who sees what, steps and withdrawal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.threads import deferToThread

from harvestd.market.orders.fulfilment import STEPS
from harvestd.store.postgres.statements import Statement, nothing
from tests.ctl.test_ctl import MARKETS
from tests.daemons import ctl
from tests.people import Market, Person
from tests.waiting import eventually
from tests.web.conftest import settled


async def available(market: Market, product: dict[str, Any]) -> str:
    found: str = (await market.stranger.get(f"/api/products/{product['id']}")).json()["available"]
    return found


async def step(farmer: Person, order: dict[str, Any], to: str) -> Any:
    return await farmer.post(f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status", {"to": to})


async def test_an_order_is_split_by_farm_and_priced_by_the_market(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots = await market.product(one)
    eggs = await market.product(two, title="Eggs", unit="box", price=250, stock=10)
    response = await buyer.order((carrots["id"], 1.25), (eggs["id"], "2"), note="ring twice")
    assert response.status == 201, response.text
    order = response.json()
    assert response.headers["location"] == f"/api/orders/{order['id']}"
    assert order["number"].startswith("H") and order["status"] == "placed" and order["note"] == "ring twice"
    assert [(p["farm"]["id"], p["subtotal"]["amount"]) for p in order["parts"]] == [
        (one.farm_id, 488),
        (two.farm_id, 500),
    ]
    assert order["totals"]["total"] == {"amount": 988, "currency": "EUR"}
    assert [line["quantity"] for line in order["lines"]] == ["1.250", "2.000"]
    assert (await buyer.get(f"/api/orders/{order['id']}")).json() == order
    assert await available(market, carrots) == "1.250"
    assert market.broken() == []


async def test_an_order_keeps_what_was_told_of_the_food(market: Market) -> None:
    """Whatever its farm says of it afterwards. A claim that was over then had not been told."""
    farmer, buyer = await market.farmer(), await market.person()
    day = market.parts.now().date()
    claims = [{"scheme": "Over", "valid_until": f"{day - timedelta(days=2)}"}, {"scheme": "Organic", "number": "7"}]
    told = {
        "lot": "L1", "allergens": ["milk", "nuts"], "ingredients": "Milk, nuts.", "origin": "Tirol", "storage": "chilled",
        "durability": {"kind": "use_by", "date": "2099-01-01"},
    }  # fmt: skip
    cheese = await market.product(farmer, title="Cheese", **told, certifications=claims)
    plain = await market.product(farmer)
    order = (await buyer.order((cheese["id"], 1), (plain["id"], 1))).json()
    facts = {**told, "certifications": [{"scheme": "Organic", "body_code": "", "number": "7", "valid_until": None}]}
    nothing = {
        "lot": "",
        "allergens": [],
        "ingredients": "",
        "origin": "",
        "storage": None,
        "durability": None,
        "certifications": [],
    }
    assert [line["facts"] for line in order["lines"]] == [facts, nothing]
    changes = {"allergens": [], "lot": "L2", "durability": None, "certifications": []}
    path, headers = f"/api/products/{cheese['id']}", {"If_Match": "*"}
    assert (await farmer.request("PATCH", path, changes, **headers)).status == 200
    assert (await buyer.get(f"/api/orders/{order['id']}")).json() == order
    assert (await farmer.get(f"/api/orders/{order['id']}")).json()["lines"][0]["facts"] == facts


async def test_an_order_needs_a_key(market: Market) -> None:
    buyer = await market.person()
    response = await buyer.post("/api/orders", {"lines": []})
    assert response.status == 400 and "Idempotency-Key" in response.text


async def test_the_same_key_and_body_is_the_same_order(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    first = await buyer.order((product["id"], "1"), key="one")
    again = await buyer.order((product["id"], "1"), key='"one"')
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    assert again.headers["location"] == first.headers["location"]
    assert (await buyer.order((product["id"], "0.5"), key="one")).status == 422
    assert await available(market, product) == "1.500"


async def test_another_users_key_of_the_same_name_is_another_key(market: Market) -> None:
    farmer, one, two = await market.farmer(), await market.person(), await market.person()
    product = await market.product(farmer)
    orders = [(await buyer.order((product["id"], "1"), key="mine")).json()["id"] for buyer in (one, two)]
    assert orders[0] != orders[1]


async def test_one_key_twenty_times_at_once_is_one_order(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=100)
    responses = await settled(*[buyer.order((product["id"], "1"), key="burst") for _ in range(20)])
    assert {r.status for r in responses} <= {201, 409}
    assert len({r.body for r in responses if r.status == 201}) == 1
    assert {r.json()["type"] for r in responses if r.status == 409} <= {"/problems/key-in-flight"}
    assert len((await buyer.get("/api/orders")).json()["items"]) == 1
    assert await available(market, product) == "99.000"


async def test_a_refusal_is_not_remembered_under_its_key(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=1)
    assert (await buyer.order((product["id"], "2"), key="patient")).status == 409
    await farmer.post(f"/api/products/{product['id']}/stock", {"set": 5})
    assert (await buyer.order((product["id"], "2"), key="patient")).status == 201


@pytest.mark.limit(60)
async def test_fifty_buyers_for_the_last_five_make_five_orders(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer, unit="box", stock=5)
    buyers = [await market.person() for _ in range(50)]
    responses = await settled(*[buyer.order((product["id"], 1)) for buyer in buyers])
    statuses = sorted(r.status for r in responses)
    assert statuses == [201] * 5 + [409] * 45
    assert {r.json()["errors"][0]["available"] for r in responses if r.status == 409} == {"0.000"}
    assert market.broken() == []


async def test_out_of_stock_says_for_each_line_what_is_left_and_takes_nothing(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", stock=9)
    response = await buyer.order((leeks["id"], 1), (carrots["id"], 2), (carrots["id"], 1))
    assert response.status == 409 and response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "/problems/out-of-stock"
    assert [(e["field"], e["available"]) for e in problem["errors"]] == [
        ("lines[1].quantity", "2.500"),
        ("lines[2].quantity", "2.500"),
    ]
    assert await available(market, leeks) == "9.000"


@pytest.mark.parametrize("quantity", [-1, 0, "NaN", "Infinity", 1e9, 2**31, "0.07", 0.0001, "1e400", True, None, "one"])
async def test_a_quantity_that_is_no_amount_is_refused_by_its_line(market: Market, quantity: Any) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    response = await buyer.order((product["id"], quantity))
    assert response.status == 422
    assert response.json()["errors"][0]["field"] == "lines[0].quantity"


@pytest.mark.parametrize("smuggled", ["price", "total", "status", "placed_by", "discount"])
async def test_prices_totals_and_states_are_not_the_buyers_to_say(market: Market, smuggled: str) -> None:
    buyer = await market.person()
    response = await buyer.post("/api/orders", {"lines": [], smuggled: 1}, Idempotency_Key="k")
    assert response.status == 422 and smuggled in response.text
    line = {"product_id": market.parts.new_id(), "quantity": 1, smuggled: 1}
    response = await buyer.post("/api/orders", {"lines": [line]}, Idempotency_Key="k")
    assert response.status == 422 and smuggled in response.text


async def test_a_total_other_than_expected_is_refused(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    refused = await buyer.order((product["id"], 1), expected_total={"amount": 380, "currency": "EUR"})
    assert refused.status == 409 and "€3.90" in refused.json()["detail"]
    huge = (await buyer.order((product["id"], 1), expected_total=2**53 - 1)).json()
    assert huge["type"] == "/problems/price-changed", "whatever a client can read as a number can be expected"
    assert (await buyer.order((product["id"], 1), expected_total=2**53)).status == 422
    assert (await buyer.order((product["id"], 1), expected_total=390)).status == 201


async def test_the_way_to_the_buyer_is_checked(market: Market) -> None:
    farmer, other, buyer = await market.farmer(), await market.farmer(), await market.person()
    product = await market.product(farmer)
    points = {"pickup_points": [{"name": "Gate", "address": "1 Lane"}]}
    farm = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", points, If_Match="*")
    gate = farm.json()["pickup_points"][0]
    placed = await buyer.order((product["id"], 1), fulfilment={"method": "pickup", "pickup_point_id": gate["id"]})
    assert placed.json()["fulfilment"] == {"method": "pickup", "pickup_point": gate}
    elsewhere = await other.request("PATCH", f"/api/farms/{other.farm_id}", points, If_Match="*")
    wrong = elsewhere.json()["pickup_points"][0]["id"]
    for way, field in (
        ({"method": "delivery"}, "address"),
        ({"method": "pickup", "pickup_point_id": wrong}, "pickup_point_id"),
        ({"method": "drone"}, "method"),
        ({"method": "pickup", "market_day_id": market.parts.new_id()}, "market_day_id"),
    ):
        response = await buyer.order((product["id"], "0.5"), fulfilment=way)
        assert response.status == 422 and response.json()["errors"][0]["field"] == f"fulfilment.{field}", response.text
    placed = await buyer.order((product["id"], "0.5"), fulfilment={"method": "delivery", "address": "2 Lane"})
    assert placed.json()["fulfilment"] == {"method": "delivery", "address": "2 Lane"}


async def test_what_nobody_would_hear_of_is_shown_and_cannot_be_ordered(market: Market) -> None:
    """The farm's last member leaves, or closes the account; and comes back."""
    farmer, buyer = await market.farmer("One"), await market.person()
    product = await market.product(farmer)
    assert (product["orderable"], product["not_orderable"]) == (True, None)
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
    leave, join = (
        "delete from farm_members where user_id = :user_id",
        "insert into farm_members (user_id, farm_id) values (:user_id, :farm_id)",
    )
    active = "update users set active = :active where id = :user_id"
    for go, back in (
        ((leave, {}), (join, {"farm_id": farmer.farm_id})),
        ((active, {"active": False}), (active, {"active": True})),
    ):
        for (sql, more), there in ((go, False), (back, True)):
            statement = Statement(f"test.{sql[:6]}", sql, nothing)
            await market.parts.database.transaction(
                lambda tx, statement=statement, more=more: tx.run(statement, user_id=farmer.id, **more)  # type: ignore[misc]
            )
            market.parts.cache.drop_here(["catalogue"])
            page = (await market.stranger.get(f"/api/products/{product['id']}")).json()
            listed = (await market.stranger.get("/api/products")).json()["items"][0]
            assert page == listed
            assert (page["orderable"], page["not_orderable"]) == (there, None if there else "nobody-there")
            order = await buyer.order((product["id"], "0.1"))
            put = await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": 1})
            codes = [w["code"] for w in (await buyer.get("/api/cart")).json()["warnings"]]
            if there:
                assert (order.status, put.status, codes) == (201, 200, [])
            else:
                assert (order.status, put.status, codes) == (422, 422, ["not-for-sale"])
                (error,) = order.json()["errors"]
                assert (error["field"], error["code"]) == ("lines[0].product_id", "not-for-sale")
                assert "nobody of One" in error["message"]
            assert market.broken() == []


async def test_what_an_import_without_an_owner_brings_is_shown_and_cannot_be_ordered(
    market: Market, tmp_path: Path
) -> None:
    url = market.parts.database.settings.dsn
    imported = await deferToThread(ctl, tmp_path, "import-directory", str(MARKETS), database_url=url)
    assert "farms new" in imported.stdout, imported.stdout
    buyer, admin = await market.person(), await market.person("admin")
    products = (await market.stranger.get("/api/products?limit=100")).json()["items"]
    assert products and {one["not_orderable"] for one in products} == {"nobody-there"}
    for one in products[:5]:
        (error,) = (await buyer.order((one["id"], one["min_quantity"]))).json()["errors"]
        assert (error["field"], error["code"]) == ("lines[0].product_id", "not-for-sale")
    await deferToThread(ctl, tmp_path, "import-directory", str(MARKETS), f"--owner={admin.email}", database_url=url)
    market.parts.cache.drop_here(["catalogue"])
    products = (await market.stranger.get("/api/products?limit=100")).json()["items"]
    assert {one["orderable"] for one in products} == {True}
    assert (await buyer.order((products[0]["id"], products[0]["min_quantity"]))).status == 201
    assert market.broken() == []


async def test_each_farms_part_has_its_own_way(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    points = {"pickup_points": [{"name": "Gate", "address": "1 Lane"}]}
    gate = (await one.request("PATCH", f"/api/farms/{one.farm_id}", points, If_Match="*")).json()["pickup_points"][0]
    lines = ((carrots["id"], "0.5"), (eggs["id"], 1))
    refused = await buyer.order(*lines, fulfilment={"pickup_point_id": gate["id"]})
    assert refused.status == 422 and refused.json()["errors"][0]["field"] == "fulfilment.pickup_point_id"
    ways = [{"farm_id": one.farm_id, "pickup_point_id": gate["id"]}, {"farm_id": two.farm_id}]
    both = await buyer.order(*lines, fulfilments=ways, fulfilment={})
    assert both.status == 422 and both.json()["errors"][0]["code"] == "given-twice"
    placed = await buyer.order(*lines, fulfilments=ways)
    assert placed.status == 201, placed.text
    order = placed.json()
    assert order["fulfilment"] is None
    assert [part["fulfilment"] for part in order["parts"]] == [
        {"method": "pickup", "pickup_point": gate},
        {"method": "pickup"},
    ]
    assert (await buyer.get(f"/api/orders/{order['id']}")).json() == order
    seen = (await two.get(f"/api/orders/{order['id']}")).json()
    assert seen["fulfilment"] == {"method": "pickup"} and "Gate" not in str(seen)


async def test_orders_are_listed_by_farm_as_far_as_whoever_asks_sees_them(market: Market) -> None:
    one, two, admin = await market.farmer("One"), await market.farmer("Two"), await market.person("admin")
    buyer, other = await market.person(), await market.person()
    carrots, eggs = (
        await market.product(one, stock="9"),
        await market.product(two, title="Eggs", unit="box", price=250, stock="9"),
    )
    both = (await buyer.order((carrots["id"], 1), (eggs["id"], 1))).json()["id"]
    only_two, others = [(await who.order((eggs["id"], 1))).json()["id"] for who in (buyer, other)]
    own = (await two.order((carrots["id"], 1))).json()["id"]
    assert (await step(two, {"id": both}, "confirmed")).status == 200

    async def listed(who: Person, farm: str, more: str = "") -> list[str]:
        answer = await who.get(f"/api/orders?count=true&farm={farm}{more}")
        assert answer.status == 200 and answer.json()["total"] == len(answer.json()["items"]), answer.text
        return [order["id"] for order in answer.json()["items"]]

    slug = eggs["farm"]["slug"]
    for farm in (two.farm_id, slug):
        assert await listed(admin, farm) == await listed(two, farm) == [others, only_two, both]
        assert await listed(buyer, farm) == [only_two, both] and await listed(one, farm) == []
    assert await listed(two, one.farm_id) == [own] and await listed(one, one.farm_id) == [own, both]
    for who in (admin, two, buyer):
        assert await listed(who, slug, "&status=confirmed") == [both], "its part's, though the order is not as far"
    assert await listed(admin, "no-such-farm") == await listed(admin, market.parts.new_id()) == []
    first = (await admin.get(f"/api/orders?farm={slug}&limit=2")).json()
    rest = (await admin.get(f"/api/orders?farm={slug}&limit=2&after={first['next']}")).json()
    assert [o["id"] for o in first["items"] + rest["items"]] == [others, only_two, both] and rest["next"] is None
    for more in ("ids=" + both, "updated_since=2020-01-01T00:00:00Z"):
        assert (await admin.get(f"/api/orders?farm={slug}&{more}")).status == 422


async def test_an_order_says_what_became_of_it_and_what_may_be_done(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    order = (await buyer.order((carrots["id"], 1), (eggs["id"], 1))).json()
    assert order["can"] == ["cancel", "amend"] and "buyer" not in order
    for to in ("confirmed", "ready", "completed"):
        seen = (await step(one, order, to)).json()
    assert [(s["farm_id"], s["from"], s["to"], s["by"]) for s in seen["steps"]] == [
        (one.farm_id, None, "placed", "buyer"),
        (one.farm_id, "placed", "confirmed", "farm"),
        (one.farm_id, "confirmed", "ready", "farm"),
        (one.farm_id, "ready", "completed", "farm"),
    ]
    assert seen["can"] == [] and seen["buyer"] == {"name": (await buyer.get("/api/users/me")).json()["name"]}
    whole = (await buyer.get(f"/api/orders/{order['id']}")).json()
    assert len(whole["steps"]) == 5 and whole["can"] == ["amend"] and whole["updated_at"] > whole["placed_at"]
    assert (await two.get(f"/api/orders/{order['id']}")).json()["can"] == ["cancel", "amend", "short"]


async def test_each_party_sees_its_own_and_nobody_else_anything(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    other, admin, third = await market.person(), await market.person("admin"), await market.farmer("Third")
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    order = (await buyer.order((carrots["id"], 1), (eggs["id"], 1))).json()
    path = f"/api/orders/{order['id']}"
    for stranger in (other, third):
        assert (await stranger.get(path)).status == 404
        assert (await stranger.post(f"{path}/cancel", {})).status == 404
        assert (await stranger.get("/api/orders")).json()["items"] == []
    assert (await market.stranger.get(path)).status == 401
    mine = (await one.get(path)).json()
    assert [p["farm"]["id"] for p in mine["parts"]] == [one.farm_id] and len(mine["lines"]) == 1
    assert mine["totals"]["total"]["amount"] == 390
    assert (await one.get("/api/orders")).json()["items"] == [mine]
    assert (await admin.get(path)).json() == order | {"buyer": mine["buyer"], "can": ["cancel", "amend", "short"]}
    assert (await two.post(f"{path}/parts/{one.farm_id}/status", {"to": "confirmed"})).status == 404
    assert (await buyer.post(f"{path}/parts/{one.farm_id}/status", {"to": "confirmed"})).status == 403


async def test_orders_are_listed_by_status_and_page_the_newest_first(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=100)
    orders = [(await buyer.order((product["id"], 1))).json()["id"] for _ in range(3)]
    await buyer.post(f"/api/orders/{orders[1]}/cancel", {})

    async def ids(person: Person, query: str) -> list[str]:
        return [o["id"] for o in (await person.get(f"/api/orders{query}")).json()["items"]]

    for person in (buyer, farmer):
        assert await ids(person, "") == orders[::-1]
        assert await ids(person, "?status=cancelled") == [orders[1]]
        page = (await person.get("/api/orders?limit=2")).json()
        assert [o["id"] for o in page["items"]] == [orders[2], orders[1]]
        assert await ids(person, f"?limit=2&after={page['next']}") == [orders[0]]


async def test_a_farm_takes_its_part_along_the_steps_and_nowhere_else(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=100)
    order = (await buyer.order((product["id"], 1))).json()
    for to in ("confirmed", "ready", "out_for_delivery", "completed"):
        for wrong in set(STEPS) - {to, "placed", "expired", "cancelled"} - STEPS[order["status"]]:
            response = await step(farmer, order, wrong)
            assert response.status == 409 and response.json()["type"] == "/problems/illegal-transition", response.text
        order = (await step(farmer, order, to)).json()
        assert order["status"] == to
    assert order["version"] == 5
    assert (await step(farmer, order, "expired")).status == 422  # the clock's alone
    assert market.broken() == []


async def test_a_cancelled_order_gives_back_once_before_it_was_sold(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], "1.25"))).json()
    responses = await settled(*[buyer.post(f"/api/orders/{order['id']}/cancel", {"reason": "away"}) for _ in range(10)])
    assert sorted(r.status for r in responses) == [200] + [409] * 9
    assert await available(market, product) == "2.500"
    await market.work(twice=True)  # the sale that comes too late
    assert await available(market, product) == "2.500"
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("headers", [{}, {"Content_Type": "application/json"}])
async def test_a_body_that_may_be_left_out_may_be_left_out_by_whoever_names_its_type(
    market: Market, headers: dict[str, str]
) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], "1.25"))).json()
    answer = await buyer.request("POST", f"/api/orders/{order['id']}/cancel", **headers)
    assert (answer.status, answer.json()["status"]) == (200, "cancelled")


async def test_a_cancelled_order_gives_back_once_after_it_was_sold(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], "1.25"))).json()
    await market.work()
    page = (await market.stranger.get(f"/api/products/{product['id']}")).json()
    assert (page["available"], order["status"]) == ("1.250", "placed")
    assert (await farmer.post(f"/api/orders/{order['id']}/cancel", {})).json()["status"] == "cancelled"
    assert (await buyer.post(f"/api/orders/{order['id']}/cancel", {})).status == 409
    page = (await market.stranger.get(f"/api/products/{product['id']}")).json()
    assert (page["stock"], page["available"]) == ("2.500", "2.500")
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


async def test_a_farm_withdraws_its_own_part_alone(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    order = (await buyer.order((carrots["id"], 1), (eggs["id"], 1))).json()
    await one.post(f"/api/orders/{order['id']}/cancel", {"reason": "hail"})
    seen = (await buyer.get(f"/api/orders/{order['id']}")).json()
    assert [p["status"] for p in seen["parts"]] == ["cancelled", "placed"]
    assert (seen["status"], seen["totals"]["total"]["amount"]) == ("placed", 250)
    assert market.broken() == []


async def test_who_packs_for_a_farm_takes_its_part_along_and_withdraws_nothing(market: Market) -> None:
    packer, buyer, stranger = await market.farmer("One"), await market.person(), await market.farmer("Two")
    product = await market.product(packer)
    await market.join(await market.person("farmer"), packer.farm_id)  # who owns it from now on
    role = Statement("test.role", "update farm_members set role = :role where user_id = :user_id", nothing)
    await market.parts.database.transaction(lambda tx: tx.run(role, role="packer", user_id=packer.id))
    order = (await buyer.order((product["id"], 1))).json()
    seen = (await packer.get(f"/api/orders/{order['id']}")).json()
    assert (seen["id"], seen["can"]) == (order["id"], ["short"])
    for response in (
        await packer.post(f"/api/orders/{order['id']}/cancel", {}),
        await packer.post(f"/api/orders/{order['id']}/parts/{packer.farm_id}/status", {"to": "cancelled"}),
    ):
        assert response.status == 403 and "your role in this farm" in response.json()["detail"], response.text
    assert (await stranger.post(f"/api/orders/{order['id']}/cancel", {})).status == 404
    moved = await packer.post(f"/api/orders/{order['id']}/parts/{packer.farm_id}/status", {"to": "confirmed"})
    assert moved.status == 200 and moved.json()["status"] == "confirmed", moved.text
    assert market.broken() == []


async def test_of_a_draft_nobody_is_told_whose_it_is(market: Market) -> None:
    farmer, buyer = await market.farmer("Hidden Hill"), await market.person()
    product = await market.product(farmer, status="draft")
    lines = {"lines": [{"product_id": product["id"], "quantity": 1}]}
    for ways in ({"fulfilments": []}, {"fulfilments": [{"farm_id": buyer.id, "method": "pickup"}]}):
        response = await buyer.post("/api/orders", lines | ways, Idempotency_Key=f"draft-{len(ways['fulfilments'])}")
        assert response.status == 422 and "Hidden Hill" not in response.text and farmer.farm_id not in response.text


async def test_what_has_left_the_farm_cannot_be_withdrawn(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    for to in ("confirmed", "ready", "out_for_delivery"):
        await step(farmer, order, to)
    assert (await buyer.post(f"/api/orders/{order['id']}/cancel", {})).status == 409
    assert (await farmer.post(f"/api/orders/{order['id']}/cancel", {})).status == 200


async def test_a_client_that_hangs_up_leaves_a_whole_order_and_a_healthy_pool(market: Market) -> None:
    from tests.web.client import encode

    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=100)
    body = {"lines": [{"product_id": product["id"], "quantity": 1}]}
    for n in range(10):
        connection = market.stranger.connect()
        headers = {**buyer.client.headers, "Idempotency-Key": f"gone-{n}"}
        connection.send(encode("POST", "/api/orders", json=body, headers=headers))
        connection.hang_up()
    for n in range(10):  # the retry, with its key, is the one order that each of them made
        while (again := await buyer.order((product["id"], 1), key=f"gone-{n}")).status == 409:
            pass
        assert again.status == 201
    assert len((await buyer.get("/api/orders")).json()["items"]) == 10
    assert await available(market, product) == "90.000"
    pool = market.parts.database.pool
    await eventually("no connection of the pool is in use", lambda: pool.state()["active"] == 0)
    assert market.broken() == []


async def test_an_order_takes_seven_statements(market: Market) -> None:
    from harvestd.store.postgres.connection import Connection

    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=100)
    await buyer.order((product["id"], 1))
    ran: list[str] = []
    original = Connection.execute

    async def counted(self: Connection, sql: str, parameters: Any = ()) -> Any:
        ran.append(sql)
        return await original(self, sql, parameters)

    Connection.execute = counted  # type: ignore[method-assign]
    try:
        for _ in range(8):  # whichever connection has it all prepared
            ran.clear()
            assert (await buyer.order((product["id"], 1))).status == 201
            if not any("PREPARE" in sql for sql in ran):
                break
    finally:
        Connection.execute = original  # type: ignore[method-assign]
    assert not any("PREPARE" in sql for sql in ran)
    assert len(ran) <= 7, ran  # key (lock, look), stock, order, outbox, key's answer, commit
