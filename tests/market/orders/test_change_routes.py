"""Orders that change, over HTTP: amending, a second basket, shorts and substitutes, answers, weights; what is in stock then, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.orders import expiry
from harvestd.store.postgres.statements import Statement
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market

_MAILS = Statement("test.mails", "select recipient, subject, body from mails order by id", lambda *columns: columns)
_CHANGES = Statement(
    "test.changes",
    "select version, kind, actor, reason, before, after from order_changes order by version",
    lambda *columns: columns,
)


async def level(market: Market, product: dict[str, Any]) -> tuple[str, str]:
    """Stock and available, as they are now."""
    market.parts.cache.drop_here([f"product:{product['id']}", f"product:{product['slug']}"])
    page = (await market.stranger.get(f"/api/products/{product['id']}")).json()
    return page["stock"], page["available"]


async def change(
    person: Person, order: dict[str, Any], *lines: dict[str, Any], version: str = "*", **body: Any
) -> Response:
    """PATCH an order."""
    headers = {"If_Match": version}
    return await person.request("PATCH", f"/api/orders/{order['id']}", {"lines": [*lines], **body}, **headers)


async def of_line(
    person: Person, order: dict[str, Any], what: str, line: dict[str, Any], farm: Person, **body: Any
) -> Response:
    return await person.post(f"/api/orders/{order['id']}/parts/{farm.farm_id}/lines/{line['id']}/{what}", body)


async def move(farmer: Person, order: dict[str, Any], to: str) -> Response:
    return await farmer.post(f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status", {"to": to})


async def ducks(market: Market, farmer: Person) -> dict[str, Any]:
    """At 5.00 a kilogram, some 800 g each."""
    weight = {"quantity": "0.8", "unit": "kg"}
    return await market.product(
        farmer, title="Ducks", unit="each", price=500, stock="9", price_per={"quantity": "1", "unit": "kg"}, priced_by="weight", estimated_weight=weight
    )  # fmt: skip


async def test_a_buyer_changes_adds_and_takes_out_lines_until_the_farm_confirms(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=100)
    kale = await market.product(farmer, title="Kale", price=200)
    order = (await buyer.order((carrots["id"], 1), (leeks["id"], 1))).json()
    first, second = order["lines"]
    assert order["can"] == ["cancel", "amend"]
    changed = await change(
        buyer, order, {"line_id": first["id"], "quantity": 2, "note": "small ones", "substitution": "same_farm"}, {"line_id": second["id"], "quantity": None},
        {"product_id": kale["id"], "quantity": "0.5"}, version='"v1"', expected_total=880,
    )  # fmt: skip
    assert changed.status == 200, changed.text
    now = changed.json()
    assert [(x["title"], x["quantity"], x["total"]["amount"]) for x in now["lines"]] == [
        ("Carrots", "2.000", 780),
        ("Kale", "0.500", 100),
    ]
    assert (
        now["lines"][0]["note"],
        now["lines"][0]["substitution"],
        now["totals"]["total"]["amount"],
        now["version"],
    ) == ("small ones", "same_farm", 880, 2)
    assert changed.headers["etag"].startswith('"v2-') and (await buyer.get(f"/api/orders/{order['id']}")).json() == now
    assert [await level(market, one) for one in (carrots, leeks, kale)] == [
        ("2.500", "0.500"),
        ("2.500", "2.500"),
        ("2.500", "2.000"),
    ]
    assert market.broken() == []
    assert (await move(farmer, order, "confirmed")).json()["can"] == ["cancel", "amend", "short"]
    late = await change(buyer, order, {"line_id": first["id"], "quantity": 1})
    assert late.status == 409 and "ask the farm" in late.json()["detail"]
    assert (await buyer.get(f"/api/orders/{order['id']}")).json()["can"] == ["cancel"]
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


async def test_a_change_of_what_is_sold_already_moves_exactly_the_difference(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=100)
    order = (await buyer.order((carrots["id"], 1), (leeks["id"], 1))).json()
    await market.work()
    first, second = order["lines"]
    assert await level(market, carrots) == ("1.500", "1.500")
    assert (await change(buyer, order, {"line_id": first["id"], "quantity": "2.5"})).status == 200
    assert await level(market, carrots) == ("0.000", "0.000")
    assert market.broken() == []
    assert (
        await change(
            buyer, order, {"line_id": first["id"], "quantity": "0.5"}, {"line_id": second["id"], "quantity": 0}
        )
    ).status == 200
    assert [await level(market, one) for one in (carrots, leeks)] == [("2.000", "2.000"), ("2.500", "2.500")]
    assert (await change(buyer, order, {"product_id": leeks["id"], "quantity": 2})).status == 200
    await market.work(twice=True)
    assert await level(market, leeks) == ("0.500", "0.500")
    assert market.broken(at_rest=True) == []
    await buyer.post(f"/api/orders/{order['id']}/cancel", {})
    await market.work(twice=True)
    assert [await level(market, one) for one in (carrots, leeks)] == [("2.500", "2.500"), ("2.500", "2.500")]
    assert market.broken(at_rest=True) == []


async def test_more_than_there_is_is_refused_by_its_line_and_nothing_changes(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=100)
    order = (await buyer.order((carrots["id"], 1), (leeks["id"], 1))).json()
    first, second = order["lines"]
    refused = await change(
        buyer, order, {"line_id": second["id"], "quantity": 0}, {"line_id": first["id"], "quantity": "2.55"}
    )
    assert refused.status == 409 and refused.json()["type"] == "/problems/out-of-stock"
    (error,) = refused.json()["errors"]
    assert (error["field"], error["available"]) == ("lines[1].quantity", "1.500")
    assert (await buyer.get(f"/api/orders/{order['id']}")).json() == order
    assert await level(market, leeks) == ("2.500", "1.500")
    assert market.broken() == []


async def test_a_change_is_of_the_version_that_its_sender_has_read(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    line, path = order["lines"][0], f"/api/orders/{order['id']}"
    body = {"lines": [{"line_id": line["id"], "quantity": "0.5"}]}
    assert (await buyer.request("PATCH", path, body)).status == 428
    first = await buyer.request("PATCH", path, body, If_Match='"v1"', Idempotency_Key="once")
    again = await buyer.request("PATCH", path, body, If_Match='"v1"', Idempotency_Key="once")
    assert (first.status, again.status, again.body) == (200, 200, first.body) and again.headers[
        "idempotent-replayed"
    ] == "true"
    stale = await buyer.request("PATCH", path, body, If_Match='"v1"')
    assert stale.status == 412 and 'If-Match: "v2"' in stale.json()["detail"]
    assert (await buyer.request("PATCH", path, body, If_Match='"v2"')).json()["version"] == 2, (
        "what changes nothing is no version"
    )


async def test_another_total_than_expected_is_refused(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    line = order["lines"][0]
    await farmer.request("PATCH", f"/api/products/{product['id']}", {"price": 500}, If_Match="*")
    refused = await change(buyer, order, {"line_id": line["id"], "quantity": 2}, expected_total=780)
    assert refused.status == 409 and refused.json()["type"] == "/problems/price-changed"
    accepted = await change(buyer, order, {"line_id": line["id"], "quantity": 2}, expected_total=890)
    assert [(x["quantity"], x["unit_price"]["amount"]) for x in accepted.json()["lines"]] == [
        ("1.000", 390),
        ("1.000", 500),
    ]
    assert market.broken() == []


async def test_a_second_basket_is_added_to_an_order(market: Market) -> None:
    one, two, buyer = await market.farmer("One"), await market.farmer("Two"), await market.person()
    carrots, eggs = await market.product(one), await market.product(two, title="Eggs", unit="box", price=250)
    order = (await buyer.order((carrots["id"], 1), fulfilment={"method": "delivery", "address": "2 Lane"})).json()
    empty = await change(buyer, order, cart=True)
    assert empty.status == 422 and empty.json()["errors"][0]["field"] == "cart"
    for product, quantity in ((carrots, "0.5"), (eggs, 2)):
        assert (await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": quantity})).status == 200
    added = await change(buyer, order, cart=True)
    assert added.status == 200, added.text
    now = added.json()
    assert [(x["title"], x["quantity"]) for x in now["lines"]] == [("Carrots", "1.500"), ("Eggs", "2.000")]
    assert [(p["farm"]["id"], p["status"], p["subtotal"]["amount"]) for p in now["parts"]] == [
        (one.farm_id, "placed", 585),
        (two.farm_id, "placed", 500),
    ]
    assert now["parts"][1]["fulfilment"] == {"method": "delivery", "address": "2 Lane"}
    assert (await buyer.get("/api/cart")).json()["parts"] == []
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []
    mails = await market.parts.database.rows(_MAILS)
    told = [(to, subject) for to, subject, _ in mails if "changed" in subject]
    assert told == [
        (one.email, f"Order {order['number']} for One has changed"),
        (two.email, f"Order {order['number']} for Two has changed"),
    ]
    assert "+ 2 boxes  Eggs" in next(body for to, subject, body in mails if to == two.email and "changed" in subject)
    assert "Eggs" not in next(body for to, subject, body in mails if to == one.email and "changed" in subject)


async def test_a_farm_changes_its_part_with_a_reason_and_the_buyer_is_told(market: Market) -> None:
    farmer, other, buyer, packer = (
        await market.farmer(),
        await market.farmer(),
        await market.person(),
        await market.person("farmer", "Elsewhere"),
    )
    await market.join(packer, farmer.farm_id, "packer")
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    await move(farmer, order, "confirmed")
    line = {"line_id": order["lines"][0]["id"], "quantity": "0.5"}
    assert (await change(farmer, order, line)).json()["errors"][0]["field"] == "reason"
    assert (await change(packer, order, line, reason="x")).status == 403
    assert (await change(other, order, line, reason="x")).status == 404
    done = await change(farmer, order, line, reason="as you said on the telephone")
    assert done.status == 200 and done.json()["totals"]["total"]["amount"] == 195
    await market.work(twice=True)
    (mail,) = [
        body
        for to, subject, body in await market.parts.database.rows(_MAILS)
        if to == buyer.email and subject == f"Order {order['number']} has changed"
    ]
    assert "Carrots: 1 kg -> 0.5 kg  €1.95" in mail and "as you said on the telephone" in mail
    (audit,) = await market.parts.database.rows(_CHANGES)
    assert audit[1:4] == ("amended", "farm", "as you said on the telephone")
    assert (audit[4]["totals"]["total"], audit[5]["totals"]["total"]) == (390, 195)
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("said", [{"substitution": "any_farm"}, {"note": "anything goes"}])
async def test_a_farm_does_not_say_what_its_buyer_wants(market: Market, said: dict[str, str]) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await market.product(farmer))["id"], 2))).json()
    line = {"line_id": order["lines"][0]["id"], **said}
    refused = await change(farmer, order, line, reason="they will not mind")
    assert (refused.status, [one["code"] for one in refused.json()["errors"]]) == (422, ["not-accepted"])
    assert (await change(buyer, order, line)).status == 200


async def test_strangers_change_nothing(market: Market) -> None:
    farmer, buyer, stranger = await market.farmer(), await market.person(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    line = order["lines"][0]
    assert (await change(stranger, order, {"line_id": line["id"], "quantity": 0})).status == 404
    assert (await stranger.post(f"/api/orders/{order['id']}/lines/{line['id']}/answer", {"accept": True})).status == 404
    assert (await of_line(stranger, order, "short", line, farmer, quantity=1)).status == 403
    other = await market.farmer()
    assert (await of_line(other, order, "short", line, farmer, quantity=1)).status == 404
    assert (await of_line(other, order, "weigh", line, farmer, quantity=1)).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "lines"), ({"lines": []}, "lines"), ({"lines": [{}]}, "lines[0].line_id"), ({"lines": [{"product_id": "ID"}]}, "lines[0].quantity"),
        ({"lines": [{"product_id": "ID", "quantity": 0}]}, "lines[0].quantity"), ({"lines": [{"product_id": "ID", "line_id": "ID", "quantity": 1}]}, "lines[0].product_id"),
        ({"lines": [{"line_id": "ID", "variant_id": "ID"}]}, "lines[0].variant_id"), ({"lines": [{"line_id": "ID", "note": "a\u0000"}]}, "lines[0].note"),
        ({"lines": [{"line_id": "ID", "quantity": -1}]}, "lines[0].quantity"), ({"lines": [{"line_id": "ID", "price": 1}]}, "lines[0].price"),
        ({"lines": [{"line_id": "ID", "substitution": "all"}]}, "lines[0].substitution"), ({"cart": True, "expected_total": -1}, "expected_total"),
    ],
)  # fmt: skip
async def test_a_change_that_says_nothing_or_too_much_is_refused_by_its_field(
    market: Market, body: Any, field: str
) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    order = (await buyer.order(((await market.product(farmer))["id"], 1))).json()
    sent = {
        **body,
        **(
            {"lines": [{k: market.parts.new_id() if v == "ID" else v for k, v in x.items()} for x in body["lines"]]}
            if "lines" in body
            else {}
        ),
    }
    refused = await buyer.request("PATCH", f"/api/orders/{order['id']}", sent, If_Match="*")
    assert refused.status == 422 and refused.json()["errors"][0]["field"] == field, refused.text


async def test_what_is_short_is_not_owed_and_not_on_sale_again(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], 2))).json()
    line = order["lines"][0]
    first = await of_line(farmer, order, "short", line, farmer, quantity="0.5", reason="hail")
    assert first.status == 200, first.text
    assert (first.json()["lines"][0]["short_of"], first.json()["totals"]["total"]["amount"]) == ("0.500", 585)
    assert await level(market, product) == ("2.000", "0.500")
    assert market.broken() == []
    await market.work()
    assert (await of_line(farmer, order, "short", line, farmer, quantity="0.5")).json()["version"] == 2, (
        "the same again"
    )
    assert (await of_line(farmer, order, "short", line, farmer, quantity="2")).json()["totals"]["total"]["amount"] == 0
    assert await level(market, product) == ("0.500", "0.500")
    assert (await of_line(farmer, order, "short", line, farmer, quantity="0")).json()["totals"]["total"][
        "amount"
    ] == 780
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []
    (mail, *_) = [
        body
        for to, subject, body in await market.parts.database.rows(_MAILS)
        if "is short" in subject and to == buyer.email
    ]
    assert "Carrots: 2 kg -> 1.5 kg  €5.85" in mail and "hail" in mail
    await buyer.post(f"/api/orders/{order['id']}/cancel", {})
    assert await level(market, product) == ("2.500", "2.500")
    assert market.broken() == []


async def test_a_substitute_comes_by_the_buyers_consent_and_is_taken_out_of_stock(market: Market) -> None:
    farmer, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=200)
    eggs = await market.product(coop, title="Eggs", unit="box", price=250)
    order = (
        await buyer.post(
            "/api/orders",
            {"lines": [{"product_id": carrots["id"], "quantity": 2, "substitution": "any_farm"}]},
            Idempotency_Key="k",
        )
    ).json()
    line = order["lines"][0]
    assert line["substitution"] == "any_farm"
    short = {"quantity": 2, "substitute": {"product_id": leeks["id"], "quantity": 1}}
    first = await of_line(farmer, order, "short", line, farmer, **short)
    assert first.status == 200, first.text
    assert [(x["title"], x["total"]["amount"], x["replaces_line_id"]) for x in first.json()["lines"]] == [
        ("Carrots", 0, None),
        ("Leeks", 200, line["id"]),
    ]
    await market.work()
    assert await level(market, leeks) == ("1.500", "1.500")
    other = await of_line(
        farmer, order, "short", line, farmer, quantity=2, substitute={"product_id": eggs["id"], "quantity": 2}
    )
    assert other.status == 200 and [p["farm"]["id"] for p in other.json()["parts"]] == [farmer.farm_id], (
        "a farm sees its own part alone"
    )
    seen = (await buyer.get(f"/api/orders/{order['id']}")).json()
    assert [(p["status"], p["subtotal"]["amount"]) for p in seen["parts"]] == [("placed", 0), ("placed", 500)]
    more = await of_line(
        farmer, order, "short", line, farmer, quantity=2, substitute={"product_id": eggs["id"], "quantity": 9}
    )
    assert more.status == 409 and more.json()["errors"][0]["field"] == "substitute.quantity"
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []
    told = [
        to
        for to, subject, _ in await market.parts.database.rows(_MAILS)
        if subject == f"Order {order['number']} for Coop has changed"
    ]
    assert told == [coop.email]


def later(market: Market, **by: Any) -> Market:
    """The same market, so much later."""
    return make_market(attrs.evolve(market.parts, now=lambda: datetime.now(UTC) + timedelta(**by)))


@pytest.mark.parametrize("said", [True, False, None])
async def test_a_buyer_who_is_asked_says_yes_or_no_and_silence_is_a_no(market: Market, said: bool | None) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=200)
    order = (
        await buyer.post(
            "/api/orders",
            {"lines": [{"product_id": carrots["id"], "quantity": 2, "substitution": "ask"}]},
            Idempotency_Key="k",
        )
    ).json()
    line = order["lines"][0]
    await of_line(
        farmer, order, "short", line, farmer, quantity=1, substitute={"product_id": leeks["id"], "quantity": 1}
    )
    asked = (await buyer.get(f"/api/orders/{order['id']}")).json()
    proposed = asked["lines"][1]
    assert (proposed["proposed"], asked["totals"]["total"]["amount"], asked["can"]) == (
        True,
        390,
        ["cancel", "amend", "answer"],
    )
    assert await level(market, leeks) == ("2.500", "1.500"), "kept for the buyer meanwhile"
    await market.work()
    (mail,) = [body for to, subject, body in await market.parts.database.rows(_MAILS) if "asks you" in subject]
    assert "+ 1 kg  Leeks  €2.00" in mail and "until" in mail
    path = f"/api/orders/{order['id']}/lines/{proposed['id']}/answer"
    if said is None:
        await expiry.settle(market.parts)
        assert (await buyer.get(f"/api/orders/{order['id']}")).json() == asked
        await expiry.settle(later(market, days=1).parts)
    else:
        assert (await farmer.post(path, {"accept": True})).status == 403
        assert (await buyer.post(path, {"accept": said})).status == 200
        again, other = [await buyer.post(path, {"accept": one}) for one in (said, not said)]
        assert (again.status, other.status) == (200, 409), "the same again is no fault"
    of_other = await buyer.post(f"/api/orders/{order['id']}/lines/{line['id']}/answer", {"accept": True})
    assert (of_other.status, of_other.json()["detail"]) == (409, "nobody asks about this line")
    now = (await buyer.get(f"/api/orders/{order['id']}")).json()
    assert (now["totals"]["total"]["amount"], len(now["lines"]), now["can"]) == (
        (590, 2, ["cancel", "amend"]) if said else (390, 1, ["cancel", "amend"])
    )
    await market.work(twice=True)
    assert await level(market, leeks) == (("1.500", "1.500") if said else ("2.500", "2.500"))
    assert market.broken(at_rest=True) == []
    subjects = [subject for to, subject, _ in await market.parts.database.rows(_MAILS) if to == farmer.email]
    told = {True: "the buyer says yes", False: "the buyer says no", None: "no answer has come"}
    assert [answer for answer, text in told.items() if any(text in one for one in subjects)] == [said]


async def test_a_line_is_weighed_once_and_more_than_agreed_needs_the_buyers_yes(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await ducks(market, farmer)
    order = (await buyer.order((product["id"], 3))).json()
    line = order["lines"][0]
    assert (line["estimated"], line["total"]["amount"], line["agreed_total"]["amount"]) == (True, 1200, 1320)
    first = await of_line(farmer, order, "weigh", line, farmer, quantity="2.3")
    assert first.status == 200, first.text
    now = first.json()["lines"][0]
    assert (now["estimated"], now["weight"], now["total"]["amount"], now["answer_by"]) == (
        False,
        {"quantity": "2.300", "unit": "kg"},
        1150,
        None,
    )
    assert (await of_line(farmer, order, "weigh", line, farmer, quantity=2300, unit="g")).json()["lines"][0]["total"][
        "amount"
    ] == 1150
    heavy = (await of_line(farmer, order, "weigh", line, farmer, quantity=3)).json()
    assert (heavy["totals"]["total"]["amount"], heavy["lines"][0]["answer_by"] is None) == (1320, False)
    yes = await buyer.post(f"/api/orders/{order['id']}/lines/{line['id']}/answer", {"accept": True})
    assert yes.json()["totals"]["total"]["amount"] == 1500
    for accept, status in ((True, 200), (False, 409)):
        again = await buyer.post(f"/api/orders/{order['id']}/lines/{line['id']}/answer", {"accept": accept})
        assert again.status == status, "the same again is no fault, another answer comes too late"
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []
    (mail,) = [
        body for to, subject, body in await market.parts.database.rows(_MAILS) if "weighs more than agreed" in subject
    ]
    assert "€13.20" in mail


async def test_many_lines_are_weighed_at_once_each_with_its_own_result(market: Market) -> None:
    farmer, other, buyer = await market.farmer(), await market.farmer(), await market.person()
    product, plain, theirs = await ducks(market, farmer), await market.product(farmer), await ducks(market, other)
    one = (await buyer.order((product["id"], 2), (plain["id"], 1))).json()
    two = (await buyer.order((product["id"], 1))).json()
    gone = (await buyer.order((product["id"], 1))).json()
    foreign = (await buyer.order((theirs["id"], 1))).json()
    await buyer.post(f"/api/orders/{gone['id']}/cancel", {})
    rows = [
        {"line_id": one["lines"][0]["id"], "quantity": "1.7"}, {"line_id": one["lines"][1]["id"], "quantity": 1}, {"line_id": two["lines"][0]["id"], "quantity": 790, "unit": "g"},
        {"line_id": gone["lines"][0]["id"], "quantity": 1}, {"line_id": foreign["lines"][0]["id"], "quantity": 1}, {"line_id": "x", "quantity": 1},
        {"line_id": two["lines"][0]["id"], "quantity": 1}, {"line_id": market.parts.new_id(), "quantity": 1}, {"line_id": one["lines"][0]["id"], "quantity": -1, "more": 1},
    ]  # fmt: skip
    path = f"/api/farms/{farmer.farm_id}/weighings"
    answer = await farmer.post(path, {"weighings": rows}, Idempotency_Key="morning")
    assert answer.status == 200, answer.text
    results = answer.json()["results"]
    assert [(r["index"], r["status"]) for r in results] == [
        (0, "weighed"),
        (1, "failed"),
        (2, "weighed"),
        *((i, "failed") for i in range(3, 9)),
    ]
    assert [r["errors"][0]["code"] for r in results[3:]] == [
        "not-accepted",
        "not-found",
        "not-an-id",
        "given-twice",
        "not-found",
        "not-accepted",
    ]
    again = await farmer.post(path, {"weighings": rows}, Idempotency_Key="morning")
    assert again.json() == answer.json()
    once_more = (await farmer.post(path, {"weighings": rows[:3]})).json()["results"]
    assert [r["status"] for r in once_more] == ["unchanged", "failed", "unchanged"]
    totals = [(await buyer.get(f"/api/orders/{x['id']}")).json()["totals"]["total"]["amount"] for x in (one, two)]
    assert totals == [850 + 390, 395]
    assert (await buyer.post(path, {"weighings": rows[:1]})).status == 403
    assert (await other.post(path, {"weighings": rows[:1]})).status == 404
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("cancelled", [True, False])
async def test_what_another_farm_gave_stays_in_the_books_when_there_is_enough_after_all(
    market: Market, cancelled: bool
) -> None:
    farmer, coop, buyer = await market.farmer(), await market.farmer("Coop"), await market.person()
    carrots, eggs = await market.product(farmer), await market.product(coop, title="Eggs", unit="box", price=250)
    lines = [{"product_id": carrots["id"], "quantity": 2, "substitution": "any_farm"}]
    order = (await buyer.post("/api/orders", {"lines": lines}, Idempotency_Key="k")).json()
    line, substitute = order["lines"][0], {"product_id": eggs["id"], "quantity": 2}
    assert (await of_line(farmer, order, "short", line, farmer, quantity=2, substitute=substitute)).status == 200
    if cancelled:
        assert (await move(coop, order, "cancelled")).status == 200
    back = await of_line(farmer, order, "short", line, farmer, quantity=0)
    assert back.status == 200, back.text
    seen = (await buyer.get(f"/api/orders/{order['id']}")).json()
    assert seen["totals"]["total"] == line["total"]
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []
