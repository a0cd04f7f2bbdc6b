"""Fees, taxes and coupons of an order: charged by one decision in the cart and when it is placed, recomputed when a part ends, and limits that hold under races."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.store.postgres.statements import Statement, scalar
from tests.locks import holding, meeting
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market, settled

USES = Statement(
    "test.coupon_uses", "select c.taken || '/' || (select count(*) from coupon_uses u where u.coupon_id = c.id) from coupons c", scalar
)  # fmt: skip


async def sold(market: Market, farmer: Person, price: int = 1000, **more: Any) -> str:
    fields = {"unit": "each", "stock": 100, "quantity_step": 1, "price": price, **more}
    return str((await market.product(farmer, **fields))["id"])


async def charge(market: Market, path: str, **body: Any) -> dict[str, Any]:
    answer = await (await market.person("manager")).post(
        path, {"name": "Charge", **body} if "code" not in body else body
    )
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def amounts(answer: Response) -> dict[str, int]:
    names = ("goods", "fees", "tax", "discount", "total")
    totals = answer.json()["totals"]
    return {name: totals[name]["amount"] for name in names}


def added(market: Market) -> Market:
    """The same, where taxes are added."""
    return make_market(attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, tax_included=False)))


async def test_an_order_of_a_market_that_charges_nothing_is_its_goods(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    placed = await buyer.order((await sold(market, farmer), 2))
    assert amounts(placed) == {"goods": 2000, "fees": 0, "tax": 0, "discount": 0, "total": 2000}
    terms = Statement("test.terms", "select count(*) from orders where terms is not null", scalar)
    assert await market.parts.database.row(terms) == 0


@pytest.mark.parametrize("included", [True, False])
async def test_whether_taxes_are_included_is_the_markets_where_nothing_is_charged(
    market: Market, included: bool
) -> None:
    market = market if included else added(market)
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer)
    cart = await buyer.request("PUT", f"/api/cart/items/{product}", {"quantity": 1})
    quoted = await buyer.post("/api/quotes", {"lines": [{"product_id": product, "quantity": 1}], "hold": True})
    placed = await buyer.order((product, 1))
    of_quote = await buyer.post("/api/orders", {"quote_id": quoted.json()["id"]}, Idempotency_Key="quoted")
    pages = [(await who.get(f"/api/orders/{placed.json()['id']}")).json() for who in (buyer, farmer)]
    said = [cart.json()["tax_included"]]
    said += [one["totals"]["tax_included"] for one in (quoted.json(), placed.json(), of_quote.json(), *pages)]
    assert said == [included] * 6
    assert market.broken() == []


async def test_fees_taxes_and_a_coupon_are_as_worked_out_by_hand(market: Market) -> None:
    acres, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    await charge(market, "/api/fees", basis="order", amount=300, rate=19)
    await charge(market, "/api/tax-rates", rate=7)
    await charge(market, "/api/coupons", code="SPRING-26", percent=10)
    lines = (await sold(market, acres), 2), (await sold(market, coop, 500), 2)
    placed = await buyer.order(*lines, coupon="spring 26")
    # 10 % of 30.00; 7 % in 18.00 and 9.00, 19 % in 2.00 and 1.00
    assert placed.status == 201, placed.text
    assert amounts(placed) == {"goods": 3000, "fees": 300, "tax": 118 + 59 + 32 + 16, "discount": 300, "total": 3000}
    assert placed.json()["totals"]["tax_included"] is True
    parts = [
        tuple(part[name]["amount"] for name in ("subtotal", "fees", "tax", "discount", "total"))
        for part in placed.json()["parts"]
    ]
    assert parts == [(2000, 200, 150, 200, 2000), (1000, 100, 75, 100, 1000)]
    assert (await buyer.get(f"/api/orders/{placed.json()['id']}")).json()["totals"] == placed.json()["totals"]
    seen = (await coop.get(f"/api/orders/{placed.json()['id']}")).json()
    assert {name: seen["totals"][name]["amount"] for name in ("goods", "fees", "tax", "discount", "total")} == {
        "goods": 1000, "fees": 100, "tax": 75, "discount": 100, "total": 1000,
    }, "a farm sees its part"  # fmt: skip
    assert market.broken() == []


async def test_a_tax_that_is_added_comes_on_top(market: Market) -> None:
    market = added(market)
    farmer, buyer = await market.farmer(), await market.person()
    category = (await (await market.person("admin")).post("/api/categories", {"name": "Fruit"})).json()["id"]
    below = (await (await market.person("admin")).post("/api/categories", {"name": "Apples", "parent_id": category})).json()["id"]  # fmt: skip
    await charge(market, "/api/tax-rates", rate=19)
    await charge(market, "/api/tax-rates", rate="5.5", category_id=category)
    lines = (await sold(market, farmer, category_id=below), 1), (await sold(market, farmer, 100), 1)
    placed = await buyer.order(*lines)
    assert amounts(placed) == {"goods": 1100, "fees": 0, "tax": 55 + 19, "discount": 0, "total": 1174}
    assert (await market.stranger.get("/api/market")).json()["tax_included"] is False
    assert market.broken() == []


async def test_the_cart_says_what_its_order_comes_to(market: Market) -> None:
    market = added(market)
    farmer, buyer = await market.farmer(), await market.person()
    await charge(market, "/api/fees", basis="kilogram", amount=30)
    await charge(market, "/api/tax-rates", rate=10)
    product = await market.product(farmer)
    cart = (await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": "1.5"})).json()
    # 1.5 kg at 3.90 and 0.30
    assert [cart[name]["amount"] for name in ("fees", "tax", "total")] == [45, 59, 585 + 45 + 59]
    body = {"expected_total": cart["total"]}
    stale = await buyer.post("/api/orders", {"expected_total": 585}, Idempotency_Key="stale")
    assert (stale.status, stale.json()["errors"][0]["params"]["after"]) == (409, "689")
    placed = await buyer.post("/api/orders", body, Idempotency_Key="right")
    assert placed.status == 201 and placed.json()["totals"]["total"] == cart["total"]
    assert market.broken() == []


DELIVERY = {
    "areas": [
        {"name": "Town", "postcodes": ["1010"], "fee": 490, "minimum": 2000, "free_from": 5000, "rate": 20},
        {"name": "Suburb", "postcodes": ["1030"], "fee": 300},
    ],
    "note": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("address", "quantity", "status", "fees"),
    [
        ("Lane 1, 1010 Town", 2, 201, 490), ("Lane 1, 1010 Town", 5, 201, 0), ("Lane 1, 1010 Town", 1, 422, 0), ("Lane 1, 9999 Far", 2, 422, 0),
        ("Lane 1, 1030 Suburb", 2, 201, 300), ("1030 Lane, 1010 Town", 2, 201, 490), ("1010 Lane, 1030 Suburb", 1, 422, 0),
    ],
)  # fmt: skip
async def test_a_farm_s_delivery_is_charged_as_its_areas_say(
    market: Market, address: str, quantity: int, status: int, fees: int
) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    changed = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"delivery": DELIVERY}, If_Match="*")
    assert changed.status == 200, changed.text
    product = await sold(market, farmer)
    placed = await buyer.order((product, quantity), fulfilment={"method": "delivery", "address": address})
    assert placed.status == status, placed.text
    if status == 201:
        assert amounts(placed)["fees"] == fees
        assert amounts(placed)["tax"] == (82 if fees == 490 else 0), "20 % are 0.82 of 4.90"
    elif quantity == 1:
        (fault,) = placed.json()["errors"]
        assert (fault["code"], fault["params"]["minimum"]) == ("below-minimum", "2000")
    else:
        (fault,) = placed.json()["errors"]
        assert (fault["field"], fault["params"]["reason"]) == ("fulfilment.address", "outside-areas")
    assert (await buyer.order((product, 1))).status == 201, "who picks it up pays nothing for it"


@pytest.mark.parametrize(
    ("coupon", "lines", "code", "reason"),
    [
        ("NO-SUCH-CODE", 1, "not-found", "coupon"), ("x", 1, "wrong-form", "coupon-code"), ("EARLY", 1, "not-accepted", "coupon-early"),
        ("LATE", 1, "expired", "coupon"), ("ASLEEP", 1, "not-found", "coupon"), ("MUCH", 1, "below-minimum", "coupon"), ("OTHERS", 1, "not-accepted", "coupon-other-goods"),
    ],
)  # fmt: skip
async def test_a_coupon_that_is_not_accepted_is_refused_with_the_reason(
    market: Market, coupon: str, lines: int, code: str, reason: str
) -> None:
    farmer, other, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    await charge(market, "/api/coupons", code="EARLY", percent=10, **{"from": "2999-01-01"})
    await charge(market, "/api/coupons", code="LATE", percent=10, until="2001-01-01")
    await charge(market, "/api/coupons", code="ASLEEP", percent=10, active=False)
    await charge(market, "/api/coupons", code="MUCH", percent=10, minimum=1001)
    await charge(market, "/api/coupons", code="OTHERS", percent=10, farm_id=other.farm_id)
    refused = await buyer.order((await sold(market, farmer), lines), coupon=coupon)
    (fault,) = refused.json()["errors"]
    assert (refused.status, fault["field"], fault["code"], fault["params"]["reason"]) == (422, "coupon", code, reason)
    assert (await buyer.get("/api/orders")).json()["items"] == []
    assert market.broken() == []


async def test_codes_are_not_guessed_in_bulk(market: Market) -> None:
    settings = attrs.evolve(market.parts.settings, rate_limits=True, rate_coupon="3/60", rate_default="1000/60")
    market = make_market(attrs.evolve(market.parts, settings=settings))
    farmer, buyer, other = await market.farmer(), await market.person(), await market.person()
    product = await sold(market, farmer)
    tries = [(await buyer.order((product, 1), coupon=f"GUESS-{n}")).status for n in range(4)]
    assert tries == [422, 422, 422, 429]
    assert (await other.order((product, 1), coupon="GUESS-9")).status == 429, "nor from one address by several"
    assert (await buyer.order((product, 1))).status == 201, "who has no coupon orders as ever"


async def test_a_code_is_tried_as_seldom_by_giving_it_to_a_coupon_as_by_ordering_with_it(market: Market) -> None:
    settings = attrs.evolve(market.parts.settings, rate_limits=True, rate_coupon="4/60", rate_default="1000/60")
    market = make_market(attrs.evolve(market.parts, settings=settings))
    farmer, manager = await market.farmer(), await market.person("manager")
    await charge(market, "/api/coupons", code="SECRET", percent=10)
    own = await farmer.post("/api/coupons", {"code": "OWN-1", "percent": 10})
    path = f"/api/coupons/{own.json()['id']}"
    quote = {"lines": [{"product_id": await sold(market, farmer), "quantity": 1}], "coupon": "GUESS-1"}
    tries = [
        await farmer.request("PATCH", path, {"code": "GUESS-2"}), await farmer.request("PATCH", path, {"code": "secret"}),
        await farmer.post("/api/quotes", quote), await farmer.request("PATCH", path, {"code": "GUESS-4"}),
    ]  # fmt: skip
    assert [answer.status for answer in (own, *tries)] == [201, 200, 409, 200, 429]
    assert (await farmer.post("/api/coupons", {"code": "GUESS-5", "percent": 10})).status == 429
    assert (await farmer.request("PATCH", path, {"percent": 20})).status == 200, "which tries no code"
    made = [(await manager.post("/api/coupons", {"code": f"MANY-{n}", "percent": 1})).status for n in range(6)]
    assert made == [201] * 6, "whoever sees all of them learns nothing"


async def test_a_hold_with_a_coupon_is_a_hold_and_a_try(market: Market) -> None:
    limits = {"rate_coupon": "3/60", "rate_hold": "2/60", "rate_default": "1000/60"}
    settings = attrs.evolve(market.parts.settings, rate_limits=True, **limits)
    market = make_market(attrs.evolve(market.parts, settings=settings))
    buyer = await market.person()
    lines = [{"product_id": await sold(market, await market.farmer()), "quantity": 1}]
    await charge(market, "/api/coupons", code="SPRING", percent=10)
    holds = [
        await buyer.post("/api/quotes", {"lines": lines, "hold": True, **more}) for more in ({}, {"coupon": "SPRING"})
    ]
    assert [answer.status for answer in holds] == [200, 200]
    assert (await buyer.post("/api/quotes", {"lines": lines, "hold": True, "coupon": "SPRING"})).status == 429
    order = await buyer.post("/api/orders", {"quote_id": holds[1].json()["id"]}, Idempotency_Key="held")
    assert order.status == 201 and order.json()["coupon"] == "SPRING", "an order of what is held is no try of its own"


async def test_an_order_names_its_fees_and_its_coupon_to_those_who_may_know(market: Market) -> None:
    acres, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    packing = await charge(market, "/api/fees", name="Packing", basis="order", amount=300, rate=19)
    own = {"name": "Crate", "basis": "farm", "amount": 150, "farm_id": coop.farm_id}
    assert (await coop.post("/api/fees", own)).status == 201
    await coop.post("/api/coupons", {"code": "Spring-26", "percent": 10, "farm_id": coop.farm_id})
    placed = await buyer.order((await sold(market, acres), 2), (await sold(market, coop), 1), coupon="SPRING 26")
    rows = [("Packing", acres, 200, 32), ("Packing", coop, 100, 16), ("Crate", coop, 150, 0)]
    path = f"/api/orders/{placed.json()['id']}"
    pages = {who: (await who.get(path)).json() for who in (buyer, acres, coop, await market.person("manager"))}
    for who, page in pages.items():
        seen = [(one["name"], one["farm_id"], one["amount"]["amount"], one["tax"]["amount"]) for one in page["fees"]]
        assert seen == [
            (name, farm.farm_id, *of) for name, farm, *of in rows if who not in (acres, coop) or farm is who
        ]
        assert sum(one[2] for one in seen) == page["totals"]["fees"]["amount"]
        assert page["coupon"] == (None if who is acres else "Spring-26"), "another farm's code is nobody else's to know"
    assert (placed.json()["fees"], placed.json()["coupon"]) == (pages[buyer]["fees"], "Spring-26")
    await (await market.person("manager")).request("PATCH", f"/api/fees/{packing['id']}", {"name": "Other"})
    await buyer.post(f"{path}/cancel", {})
    over = (await buyer.get(path)).json()
    assert over["fees"] == pages[buyer]["fees"], "what was agreed, by the names that it had"
    assert market.broken() == []


async def test_a_part_that_ends_leaves_what_the_others_come_to_by_the_rules_of_the_order(market: Market) -> None:
    acres, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    fee = await charge(market, "/api/fees", basis="order", amount=300, free_from=3001)
    await charge(market, "/api/coupons", code="SPRING", amount=600, minimum=3000)
    placed = await buyer.order((await sold(market, acres), 2), (await sold(market, coop), 1), coupon="SPRING")
    assert amounts(placed) == {"goods": 3000, "fees": 300, "tax": 0, "discount": 600, "total": 2700}
    manager, path = await market.person("manager"), f"/api/orders/{placed.json()['id']}"
    await manager.request("PATCH", f"/api/fees/{fee['id']}", {"amount": 9999})
    cancelled = await coop.post(f"{path}/cancel", {"reason": "Hail."})
    assert cancelled.status == 200, cancelled.text
    left = await buyer.get(path)
    assert amounts(left) == {"goods": 2000, "fees": 300, "tax": 0, "discount": 600, "total": 1700}
    assert left.json()["parts"][0]["total"]["amount"] == 1700
    assert market.broken() == []
    assert (await market.parts.database.rows(USES)) == ["1/1"], "it is still used"
    await buyer.post(f"{path}/cancel", {})
    assert amounts(await buyer.get(path))["total"] == 1700, "an order that is over keeps what was agreed"
    assert (await market.parts.database.rows(USES)) == ["0/1"]
    assert market.broken() == []


async def test_a_use_is_given_back_once_and_only_where_nothing_has_left(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer)
    await charge(market, "/api/coupons", code="SPRING", percent=10, max_uses_per_person=1)
    first = (await buyer.order((product, 1), coupon="SPRING")).json()["id"]
    assert (await buyer.order((product, 1), coupon="SPRING")).json()["errors"][0]["params"][
        "reason"
    ] == "coupon-used-by-you"
    assert (await (await market.person()).order((product, 1), coupon="SPRING")).status == 201
    cancels = await settled(*(buyer.post(f"/api/orders/{first}/cancel", {}, Idempotency_Key=f"c{n}") for n in range(3)))
    assert sorted(answer.status for answer in cancels) == [200, 409, 409]
    second = (await buyer.order((product, 1), coupon="SPRING")).json()["id"]
    for to in ("confirmed", "ready", "out_for_delivery", "cancelled"):
        moved = await farmer.post(f"/api/orders/{second}/parts/{farmer.farm_id}/status", {"to": to})
        assert moved.status == 200, moved.text
    assert (await buyer.order((product, 1), coupon="SPRING")).status == 422
    assert (await market.parts.database.rows(USES)) == ["2/3"]
    assert market.broken() == []


@pytest.mark.parametrize(
    ("limits", "people", "successes"),
    [({"max_uses": 1}, 4, 1), ({"max_uses": 3}, 4, 3), ({"max_uses_per_person": 1}, 1, 1)],
)
async def test_simultaneous_orders_use_a_coupon_as_often_as_it_allows(
    market: Market, limits: dict[str, int], people: int, successes: int
) -> None:
    """Each waits for the coupon's row, which the test holds, having found that it has a use left."""
    farmer = await market.farmer()
    await charge(market, "/api/coupons", code="SPRING", percent=10, **limits)
    buyers = [await market.person() for _ in range(people)]
    lines = [(buyers[n % people], await sold(market, farmer)) for n in range(max(people, 3))]
    url = market.parts.database.settings.dsn
    with holding(url, "update coupons set version = version") as held:
        answers = await meeting(url, held, *(who.order((product, 1), coupon="spring") for who, product in lines))
    refused = [answer for answer in answers if answer.status == 422]
    assert sum(answer.status == 201 for answer in answers) == successes and len(refused) == len(lines) - successes
    assert all("coupon-used" in answer.json()["errors"][0]["params"]["reason"] for answer in refused)
    assert market.broken() == []


