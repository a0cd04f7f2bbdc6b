"""Quotes: an order without its effects, and what is held for whoever asked: it is nobody else's until its time is over, and ordered once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.orders import quoting
from harvestd.market.orders.closing import forget
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.unit_of_work import change
from tests.locks import holding, meeting
from tests.market.orders.test_billing import charge, sold
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market, settled

RESERVED = Statement("test.reserved", "select reserved::float8 from products order by id", scalar)
QUOTES = Statement("test.quotes", "select count(*) from quotes", scalar)
OLDER = Statement("test.older_quotes", "update quotes set expires_at = now() - interval '1 second'", nothing)


async def quote(who: Any, *lines: tuple[str, Any], **more: Any) -> Response:
    body = {"lines": [{"product_id": p, "quantity": q} for p, q in lines], **more} if lines else more
    answer: Response = await who.post("/api/quotes", body)
    return answer


async def held(who: Any, *lines: tuple[str, Any], **more: Any) -> dict[str, Any]:
    answer = await quote(who, *lines, hold=True, **more)
    assert answer.status == 200 and answer.json()["id"], answer.text
    found: dict[str, Any] = answer.json()
    return found


async def order_of(who: Person, quote_id: str, key: str, **more: Any) -> Response:
    return await who.post("/api/orders", {"quote_id": quote_id, **more}, Idempotency_Key=key)


async def reserved(market: Market) -> list[float]:
    return await market.parts.database.rows(RESERVED)


async def test_a_quote_is_its_order_without_the_effects(market: Market) -> None:
    acres, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    await charge(market, "/api/fees", basis="order", amount=300, rate=19)
    await charge(market, "/api/tax-rates", rate=7)
    await charge(market, "/api/coupons", code="SPRING", percent=10)
    lines = (await sold(market, acres), 2), (await sold(market, coop, 500), 2)
    quoted = await quote(buyer, *lines, coupon="spring")
    placed = await buyer.order(*lines, coupon="spring")
    assert quoted.json()["refusals"] == [] and quoted.json()["totals"] == placed.json()["totals"]
    assert (quoted.json()["id"], quoted.json()["expires_at"]) == (None, None)
    names = ("farm", "fulfilment", "subtotal", "fees", "tax", "discount", "total")
    assert [[part[name] for name in names] for part in quoted.json()["parts"]] == [
        [part[name] for name in names] for part in placed.json()["parts"]
    ]
    assert [(one["name"], one["amount"]["amount"]) for one in quoted.json()["fees"]] == [
        ("Charge", 200),
        ("Charge", 100),
    ]
    assert len((await buyer.get("/api/orders")).json()["items"]) == 1
    uses = Statement("test.uses", "select taken from coupons", scalar)
    assert await market.parts.database.row(uses) == 1
    assert await market.parts.database.row(QUOTES) == 0
    assert market.broken() == []


async def test_all_that_speaks_against_it_is_told_at_once_and_the_rest_is_priced(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    scarce, plain = await sold(market, farmer, stock=1), await sold(market, farmer, 250)
    answer = await quote(buyer, (scarce, 2), (plain, 2), (farmer.id, 1), coupon="NO-SUCH-CODE")
    assert answer.status == 200
    found = [(one["type"], one["status"], one["field"], one["code"]) for one in answer.json()["refusals"]]
    assert found == [
        ("/problems/invalid", 422, "coupon", "not-found"), ("/problems/invalid", 422, "lines[2].product_id", "not-for-sale"),
        ("/problems/out-of-stock", 409, "lines[0].quantity", "out-of-stock"),
    ]  # fmt: skip
    assert answer.json()["refusals"][2]["available"] == "1.000"
    assert answer.json()["totals"]["goods"]["amount"] == 2500
    stale = await quote(buyer, (plain, 2), expected_total=499)
    assert [one["type"] for one in stale.json()["refusals"]] == ["/problems/price-changed"]
    empty = await quote(buyer)
    assert [one["params"]["reason"] for one in empty.json()["refusals"]] == ["cart-empty"]


async def test_a_coupon_is_refused_without_an_account_as_the_order_would_refuse_it(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer)
    await charge(market, "/api/coupons", code="SPRING", percent=10)
    for code in ("SPRING", "NO-SUCH-CODE"):
        asked = await quote(market.stranger, (product, 1), coupon=code, hold=True)
        assert asked.status == 200, asked.text
        found = [(one["field"], one["code"], one["params"]) for one in asked.json()["refusals"]]
        assert found == [("coupon", "not-accepted", {"reason": "coupon-account"})], code
        assert (asked.json()["id"], asked.json()["totals"]["discount"]["amount"]) == (None, 0)
    assert (await quote(buyer, (product, 1), coupon="SPRING")).json()["refusals"] == []


async def test_what_is_held_is_nobody_else_s_and_ordered_at_its_prices_once(market: Market) -> None:
    farmer, buyer, other = await market.farmer(), await market.person(), await market.person()
    product = await sold(market, farmer, stock=3)
    await charge(market, "/api/coupons", code="SPRING", percent=10)
    mine = await held(buyer, (product, 2), coupon="SPRING", fulfilment={"method": "delivery", "address": "Lane 1"})
    assert await reserved(market) == [2.0]
    assert (await other.order((product, 2))).status == 409
    assert (await other.order((product, 1))).status == 201
    await farmer.request("PATCH", f"/api/products/{product}", {"price": 9999, "quantity_step": 5}, If_Match="*")
    await charge(market, "/api/fees", basis="order", amount=500)
    await charge(market, "/api/tax-rates", rate=50)
    manager = await market.person("manager")
    coupon = (await manager.get("/api/coupons")).json()["items"][0]["id"]
    await manager.request("PATCH", f"/api/coupons/{coupon}", {"percent": 1})
    assert (await order_of(other, mine["id"], "theirs")).json()["errors"][0]["code"] == "expired"
    placed = await order_of(buyer, mine["id"], "mine", expected_total=1800)
    assert placed.status == 201, placed.text
    assert placed.json()["totals"] == mine["totals"] and placed.json()["fulfilment"]["address"] == "Lane 1"
    assert (await order_of(buyer, mine["id"], "mine", expected_total=1800)).headers["idempotent-replayed"] == "true"
    again = await order_of(buyer, mine["id"], "again")
    assert (again.status, again.json()["errors"][0]["field"]) == (422, "quote_id")
    assert await reserved(market) == [3.0]
    assert market.broken() == []


async def test_a_second_hold_of_somebody_replaces_the_first(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer, stock=3)
    first = await held(buyer, (product, 2))
    second = await held(buyer, (product, 3))
    assert await reserved(market) == [3.0]
    refused = await quote(buyer, (product, 4), hold=True)
    assert (refused.json()["id"], refused.json()["refusals"][0]["available"]) == (None, "3.000")
    assert await reserved(market) == [3.0], "what is refused replaces nothing"
    assert (await order_of(buyer, first["id"], "first")).status == 422
    assert (await order_of(buyer, second["id"], "second")).status == 201
    assert market.broken() == []


async def test_a_guest_holds_by_the_token_of_their_cart_and_orders_once_signed_in(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer, stock=3)
    answer = await quote(market.stranger, (product, 2), hold=True)
    token = answer.headers["x-cart-token"]
    again = await market.stranger.post(
        "/api/quotes",
        {"lines": [{"product_id": product, "quantity": 1}], "hold": True},
        headers={"X-Cart-Token": token},
    )
    assert again.json()["id"] and "x-cart-token" not in again.headers
    assert await reserved(market) == [1.0]
    assert (await order_of(buyer, again.json()["id"], "without")).status == 422
    placed = await buyer.post(
        "/api/orders", {"quote_id": again.json()["id"]}, Idempotency_Key="with", X_Cart_Token=token
    )
    assert placed.status == 201, placed.text
    assert market.broken() == []


async def test_an_order_of_what_was_quoted_of_the_cart_empties_it(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer)
    await buyer.request("PUT", f"/api/cart/items/{product}", {"quantity": 2})
    mine = await held(buyer)
    assert (await order_of(buyer, mine["id"], "cart")).status == 201
    assert (await buyer.get("/api/cart")).json()["count"] == 0
    await buyer.request("PUT", f"/api/cart/items/{product}", {"quantity": 2})
    mine = await held(buyer)
    await buyer.request("PUT", f"/api/cart/items/{product}", {"quantity": 3})
    assert (await order_of(buyer, mine["id"], "changed")).status == 201
    assert (await buyer.get("/api/cart")).json()["count"] == 1, "what was put in since is still wanted"
    assert market.broken() == []


async def test_a_quote_says_all_that_an_order_of_it_says_otherwise(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer)
    mine = await held(buyer, (product, 2))
    lines = [{"product_id": product, "quantity": 1}]
    both = await order_of(buyer, mine["id"], "both", lines=lines, coupon="SPRING")
    assert {one["field"]: one["code"] for one in both.json()["errors"]} == {
        "lines": "given-twice",
        "coupon": "given-twice",
    }
    assert (await order_of(buyer, mine["id"], "alone", note="Ring.")).json()["note"] == "Ring."


async def test_what_is_not_sold_any_more_is_not_ordered_as_it_was_quoted(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer)
    mine = await held(buyer, (product, 2))
    archived = await farmer.request("DELETE", f"/api/products/{product}", If_Match="*")
    assert archived.status == 204
    assert (await order_of(buyer, mine["id"], "archived")).json()["errors"][0]["code"] == "not-for-sale"
    assert market.broken() == []


async def test_a_hold_ends_by_itself(market: Market) -> None:
    settings = attrs.evolve(market.parts.settings, holds_minutes=5.0)
    market = make_market(attrs.evolve(market.parts, settings=settings))
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer, stock=2)
    mine = await held(buyer, (product, 2))
    assert (await buyer.get(f"/api/products/{product}")).json()["available"] == "0.000"
    for minutes, left in ((4.9, [2.0]), (5.1, [0.0])):
        now = market.parts.now() + timedelta(minutes=minutes)
        await quoting.end_all(attrs.evolve(market.parts, now=lambda now=now: now))
        assert await reserved(market) == left
    assert (await order_of(buyer, mine["id"], "late")).status == 422
    assert (await buyer.get(f"/api/products/{product}")).json()["available"] == "2.000"
    assert market.broken() == []


async def test_one_whose_time_is_over_is_not_ordered_though_it_is_still_there(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    mine = await held(buyer, (await sold(market, farmer), 2))
    await market.parts.database.transaction(lambda tx: tx.run(OLDER))
    assert (await order_of(buyer, mine["id"], "late")).status == 422
    assert await market.parts.database.row(QUOTES) == 1


async def test_whoever_closes_their_account_holds_nothing(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    await held(buyer, (await sold(market, farmer), 2))
    await change(market.parts, lambda unit: forget(unit, Closed(buyer.id, buyer.email, buyer.email)))
    assert (await reserved(market), await market.parts.database.row(QUOTES)) == ([0.0], 0)


async def test_holds_are_counted_for_their_address_of_strangers_and_of_others_apart_and_with_a_coupon_too(
    market: Market,
) -> None:
    """Who has no account uses up nothing of those who have."""
    settings = attrs.evolve(market.parts.settings, rate_limits=True, rate_hold="3/60", rate_default="1000/60")
    market = make_market(attrs.evolve(market.parts, settings=settings))
    farmer, buyer, other = await market.farmer(), await market.person(), await market.person()
    product = await sold(market, farmer)
    asked = [*[(market.stranger, "")] * 4, (buyer, "SPRING"), (buyer, ""), (other, "SPRING"), (other, "")]
    answers = [await quote(who, (product, 1), hold=True, coupon=coupon) for who, coupon in asked]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 200, 200, 200, 429]
    assert (await quote(market.stranger, (product, 1))).status == 200, "to ask is another thing"


async def test_two_holds_for_one_stock_that_meet_are_one(market: Market) -> None:
    """Both wait for the product's row, which the test holds."""
    farmer = await market.farmer()
    product, people = await sold(market, farmer, stock=5), [await market.person() for _ in range(3)]
    url = market.parts.database.settings.dsn
    with holding(url, "update products set title = title") as locked:
        answers = await meeting(url, locked, *(quote(who, (product, 3), hold=True) for who in people))
    assert [bool(answer.json()["id"]) for answer in answers] == [True, False, False]
    assert answers[1].json()["refusals"][0]["available"] == "2.000"
    assert await reserved(market) == [3.0]
    assert market.broken() == []


