"""Guests: orders of people without an account, who are known by a mailed link."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred

from harvestd.market.orders import order_keys, retention
from harvestd.parts import Parts
from harvestd.runtime import failpoints
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import change
from tests.locks import holding, meeting
from tests.market.accounts.mailbox import mails
from tests.market.orders.test_change_routes import change as change_order
from tests.market.orders.test_change_routes import ducks, move, of_line
from tests.people import Market, Person
from tests.waiting import eventually
from tests.web.client import Response
from tests.web.conftest import make_market, settled

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+43 664 1234567"}
#: Whatever the market has of a guest.
SAID = Statement(
    "test.said_of_guests",
    """select (select count(*) from orders o where o::text ~ 'Lovelace|ada@example|6641234567|Secret Lane|dog bites'),
              (select count(*) from order_parts p where p::text like '%Secret Lane%'),
              (select count(*) from notifications n where n::text ~ 'Lovelace|6641234567|Secret Lane|dog bites'),
              (select count(*) from order_keys)""",
    lambda *counts: counts,
)


@pytest.fixture
def market(parts: Parts) -> Market:
    return market_of(parts)


def market_of(parts: Parts, **settings: Any) -> Market:
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, guests=True, **settings)))


async def ask(market: Market, body: Any, key: str = "guest", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await market.stranger.request("POST", "/api/orders", json=body, headers={"Idempotency-Key": key, **named})


async def ordered(market: Market, product: Any, key: str = "guest", **more: Any) -> dict[str, Any]:
    body = {"lines": [{"product_id": product["id"], "quantity": 1}], "guest": ADA} | more
    answer = await ask(market, body, key)
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def links(market: Market, to: str = ADA["email"]) -> list[str]:
    """The addresses of orders in what a guest was mailed, without the market's own."""
    return [link for _, body in await told(market, to) for link in re.findall(r"(/api/orders/\S+)", body)]


async def told(market: Market, to: str = ADA["email"]) -> list[tuple[str, str]]:
    """Subject and text of what a guest was mailed about orders, once the workers have done what there is to do."""
    return [one for one in await mails(market, to) if "/api/orders/" in one[1]]


async def get(market: Market, path: str) -> Response:
    return await market.stranger.get(path)


async def cancel(market: Market, link: str, key: str = "") -> Response:
    path, _, query = link.partition("?")
    headers = {"Idempotency-Key": key} if key else {}
    return await market.stranger.request("POST", f"{path}/cancel?{query}", json={}, headers=headers)


async def test_a_guest_orders_and_sees_and_cancels_it_by_the_mailed_link(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    order = await ordered(
        market, product, fulfilment={"method": "delivery", "address": "Secret Lane 3"}, note="dog bites"
    )
    assert "token" not in str(order) and order["can"] == ["cancel", "amend"] and "buyer" not in order
    (link,) = await links(market)
    path, _, token = link.partition("?token=")
    assert path == f"/api/orders/{order['id']}" and len(token) == 43
    shown = await get(market, link)
    assert shown.status == 200 and shown.json() == order
    assert shown.headers["cache-control"] == "no-store" and shown.headers["referrer-policy"] == "no-referrer"
    other = (await ordered(market, product, "other"))["id"]
    for wrong in (
        path,
        f"{path}?token=",
        f"{path}?token={'a' * 43}",
        f"{path}?token={token}x",
        f"/api/orders/{other}?token={token}",
    ):
        assert (await get(market, wrong)).status == (401 if wrong == path else 404), wrong
        if "?" in wrong:
            assert (await cancel(market, wrong)).status == 404
    gone = await cancel(market, link)
    assert gone.status == 200 and gone.json()["status"] == "cancelled"
    assert [(s["to"], s["by"]) for s in gone.json()["steps"]] == [("placed", "buyer"), ("cancelled", "buyer")]
    assert (await cancel(market, link)).status == 409
    assert market.broken() == []


async def test_a_market_without_guests_asks_everybody_to_sign_in(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    await ordered(market, product)
    (link,) = await links(market)
    without = make_market(attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, guests=False)))
    body = {"lines": [{"product_id": product["id"], "quantity": 1}], "guest": ADA}
    assert (await ask(without, body, "no")).status == 401
    assert (await get(market, "/api/market")).json()["guests"] is True
    assert (await get(without, link)).status == 200, "an order that there is stays its guest's"
    for wrong in ({}, {"lines": body["lines"]}):
        refused = await ask(market, wrong, "who")
        assert refused.status == 401 and "www-authenticate" in refused.headers, refused.text


async def test_whoever_is_signed_in_is_no_guest(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    lines = [{"product_id": product["id"], "quantity": 1}]
    refused = await buyer.post("/api/orders", {"lines": lines, "guest": ADA}, Idempotency_Key="g")
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "guest")
    both = await ask(market, {"lines": lines, "guest": ADA, "buyer_id": buyer.id}, "b")
    assert (both.status, both.json()["errors"][0]["field"]) == (422, "buyer_id")


async def test_what_is_wrong_with_a_guest_is_told_with_all_else(market: Market) -> None:
    wrong = {
        "lines": [{"product_id": market.parts.new_id(), "quantity": 0}],
        "note": "a\u0007",
        "guest": {"name": "", "email": "x", "phone": "y"},
    }
    refused = await ask(market, wrong)
    fields = {e["field"] for e in refused.json()["errors"]}
    assert refused.status == 422 and fields >= {"guest.name", "guest.email", "guest.phone"}
    for missing in ({"name": "Ada"}, {"email": "a@b.example"}, {}, {"role": "admin", **ADA}):
        assert (await ask(market, wrong | {"guest": missing}, "m")).status == 422
    no_key = await market.stranger.request("POST", "/api/orders", json={"guest": ADA})
    assert no_key.status == 400


async def test_a_guests_order_is_of_their_cart_by_its_token(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    put = await market.stranger.request("PUT", f"/api/cart/items/{product['id']}", json={"quantity": 2})
    token = put.headers["x-cart-token"]
    assert (await ask(market, {"guest": ADA}, "none")).status == 422, "without the token there is no cart"
    placed = await ask(market, {"guest": ADA}, "cart", X_Cart_Token=token)
    assert placed.status == 201 and placed.json()["lines"][0]["quantity"] == "2.000", placed.text
    again = await ask(market, {"guest": ADA}, "cart", X_Cart_Token=token)
    assert again.json() == placed.json() and again.headers["idempotent-replayed"] == "true"
    assert (await ask(market, {"guest": ADA}, "more", X_Cart_Token=token)).status == 422, "the cart is ordered"
    for other in ("", "a" * 43):
        stolen = await ask(market, {"guest": ADA}, "cart", **({"X_Cart_Token": other} if other else {}))
        assert stolen.status == 422, "a key that is guessed answers nobody else"
    assert market.broken() == []


async def test_a_guests_key_belongs_to_the_guest(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    lines = {"lines": [{"product_id": product["id"], "quantity": "0.1"}]}
    first = await ask(market, lines | {"guest": ADA}, "1")
    assert (await ask(market, lines | {"guest": ADA}, "1")).json()["id"] == first.json()["id"]
    reused = await ask(market, lines | {"guest": ADA, "note": "more"}, "1")
    assert (reused.status, reused.json()["type"]) == (422, "/problems/key-reused")
    other = await ask(market, lines | {"guest": ADA | {"email": "bo@example.org"}}, "1")
    assert other.status == 201 and other.json()["id"] != first.json()["id"], "another guest's keys are their own"
    many = await settled(*[ask(market, lines | {"guest": ADA}, "twice") for _ in range(4)])
    assert {one.status for one in many} <= {201, 409}
    assert len({one.json()["id"] for one in many if one.status == 201}) == 1


async def test_farms_and_staff_see_who_a_guest_is_and_nobody_else_sees_the_order(market: Market) -> None:
    farmer, other, buyer, manager = (
        await market.farmer(),
        await market.farmer("Two"),
        await market.person(),
        await market.person("manager"),
    )
    order = await ordered(market, await market.product(farmer))
    path = f"/api/orders/{order['id']}"

    async def seen(who: Person, at: str = path) -> Response:
        return await who.get(at)

    for who in (farmer, manager):
        assert (await seen(who)).json()["buyer"] == {"name": "Ada Lovelace", "phone": "+436641234567"}
        assert [one["id"] for one in (await seen(who, "/api/orders?count=true")).json()["items"]] == [order["id"]]
        changes = await seen(who, "/api/orders?updated_since=2020-01-01T00:00:00Z")
        assert [one["id"] for one in changes.json()["items"]] == [order["id"]]
    for who in (other, buyer):
        assert (await seen(who)).status == 404
    await market.work()
    notice = (await seen(farmer, "/api/notifications")).json()["items"][0]
    assert "Ada Lovelace (+436641234567)" in notice["body"]


async def test_each_step_is_mailed_in_the_guests_language_with_a_link_that_works(parts: Parts) -> None:
    market = market_of(parts, market_languages=("en", "de"))
    farmer = await market.farmer("Visit http://spam.example")
    product = await market.product(farmer)
    body = {
        "lines": [{"product_id": product["id"], "quantity": 1}],
        "note": "spam!",
        "guest": ADA | {"name": "Buy pills"},
    }
    order = (await ask(market, body, Accept_Language="de")).json()
    for to in ("confirmed", "ready", "out_for_delivery", "completed"):
        step = f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status"
        moved = await farmer.post(step, {"to": to, "reason": "spam"})
        assert moved.status == 200, moved.text
    found = await links(market)
    assert len(found) == len(set(found)) == 4
    for link in found:
        assert (await get(market, link)).status == 200
    for subject, text in await told(market):
        assert order["number"] in subject and subject.startswith("Bestellung")
        assert "spam" not in text and "pills" not in text, "whose address it is nobody has proven"
    assert market.broken(at_rest=True) == []


async def test_an_address_says_nothing_of_an_account_that_has_it(market: Market) -> None:
    farmer, known = await market.farmer(), await market.person()
    product = await market.product(farmer)
    answers, texts = [], []
    for n, address in enumerate((known.email, "nobody@example.org")):
        order = await ordered(market, product, f"key-{n}", guest=ADA | {"email": address})
        answers.append(set(order))
        (link,) = await links(market, address)
        texts.append([body.replace(link, "").replace(order["number"], "") for _, body in await told(market, address)])
        assert (await known.get(f"/api/orders/{order['id']}")).status == 404
    assert answers[0] == answers[1] and texts[0] == texts[1]
    assert (await known.get("/api/orders")).json()["items"] == []
    assert (await known.get("/api/notifications")).json()["items"] == []


async def test_a_guest_is_erased_in_time_and_the_link_with_them(market: Market) -> None:
    farmer = await market.farmer()
    order = await ordered(
        market,
        await market.product(farmer),
        fulfilment={"method": "delivery", "address": "Secret Lane 3"},
        note="dog bites",
    )
    open_one = await ordered(market, await market.product(farmer, title="Leeks"), "open")
    link = next(one for one in await links(market) if order["id"] in one)
    assert (await cancel(market, link)).status == 200
    await market.work()
    kept = market.parts.settings.guest_details_kept

    async def erased(seconds: float, **settings: Any) -> Any:
        then = market.parts.now() + timedelta(seconds=seconds)
        changed = attrs.evolve(market.parts.settings, **settings)
        await retention.erase_old(attrs.evolve(market.parts, now=lambda: then, settings=changed))
        return await market.parts.database.row(SAID)

    before = await market.parts.database.row(SAID)
    assert before is not None and all(before) and await erased(kept - 60) == before
    after = await erased(kept + 60, order_details_kept=0.0)
    assert after[0] == 1 and after[1] == 0, "the open one keeps all, however old it is"
    assert (await get(market, link)).status == 404
    shown = await farmer.get(f"/api/orders/{order['id']}")
    assert shown.json()["buyer"] == {"name": ""} and shown.json()["totals"] == order["totals"]
    assert (await get(market, next(one for one in await links(market) if open_one["id"] in one))).status == 200
    assert await new_key(market, order["id"]) is None, "no key is made to what is erased"
    assert market.broken(at_rest=True) == []


async def new_key(market: Market, order_id: str) -> str | None:
    return await change(market.parts, lambda unit: order_keys.issue(unit, order_id))


async def test_a_guest_s_details_that_somebody_has_locked_wait_and_no_key_is_made_while_they_are_erased(
    market: Market, database_url: str
) -> None:
    order = await ordered(market, await market.product(await market.farmer()))
    link = next(one for one in await links(market) if order["id"] in one)
    assert (await cancel(market, link)).status == 200
    await market.work()
    then = market.parts.now() + timedelta(seconds=market.parts.settings.guest_details_kept + 60)
    longer = attrs.evolve(market.parts.settings, order_details_kept=0.0)
    parts = attrs.evolve(market.parts, now=lambda: then, settings=longer)
    with holding(database_url, "select from orders for update") as locked:
        await retention.erase_old(parts)
        locked.rollback()
    assert (await get(market, link)).status == 200
    failpoints.arm("retention.before_commit=sleep:0.4@1", {"HARVEST_TESTING": "1"})
    try:
        erasing = Deferred.fromCoroutine(retention.erase_old(parts))
        await eventually("it is being erased", lambda: bool(failpoints.armed()["retention.before_commit"]))
        assert await new_key(market, order["id"]) is None
        await erasing
    finally:
        failpoints.disarm()
    said = await market.parts.database.row(SAID)
    assert said is not None and said[3] == 0


async def test_a_guests_cancel_beside_the_farms_confirm_is_one_before_the_other(
    market: Market, database_url: str
) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer, stock="9")
    for guest_first in (True, False):
        order = await ordered(market, product, f"pair-{guest_first}")
        link = next(one for one in await links(market) if order["id"] in one)
        step = f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status"

        async def confirm(step: str = step) -> Response:
            return await farmer.post(step, {"to": "confirmed"})

        with holding(database_url, "select from orders where id = %s for update", order["id"]) as held:
            first, second = (cancel(market, link), confirm()) if guest_first else (confirm(), cancel(market, link))
            answers = await meeting(database_url, held, first, second)
        assert [one.status for one in answers] == ([200, 409] if guest_first else [200, 200])
        assert (await get(market, link)).json()["status"] == "cancelled"
    await market.work()
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("said", [True, False])
async def test_a_guest_who_is_asked_is_mailed_and_answers_by_the_link(market: Market, said: bool) -> None:
    farmer = await market.farmer()
    carrots, leeks = await market.product(farmer), await market.product(farmer, title="Leeks", price=200)
    order = await ordered(market, carrots, lines=[{"product_id": carrots["id"], "quantity": 2, "substitution": "ask"}])
    part = f"/api/orders/{order['id']}/parts/{farmer.farm_id}/lines/{order['lines'][0]['id']}"
    substitute = {"product_id": leeks["id"], "quantity": 1}
    short = await farmer.post(f"{part}/short", {"quantity": 1, "substitute": substitute, "reason": "spam"})
    assert short.status == 200, short.text
    found = await links(market)
    assert len(found) == len(set(found)) == 2, "of the order, and of what is asked"
    assert not any("spam" in body or "Leeks" in body for _, body in await told(market))
    seen = (await get(market, found[1])).json()
    assert seen["can"] == ["cancel", "amend", "answer"] and seen["lines"][1]["proposed"]
    path, _, query = found[1].partition("?")
    answer = f"{path}/lines/{seen['lines'][1]['id']}/answer"
    for wrong, status in (("", 401), (f"?token={'a' * 43}", 404)):
        assert (await market.stranger.request("POST", answer + wrong, json={"accept": said})).status == status
    settled_ = await market.stranger.request("POST", f"{answer}?{query}", json={"accept": said})
    assert settled_.status == 200, settled_.text
    assert (settled_.json()["totals"]["total"]["amount"], settled_.json()["can"]) == (
        590 if said else 390,
        ["cancel", "amend"],
    )
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_a_guest_is_told_what_is_asked_by_its_numbers_and_how_it_has_ended(market: Market) -> None:
    """Nothing that anybody but the market has written: neither the goods' titles nor the farms' names."""
    farmer = await market.farmer("Spam Farm")
    duck, leeks = await ducks(market, farmer), await market.product(farmer, title="Leeks", price=200)
    order = await ordered(market, duck)
    line = order["lines"][0]
    (link,) = await links(market)
    for weight in ("1.5", "0.8", "1.6"):
        assert (await of_line(farmer, order, "weigh", line, farmer, quantity=weight)).status == 200
        await market.work()
    added = {"product_id": leeks["id"], "quantity": "0.5"}
    assert (await change_order(farmer, order, added, reason="spam")).status == 200
    for to in ("confirmed", "ready", "completed"):
        assert (await move(farmer, order, to)).status == 200
    _, heavy, back, again, more, *steps = [body for _, body in await told(market)]
    assert ":\n\n  1: 1.5 kg  €7.50 instead of €4.40\n\nPlease follow the link, and say until " in heavy, heavy
    assert "Without more the order comes to €4.40, and to €7.50 with all of it." in heavy
    assert "no longer asks you about it. You need not answer. The order comes to €4.00." in back
    assert "€8.00 instead of €4.40" in again
    assert "  + 0.5 kg  €1.00\n\nPlease follow the link, and answer until " in more
    assert "Without it the order comes to €4.40, and to €5.40 with it." in more
    (left,) = [body for body in steps if "before you answered" in body]
    assert "without an answer it is a no. The order comes to €4.40." in left
    assert not any(word in body for _, body in await told(market) for word in ("spam", "Spam", "Leeks", "Ducks"))
    path, _, query = link.partition("?")
    refused = await market.stranger.request("POST", f"{path}/lines/{line['id']}/answer?{query}", json={"accept": True})
    assert refused.status == 409 and market.broken(at_rest=True) == []


async def test_a_guest_changes_the_order_by_the_link(market: Market) -> None:
    farmer = await market.farmer()
    order = await ordered(market, await market.product(farmer))
    (link,) = await links(market)
    change = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 2}]}
    path, _, _query = link.partition("?")
    for wrong, status in (("", 401), (f"?token={'a' * 43}", 404)):
        refused = await market.stranger.request("PATCH", path + wrong, json=change, headers={"If-Match": "*"})
        assert refused.status == status
    changed = await market.stranger.request("PATCH", link, json=change, headers={"If-Match": '"v1"'})
    assert changed.status == 200 and changed.json()["totals"]["total"]["amount"] == 780, changed.text
    assert (await market.stranger.request("PATCH", link, json=change, headers={"If-Match": '"v1"'})).status == 412
    assert (await get(market, link)).json() == changed.json()
    raised = await farmer.request(
        "PATCH", path, change | {"lines": [change["lines"][0] | {"quantity": 1}], "reason": "spam"}, If_Match="*"
    )
    assert raised.status == 200, raised.text
    assert len(await links(market)) == 2, "told of what others change, and not of their own"
    assert not any("spam" in body for _, body in await told(market))
    assert market.broken(at_rest=True) == []