async def test_an_order_with_a_coupon_and_the_cancellation_of_one_do_not_wait_for_each_other(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    await charge(market, "/api/coupons", code="SPRING", percent=10, max_uses=2)
    product = await sold(market, farmer)
    order = (await buyer.order((product, 1), coupon="SPRING")).json()["id"]
    url = market.parts.database.settings.dsn
    with holding(url, "update coupons set version = version") as held:
        cancelled, again = await meeting(
            url, held, buyer.post(f"/api/orders/{order}/cancel", {}), buyer.order((await sold(market, farmer), 1), coupon="SPRING"),
        )  # fmt: skip
    assert (cancelled.status, again.status) == (200, 201)
    assert (await market.parts.database.rows(USES)) == ["1/2"]
    assert market.broken() == []


async def test_mails_say_what_is_charged_beside_the_lines(market: Market) -> None:
    acres, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    await charge(market, "/api/fees", basis="order", amount=300)
    await charge(market, "/api/tax-rates", rate=7)
    await charge(market, "/api/coupons", code="SPRING", percent=10)
    placed = await buyer.order((await sold(market, acres), 2), (await sold(market, coop), 1), coupon="SPRING")
    assert placed.status == 201
    await market.work()
    bodies = Statement("test.mails", "select recipient, body from mails", lambda recipient, body: (recipient, body))
    mails = dict(await market.parts.database.rows(bodies))
    for who, said in {
        buyer: ("Charge: €3.00", "Coupon SPRING: -€3.00", "Tax included: €1.77", "Total: €30.00"),
        acres: ("Charge: €2.00", "Coupon: -€2.00", "Tax included: €1.18", "Total: €20.00"),
    }.items():
        assert all(piece in mails[who.email] for piece in said), mails[who.email]