async def test_holds_of_one_person_that_meet_leave_one(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer, stock=5)
    answers = await settled(*(quote(buyer, (product, 1 + n), hold=True) for n in range(4)))
    assert all(answer.json()["id"] for answer in answers), [answer.text for answer in answers]
    assert await market.parts.database.row(QUOTES) == 1
    assert market.broken() == []
    winner = [answer.json()["id"] for answer in answers]
    placed = await settled(*(order_of(buyer, one, f"key-{n}") for n, one in enumerate(winner)))
    assert sorted(answer.status for answer in placed) == [201, 422, 422, 422]
    assert market.broken() == []


@pytest.mark.parametrize("first", ["order", "end"])
async def test_a_hold_that_ends_and_the_order_of_it_are_one_or_the_other(market: Market, first: str) -> None:
    """Both wait for the quote's row, which the test holds, in either order."""
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer, stock=2)
    mine = await held(buyer, (product, 2))
    url = market.parts.database.settings.dsn
    later = market.parts.now() + timedelta(days=1)
    actions = {
        "order": lambda: order_of(buyer, mine["id"], "race"),
        "end": lambda: quoting.end_all(attrs.evolve(market.parts, now=lambda: later)),
    }
    order = ["order", "end"] if first == "order" else ["end", "order"]
    with holding(url, "update quotes set day = day") as locked:
        found: list[Any] = await meeting(url, locked, *(actions[name]() for name in order))
    answer = dict(zip(order, found, strict=True))["order"]
    assert answer.status == (201 if first == "order" else 422), answer.text
    assert await reserved(market) == [2.0 if first == "order" else 0.0]
    assert market.broken() == []