async def test_guests_have_a_limit_of_their_own_and_an_address_gets_few_mails(parts: Parts) -> None:
    market = market_of(parts, rate_limits=True, rate_guest="3/60", mails_per_unverified=2)
    farmer = await market.farmer()
    product = await market.product(farmer, stock="9")
    lines = {"lines": [{"product_id": product["id"], "quantity": "0.1"}], "guest": ADA}
    answers = [await ask(market, lines, f"key-{n}") for n in range(4)]
    assert [one.status for one in answers] == [201, 201, 201, 429]
    assert answers[0].headers["ratelimit-policy"] == '"guest";q=3;w=60'
    await market.work()
    sent = Statement(
        "test.sent", "select count(*) from mails where recipient = :to and state <> 'left'", lambda count: count
    )
    assert await market.parts.database.row(sent, to=ADA["email"]) == 2


async def test_a_shop_has_a_page_of_its_own_for_orders(parts: Parts) -> None:
    market = market_of(parts, order_page="https://shop.example.org/o/{id}#{token}")
    order = await ordered(market, await market.product(await market.farmer()))
    await market.work()
    ((_, body),) = await mails(market, ADA["email"])
    found = re.findall(rf"https://shop\.example\.org/o/{order['id']}#([A-Za-z0-9_-]{{43}})\s", body)
    assert len(found) == 1 and (await get(market, f"/api/orders/{order['id']}?token={found[0]}")).status == 200


async def test_an_order_is_an_accounts_or_a_guests(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    order = await ordered(market, await market.product(farmer))
    for column, value in (("buyer_id", buyer.id), ("guest", None)):
        sql = Statement(f"test.two_{column}", f"update orders set {column} = :value where id = :id", nothing)
        with pytest.raises(Exception, match="orders_buyer_check"):
            await market.parts.database.transaction(
                lambda tx, sql=sql, value=value: tx.run(sql, value=value, id=order["id"])
            )  # type: ignore[misc]
