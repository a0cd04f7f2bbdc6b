"""Orders of carts and of quotes that wait at the same time: placed together as those of lines are, with what else each needs, and each for itself."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from harvestd.market.carts import rows as carts
from harvestd.market.orders import baskets, placing, quote_rows
from harvestd.parts import Parts
from harvestd.runtime import gathering
from harvestd.unit_of_work import change
from harvestd.web import sharing
from tests.locks import holding, meeting
from tests.market.catalogue.test_variants import put as put_packs
from tests.market.orders.crowd import FAILING, Crowd, crowd
from tests.market.orders.test_billing import DELIVERY, charge
from tests.market.orders.test_guests import ADA, links, market_of
from tests.market.orders.test_quotes import held, order_of
from tests.people import Market, Person
from tests.web.budget import counting
from tests.web.client import Response

_keys = (f"cart-{n}" for n in itertools.count(1))


@pytest.fixture
def many(market: Market, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return crowd(market, monkeypatch)


async def filled(market: Market, *lines: tuple[str, Any], person: Person | None = None, **more: Any) -> Person:
    """Somebody with these in their cart."""
    found = person or await market.person()
    items = [{"product_id": id, "quantity": str(quantity), **more} for id, quantity in lines]
    answer = await found.request("PUT", "/api/cart/items", {"items": items})
    assert answer.status == 200, answer.text
    return found


async def order(buyer: Person, key: str = "", **more: Any) -> Response:
    """Order the cart."""
    return await buyer.post("/api/orders", more, Idempotency_Key=key or next(_keys))


async def cart(buyer: Person) -> list[str]:
    """The products in somebody's cart."""
    return [line["product_id"] for part in (await buyer.get("/api/cart")).json()["parts"] for line in part["lines"]]


async def left(market: Market, product: dict[str, Any]) -> str:
    return str((await market.stranger.get(f"/api/products/{product['id']}")).json()["available"])


async def test_sixty_four_carts_for_the_last_units_make_orders_of_the_first(
    many: Crowd, monkeypatch: pytest.MonkeyPatch, expected_errors: Callable[..., list[Any]]
) -> None:
    """One of them meets a fault of ours: that fails the group, and nobody else's order."""
    monkeypatch.setattr(gathering, "MOST", 64)
    market, farmer = many.market, await many.market.farmer()
    last, herbs = await market.product(farmer, unit="box", stock=5), await market.product(farmer, unit="box", stock=90)
    people = [await filled(market, (herbs["id"], 1), (last["id"], 1)) for _ in range(64)]
    original, poisoned = placing.place, people[2].id

    def place(*given: Any, **more: Any) -> Any:
        if more["buyer"].user_id == poisoned:
            raise ZeroDivisionError("a fault")
        return original(*given, **more)

    monkeypatch.setattr(placing, "place", place)
    answers = await many.at_once(*(order(one) for one in people))
    assert many.sizes == [64]
    assert Counter(answer.status for answer in answers) == {201: 5, 409: 58, 500: 1} and answers[2].status == 500
    assert expected_errors(ZeroDivisionError)
    assert (await left(market, last), await left(market, herbs)) == ("0.000", "85.000")
    monkeypatch.undo()
    assert [len(await cart(people[n])) for n, answer in enumerate(answers) if answer.status == 201] == [0] * 5
    assert len(await cart(people[2])) == 2
    await market.work()
    assert market.broken() == []


async def test_each_cart_is_accepted_or_refused_for_itself(many: Crowd) -> None:
    market, farmer = many.market, await many.market.farmer()
    beans, leeks = [await market.product(farmer, unit="box", stock=6, price=500) for _ in range(2)]
    gone = await market.product(farmer, unit="box", stock=6)
    pair = (beans["id"], 1), (leeks["id"], 2)
    one, two, greedy, dear, late = [await filled(market, *pair) for _ in range(5)]
    await filled(market, (leeks["id"], 6), person=greedy)
    await filled(market, (gone["id"], 1), person=late)
    empty = await market.person()
    withdrawn = await farmer.request("PATCH", f"/api/products/{gone['id']}", {"status": "archived"}, If_Match="*")
    assert withdrawn.status == 200, withdrawn.text
    answers = await many.at_once(
        order(one, expected_total=1500), order(greedy), order(dear, expected_total=1), order(late), order(empty),
        order(two, note="Ring twice"), empty.order((beans["id"], 1)),
    )  # fmt: skip
    assert [answer.status for answer in answers] == [201, 409, 409, 422, 422, 201, 201], [a.text for a in answers]
    assert many.sizes == [7]
    assert answers[1].json()["errors"][0]["available"] == "4.000"
    assert answers[2].json()["type"] == "/problems/price-changed"
    assert answers[4].json()["errors"][0]["params"]["reason"] == "cart-empty"
    assert answers[5].json()["note"] == "Ring twice"
    assert [len(await cart(each)) for each in (one, greedy, dear, late, two)] == [0, 2, 2, 2, 0]
    assert (await left(market, beans), await left(market, leeks)) == ("3.000", "2.000")
    await market.work()
    assert market.broken() == []


async def test_a_cart_is_ordered_once(many: Crowd) -> None:
    """The second order of it finds it empty; once the first is refused, it finds it as it was."""
    market, farmer = many.market, await many.market.farmer()
    product = await market.product(farmer, unit="box", stock=6, price=500)
    one, two = [await filled(market, (product["id"], 1)) for _ in range(2)]
    answers = await many.at_once(
        order(one, "first"), order(one, "second"), order(two, expected_total=1), order(two, expected_total=500)
    )
    assert [answer.status for answer in answers] == [201, 422, 409, 201], [a.text for a in answers]
    assert answers[1].json()["errors"][0]["params"]["reason"] == "cart-empty"
    again = await order(one, "first")
    assert (again.body, again.headers["idempotent-replayed"]) == (answers[0].body, "true")
    assert await left(market, product) == "4.000"
    assert market.broken() == []


async def test_each_is_answered_as_one_that_was_placed_alone(many: Crowd) -> None:
    """Packs, lines with a wish, fees, a pick-up point, and deliveries that are charged by their areas."""
    market, farmer, other = many.market, await many.market.farmer(), await many.market.farmer("Hill")
    await charge(market, "/api/fees", basis="order", amount=300)
    points = {"pickup_points": [{"name": "Gate", "address": "1 Lane"}], "delivery": DELIVERY}
    farm = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", points, If_Match="*")
    gate = farm.json()["pickup_points"][0]["id"]
    beans, leeks = await market.product(farmer, unit="box", stock=90, price=2500), await market.product(other, stock=90)
    sack = (await put_packs(farmer, beans, [{"title": "Sack", "price": 9000, "takes": "4"}])).json()["items"][0]["id"]
    ways: list[dict[str, Any]] = [
        {"fulfilment": {"method": "pickup", "pickup_point_id": gate}},
        {"fulfilment": {"method": "delivery", "address": "Lane 1, 1010 Town"}, "expected_total": 11_800},
        {"fulfilment": {"method": "delivery", "address": "Lane 1, 9999 Far"}},
        {"fulfilments": [{"farm_id": farmer.farm_id, "method": "pickup", "pickup_point_id": other.farm_id}]},
    ]
    people: list[Person] = []
    for _ in range(2 * len(ways)):
        who = await filled(market, (beans["id"], 1))
        people.append(
            await filled(market, (beans["id"], 1), person=who, variant_id=sack, substitution="ask", note="Ripe")
        )
    await filled(market, (leeks["id"], 1), person=people[3])
    await filled(market, (leeks["id"], 1), person=people[7])
    alone = [await order(who, **way) for who, way in zip(people[4:], ways, strict=True)]
    answers = await many.at_once(*(order(who, **way) for who, way in zip(people, ways, strict=False)))
    assert many.sizes == [len(ways)]
    assert [answer.status for answer in answers] == [answer.status for answer in alone], [a.text for a in answers]
    own = {"id", "number", "placed_at", "updated_at", "steps", "lines", "parts", "request_id", "instance"}
    for answer, before in zip(answers, alone, strict=True):
        found, expected = answer.json(), before.json()
        assert {k: v for k, v in found.items() if k not in own} == {k: v for k, v in expected.items() if k not in own}
        for line, like in zip(found.get("lines", ()), expected.get("lines", ()), strict=True):
            assert {k: v for k, v in line.items() if k != "id"} == {k: v for k, v in like.items() if k != "id"}
    assert {answers[n].status for n in (0, 1)} == {201} and {answers[n].status for n in (2, 3)} == {422}
    await market.work()
    assert market.broken() == []


async def test_packs_and_loose_goods_are_of_one_stock(many: Crowd) -> None:
    market, farmer = many.market, await many.market.farmer()
    beans = await market.product(farmer, unit="box", stock=9)
    sack = (await put_packs(farmer, beans, [{"title": "Sack", "price": 900, "takes": "4"}])).json()["items"][0]["id"]
    one, two, three = [await filled(market, (beans["id"], n), **more) for n, more in ((1, {"variant_id": sack}), (2, {}), (1, {"variant_id": sack}))]  # fmt: skip
    answers = await many.at_once(order(one), order(two), order(three), two.order((beans["id"], 3)))
    assert [answer.status for answer in answers] == [201, 201, 409, 201], [a.text for a in answers]
    assert (many.sizes, await left(market, beans)) == ([4], "0.000")
    assert market.broken() == []


async def test_a_long_cart_keeps_nobody_waiting(many: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baskets, "MANY_LINES", 2)
    market, farmer = many.market, await many.market.farmer()
    products = [(await market.product(farmer, unit="box", stock=6))["id"] for _ in range(3)]
    long, short = await filled(market, *((id, 1) for id in products)), await filled(market, (products[0], 6))
    answers = await many.at_once(order(long, "long"), order(short))
    assert (many.sizes, [answer.status for answer in answers]) == ([2], [409, 201]), "it is placed after the group"
    assert len(await cart(long)) == 3
    assert market.broken() == []


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
async def test_what_fails_them_all_is_the_answer_to_none(
    many: Crowd, monkeypatch: pytest.MonkeyPatch, failing: Callable[[Any], Callable[..., Awaitable[Any]]]
) -> None:
    market, farmer = many.market, await many.market.farmer()
    product = await market.product(farmer, unit="box", stock=4)
    people = [await filled(market, (product["id"], 5 if n == 1 else 1)) for n in range(3)]
    quoted = await market.person()
    quote = await held(quoted, (product["id"], 1))
    monkeypatch.setattr(sharing, "change", failing(sharing.change))
    answers = await many.at_once(
        *(order(who, f"key-of-{n}") for n, who in enumerate(people)), order_of(quoted, quote["id"], "quoted")
    )
    assert [answer.status for answer in answers] == [201, 409, 201, 201], [answer.text for answer in answers]
    for n, who in enumerate(people):
        again = await order(who, f"key-of-{n}")
        assert again.status == answers[n].status and (n == 1 or again.body == answers[n].body)
    assert (await order_of(quoted, quote["id"], "quoted")).body == answers[3].body
    assert await left(market, product) == "1.000"
    assert market.broken() == []


async def test_orders_of_quotes_take_what_these_hold(many: Crowd) -> None:
    """Nobody else has it meanwhile, and what runs out does so once for each order that has the last of it."""
    market, farmer = many.market, await many.market.farmer()
    product = await market.product(farmer, unit="box", stock=6, price=500)
    one, two, spare, free = [await market.person() for _ in range(4)]
    quotes = [await held(who, (product["id"], n)) for who, n in ((one, 3), (two, 2), (spare, 1))]
    dearer = await farmer.request("PATCH", f"/api/products/{product['id']}", {"price": 900}, If_Match="*")
    assert dearer.status == 200, dearer.text
    answers = await many.at_once(
        free.order((product["id"], 1)), order_of(one, quotes[0]["id"], "one"), order_of(two, quotes[1]["id"], "two"),
        order_of(one, quotes[0]["id"], "again"), order_of(free, quotes[2]["id"], "stolen"),
        order_of(spare, quotes[2]["id"], "dear", expected_total=1),
    )  # fmt: skip
    assert [answer.status for answer in answers] == [409, 201, 201, 422, 422, 409], [a.text for a in answers]
    assert many.sizes == [6]
    assert [answers[n].json()["totals"]["total"]["amount"] for n in (1, 2)] == [1500, 1000], "as quoted"
    assert [answers[n].json()["errors"][0]["code"] for n in (3, 4)] == ["expired", "expired"]
    assert (await order_of(spare, quotes[2]["id"], "after-all")).status == 201
    assert await left(market, product) == "0.000"
    await market.work()
    assert market.broken() == []


async def test_an_order_of_a_quoted_cart_empties_it_for_those_after_it(many: Crowd) -> None:
    market, farmer = many.market, await many.market.farmer()
    product = await market.product(farmer, unit="box", stock=9, price=500)
    one, two = [await filled(market, (product["id"], 1)) for _ in range(2)]
    first, second = await held(one), await held(two)
    answers = await many.at_once(
        order_of(one, first["id"], "of-the-quote"), order(one), order(two), order_of(two, second["id"], "then-the-quote"),
    )  # fmt: skip
    assert [answer.status for answer in answers] == [201, 422, 201, 201], [a.text for a in answers]
    assert answers[1].json()["errors"][0]["params"]["reason"] == "cart-empty"
    assert (await cart(one), await cart(two), await left(market, product)) == ([], [], "6.000")
    await market.work()
    assert market.broken() == []


async def test_a_quote_with_a_coupon_is_placed_after_the_group(many: Crowd) -> None:
    market, farmer, buyer = many.market, await many.market.farmer(), await many.market.person()
    await charge(market, "/api/coupons", code="SPRING", percent=10, max_uses=1)
    product = await market.product(farmer, unit="box", stock=9, price=500)
    quote = await held(buyer, (product["id"], 1), coupon="SPRING")
    other = await filled(market, (product["id"], 1))
    answers = await many.at_once(order_of(buyer, quote["id"], "spring"), order(other))
    assert [answer.json()["totals"]["total"]["amount"] for answer in answers] == [450, 500]
    assert await left(market, product) == "7.000"
    assert market.broken() == []


async def test_guests_order_among_those_who_have_an_account(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the token of their cart, or by lines; each has the mails about their own."""
    many = crowd(market_of(parts), monkeypatch)
    market, farmer = many.market, await many.market.farmer()
    product = await market.product(farmer, unit="box", stock=6, price=500)
    path = f"/api/cart/items/{product['id']}"
    begun = [await market.stranger.request("PUT", path, json={"quantity": "1"}) for _ in range(3)]
    tokens = [answer.headers["x-cart-token"] for answer in begun]
    buyer = await filled(market, (product["id"], 1))

    def asked(key: str, body: Any, *token: str) -> Awaitable[Any]:
        headers = {"Idempotency-Key": key, **({"X-Cart-Token": token[0]} if token else {})}
        return market.stranger.request("POST", "/api/orders", json=body, headers=headers)

    bob = {**ADA, "name": "Bob", "email": "bob@example.org"}
    line = {"product_id": product["id"], "quantity": "2"}
    answers = await many.at_once(
        asked("one", {"guest": ADA}, tokens[0]), order(buyer), asked("twice", {"guest": ADA}, tokens[0]), asked("lines", {"guest": bob, "lines": [line]}),
        asked("two", {"guest": ADA, "expected_total": 1}, tokens[1]), asked("three", {"guest": bob}, tokens[2]), asked("no-cart", {"guest": bob}),
    )  # fmt: skip
    assert [answer.status for answer in answers] == [201, 201, 422, 201, 409, 201, 422], [a.text for a in answers]
    assert many.sizes == [7]
    assert (await asked("nobody", {}, tokens[1])).status == 401
    again = await asked("one", {"guest": ADA}, tokens[0])
    assert (again.body, again.headers["idempotent-replayed"]) == (answers[0].body, "true")
    assert (await asked("two-again", {"guest": ADA}, tokens[1])).status == 201
    assert await left(market, product) == "0.000"
    await market.work()
    for name in ("ada", "bob"):
        assert len(await links(market, f"{name}@example.org")) == 2
    assert market.broken() == []


async def test_a_group_asks_for_as_much_however_many_carts_it_has(many: Crowd) -> None:
    market, farmer = many.market, await many.market.farmer()
    product = await market.product(farmer, unit="box", stock=90)
    costs = []
    for number in (2, 9):
        people = [await filled(market, (product["id"], 1)) for _ in range(number)]
        with counting() as cost:
            answers = await many.at_once(*(order(one) for one in people))
        assert {answer.status for answer in answers} == {201}
        costs.append(cost[answers[0].headers["x-request-id"]])
    assert costs[0] == costs[1]
    assert (len(costs[0].statements), costs[0].trips) == (11, 5), costs[0].statements


async def test_carts_are_locked_before_they_are_read(market: Market) -> None:
    product = await market.product(await market.farmer(), unit="box", stock=9)
    one, two = [await filled(market, (product["id"], 1)) for _ in range(2)]
    url = market.parts.database.settings.dsn
    with holding(url, "delete from carts where user_id = %s", one.id) as locked:
        [found] = await meeting(
            url, locked, change(market.parts, lambda unit: carts.lock_all(unit.tx, [(one.id, None), (two.id, None)]))
        )
    assert set(found) == {(two.id, None)}


async def test_quotes_are_locked_before_they_are_read(market: Market) -> None:
    product = await market.product(await market.farmer(), unit="box", stock=9)
    people = [await market.person() for _ in range(2)]
    first, second = [(await held(who, (product["id"], 1)))["id"] for who in people]
    url = market.parts.database.settings.dsn
    with holding(url, "delete from quotes where id = %s", first) as locked:
        [found] = await meeting(
            url, locked, change(market.parts, lambda unit: quote_rows.lock_all(unit.tx, [first, second]))
        )
    assert set(found) == {second}
    holds = await quote_rows.held_by_each(market.parts.database, [first, second])
    assert {id: one.stock for id, one in holds.items()} == {first: {}, second: {product["id"]: Decimal(1)}}
