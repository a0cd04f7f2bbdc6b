"""Orders that wait at the same time share a transaction, and nothing else: each has its own answer, its own event and its own key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import attrs
import msgspec
import pytest
from twisted.internet.defer import Deferred

from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue.shelf_rows import Shelves
from harvestd.market.orders import baskets, placing_together
from harvestd.market.orders.placing_routes import may_share
from harvestd.market.orders.placing_shapes import PlaceOrder
from harvestd.runtime import gathering
from harvestd.store.postgres.statements import Statement
from harvestd.unit_of_work import change
from harvestd.web import sharing
from harvestd.web.context import Caller
from tests.locks import holding, meeting, waiting
from tests.market.orders.crowd import FAILING, Crowd, crowd
from tests.people import Market, Person
from tests.waiting import eventually

NOBODY = "01970000-0000-7000-8000-00000000000f"
TOLD = Statement(
    "test.together_told",
    "select aggregate, trace ->> 'request_id' from outbox where type = 'order.created' order by seq",
    lambda *row: row,
)
STEPS = Statement(
    "test.together_steps",
    "select o.number, o.id::text, (select count(*) from order_transitions t where t.order_id = o.id) from orders o order by o.id",
    lambda *row: row,
)


@pytest.fixture
def many(market: Market, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return crowd(market, monkeypatch)


async def buyers(market: Market, number: int) -> list[Person]:
    return [await market.person() for _ in range(number)]


async def left(market: Market, product: dict[str, Any]) -> str:
    return str((await market.stranger.get(f"/api/products/{product['id']}")).json()["available"])


async def test_a_bad_one_among_good_ones_has_its_own_answer(many: Crowd) -> None:
    market, farmer = many.market, await many.market.farmer()
    beans, leeks = await market.product(farmer, unit="box", stock=9), await market.product(farmer, unit="box", stock=9)
    people = await buyers(market, 8)
    answers = await many.at_once(
        people[0].order((beans["id"], 1)),
        people[1].order((beans["id"], 99)),
        people[2].order((beans["id"], "0.5")),
        people[3].order((leeks["id"], 1), (beans["id"], 2), expected_total=1170),
        people[4].order((leeks["id"], 1), expected_total=1),
        people[5].order((NOBODY, 1)),
        people[6].order((leeks["id"], 1), fulfilments=[{"farm_id": NOBODY}]),
        people[7].order((leeks["id"], 2), (leeks["id"], 1)),
    )
    assert [answer.status for answer in answers] == [201, 409, 422, 201, 409, 422, 422, 201], [a.text for a in answers]
    assert many.sizes == [8]
    assert [answers[n].json()["type"] for n in (1, 4)] == ["/problems/out-of-stock", "/problems/price-changed"]
    assert (await left(market, beans), await left(market, leeks)) == ("6.000", "5.000")
    placed = {answer.json()["id"]: answer for answer in answers if answer.status == 201}
    told = [row for row in await market.parts.database.rows(TOLD) if row[0].removeprefix("order:") in placed]
    assert told == [(f"order:{id}", answer.headers["x-request-id"]) for id, answer in placed.items()], (
        "one event each, under its own trace"
    )
    steps = [row for row in await market.parts.database.rows(STEPS) if row[1] in placed]
    assert [row[2] for row in steps] == [1, 1, 1]
    numbers = [answer.json()["number"] for answer in placed.values()]
    assert numbers == sorted(numbers)
    await market.work()
    assert market.broken() == []


async def test_each_is_answered_and_shown_as_one_that_was_placed_alone(many: Crowd) -> None:
    market, farmer, other = many.market, await many.market.farmer(), await many.market.farmer("Hill")
    beans, leeks = await market.product(farmer, unit="box", stock=9), await market.product(other, stock=9)
    lines = [(beans["id"], 2), (leeks["id"], "0.5")]
    more = {"note": 'with "quotes" \\ and {braces}', "fulfilment": {"method": "pickup"}}
    who, another = await buyers(market, 2)
    alone = (await who.order(*lines, **more)).json()
    one, two = await many.at_once(who.order(*lines, **more), another.order(*lines, **more))
    own = {"id", "number", "placed_at", "updated_at", "steps", "lines", "parts"}
    for buyer, answer in ((who, one), (another, two)):
        order = answer.json()
        assert (answer.headers["location"], answer.headers["etag"][:3]) == (f"/api/orders/{order['id']}", '"v1')
        assert {k: v for k, v in order.items() if k not in own} == {k: v for k, v in alone.items() if k not in own}
        found = (await buyer.get(f"/api/orders/{order['id']}")).json()
        assert {k: v for k, v in found.items() if k in order} == order
    assert many.sizes == [2]


async def test_a_hundred_for_the_last_unit_make_one_order_of_the_first(
    many: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST", 100)
    market, farmer = many.market, await many.market.farmer()
    last, people = await market.product(farmer, unit="box", stock=1), await buyers(many.market, 10)
    answers = await many.at_once(*(people[n % 10].order((last["id"], 1)) for n in range(100)))
    assert many.sizes == [100]
    assert [answer.status for answer in answers] == [201] + [409] * 99
    assert {answer.json()["errors"][0]["available"] for answer in answers[1:]} == {"0.000"}
    assert await left(market, last) == "0.000"
    await market.work()
    assert market.broken() == []


async def test_they_are_decided_in_the_order_in_which_they_came(many: Crowd) -> None:
    market, farmer = many.market, await many.market.farmer()
    product, (one, two, three) = await market.product(farmer, unit="box", stock=6), await buyers(many.market, 3)
    answers = await many.at_once(
        one.order((product["id"], 4)), two.order((product["id"], 3)), three.order((product["id"], 2))
    )
    assert [answer.status for answer in answers] == [201, 409, 201]
    assert answers[1].json()["errors"][0]["available"] == "2.000"
    assert await left(market, product) == "0.000"
    assert market.broken() == []


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
async def test_what_fails_them_all_is_the_answer_to_none(
    many: Crowd, monkeypatch: pytest.MonkeyPatch, failing: Callable[[Any], Callable[..., Awaitable[Any]]]
) -> None:
    market, farmer = many.market, await many.market.farmer()
    product, people = await market.product(farmer, unit="box", stock=4), await buyers(many.market, 4)
    monkeypatch.setattr(sharing, "change", failing(sharing.change))
    keys = [f"key of {person.id}".replace(" ", "-") for person in people]
    orders = [who.order((product["id"], 5 if n == 1 else 1), key=keys[n]) for n, who in enumerate(people)]
    answers = await many.at_once(*orders)
    assert [answer.status for answer in answers] == [201, 409, 201, 201], [answer.text for answer in answers]
    for n, who in enumerate(people):
        again = await who.order((product["id"], 5 if n == 1 else 1), key=keys[n])
        assert again.status == answers[n].status
        if again.status == 201:
            assert (again.body, again.headers["idempotent-replayed"]) == (answers[n].body, "true")
    assert await left(market, product) == "1.000"
    created = Counter(aggregate for aggregate, _ in await market.parts.database.rows(TOLD))
    assert [created[f"order:{answer.json()['id']}"] for answer in answers if answer.status == 201] == [1, 1, 1]
    assert market.broken() == []


async def test_keys_are_each_ones_own(many: Crowd) -> None:
    market, farmer = many.market, await many.market.farmer()
    product, (one, two) = await market.product(farmer, unit="box", stock=9), await buyers(many.market, 2)
    first = await one.order((product["id"], 1), key="before")
    again, reused, fresh, same_name = await many.at_once(
        one.order((product["id"], 1), key="before"),
        two.order((product["id"], 1), key="other"),
        one.order((product["id"], 1), key="fresh"),
        two.order((product["id"], 1), key="fresh"),
    )
    assert (again.body, again.headers["idempotent-replayed"]) == (first.body, "true")
    assert (reused.status, fresh.status, same_name.status) == (201, 201, 201)
    assert fresh.json()["id"] != same_name.json()["id"]
    (wrong, right) = await many.at_once(
        two.order((product["id"], 2), key="other"), two.order((product["id"], 1), key="another")
    )
    assert (wrong.status, wrong.json()["type"]) == (422, "/problems/key-reused")
    assert (right.status, many.sizes) == (201, [3, 1])
    assert await left(market, product) == "4.000"


async def test_one_key_among_those_who_wait_is_one_order(many: Crowd) -> None:
    market, farmer = many.market, await many.market.farmer()
    product, (one, two) = await market.product(farmer, unit="box", stock=9), await buyers(many.market, 2)
    second: list[Any] = []

    async def twice() -> Any:
        second.append(await one.order((product["id"], 1), key="twice"))
        return await two.order((product["id"], 1))

    first, other = await many.at_once(one.order((product["id"], 1), key="twice"), twice())
    assert (other.status, second[0].status) == (201, 201)
    assert first.status in (201, 409) and (first.status == 409 or first.body == second[0].body)
    assert await left(market, product) == "7.000"


async def test_each_pays_their_own_price_and_sees_what_they_may(many: Crowd) -> None:
    market, farmer, manager = many.market, await many.market.farmer(), await many.market.person("manager")
    group = (await manager.post("/api/groups", {"name": "Members"})).json()["id"]
    member, buyer = await buyers(market, 2)
    assert (await manager.request("PUT", f"/api/groups/{group}/members/{member.id}")).status in (200, 204)
    cheap = await market.product(farmer, unit="box", stock=9, price=500, prices=[{"group": group, "price": 300}])
    secret = await market.product(farmer, unit="box", stock=9, price=500, visible_to=["members"])
    answers = await many.at_once(
        member.order((cheap["id"], 1), (secret["id"], 1)),
        buyer.order((cheap["id"], 1)),
        buyer.order((cheap["id"], 1), (secret["id"], 1)),
        farmer.order((secret["id"], 1)),
    )
    assert [answer.status for answer in answers] == [201, 201, 422, 201]
    assert [answers[n].json()["totals"]["total"]["amount"] for n in (0, 1, 3)] == [800, 500, 500]
    assert many.sizes == [4]


async def test_a_group_is_decided_by_what_those_it_waited_for_have_left(market: Market) -> None:
    """A group that reads without a lock is refused by the last defence, and placed one at a time after all: no answer tells."""
    farmer, (one, two) = await market.farmer(), await buyers(market, 2)
    product, url = (await market.product(farmer, unit="box", stock=3))["id"], market.parts.database.settings.dsn
    asked = [Shelves([product], buyer.id, "") for buyer in (one, two)]
    with holding(url, "update products set reserved = reserved + 2 where id = %s", product) as locked:
        [shelves] = await meeting(
            url, locked, change(market.parts, lambda unit: shelf_rows.lock_for_orders(unit.tx, asked))
        )
    assert [shelf[product].reserved for _, shelf in shelves] == [2, 2]


async def test_a_group_beside_the_end_of_a_membership_is_at_the_price_of_everybody(market: Market) -> None:
    farmer, manager, member = await market.farmer(), await market.person("manager"), await market.person()
    group = (await manager.post("/api/groups", {"name": "Members"})).json()["id"]
    assert (await manager.request("PUT", f"/api/groups/{group}/members/{member.id}")).status in (200, 204)
    prices = [{"group": group, "price": 300}]
    product = (await market.product(farmer, unit="box", stock=9, price=500, prices=prices))["id"]
    asked, url = [Shelves([product], member.id, "")], market.parts.database.settings.dsn
    with holding(url, "delete from group_members where user_id = %s", member.id) as locked:
        [[(_, shelf)]] = await meeting(
            url, locked, change(market.parts, lambda unit: shelf_rows.lock_for_orders(unit.tx, asked))
        )
    assert shelf[product].price == 500


async def test_one_that_is_held_up_holds_up_nobody_else(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    many = crowd(market, monkeypatch)
    monkeypatch.setattr(gathering, "PATIENCE", 0.05)
    market, farmer, buyer = many.market, await many.market.farmer(), await many.market.person()
    stuck, free = await market.product(farmer, unit="box", stock=9), await market.product(farmer, unit="box", stock=9)
    url = market.parts.database.settings.dsn
    with holding(url, "update products set title = title where id = %s", stuck["id"]) as lock:
        held = [Deferred.fromCoroutine(buyer.order((stuck["id"], 1))) for _ in range(gathering.LANES)]
        await eventually("they wait", lambda: waiting(url, lock) == gathering.LANES)
        assert (await buyer.order((free["id"], 1))).status == 201
        assert not any(one.called for one in held)
        lock.commit()
    assert [(await one).status for one in held] == [201] * gathering.LANES


LINE = {"product_id": NOBODY, "quantity": "1"}
SIMPLE: dict[str, tuple[dict[str, Any], bool]] = {
    "a line": ({"lines": [LINE]}, True),
    "as many as may be": ({"lines": [LINE] * baskets.MANY_LINES}, True),
    "one more": ({"lines": [LINE] * (baskets.MANY_LINES + 1)}, False),
    "none": ({"lines": []}, False),
    "the cart": ({}, True),
    "the cart, picked up": ({"fulfilment": {"method": "pickup"}}, True),
    "the cart, in a window": ({"fulfilment": {"window_id": NOBODY}}, True),
    "the cart, with a coupon": ({"coupon": "SPRING"}, False),
    "picked up": ({"lines": [LINE], "fulfilment": {"method": "pickup"}}, True),
    "picked up at a point": ({"lines": [LINE], "fulfilment": {"method": "pickup", "pickup_point_id": NOBODY}}, True),
    "in a window": ({"lines": [LINE], "fulfilment": {"window_id": NOBODY}}, True),
    "each picked up": ({"lines": [LINE], "fulfilments": [{"farm_id": NOBODY}]}, True),
    "one delivered": ({"lines": [LINE], "fulfilments": [{"farm_id": NOBODY, "method": "delivery", "address": "A"}]}, True),
    "delivered": ({"lines": [LINE], "fulfilment": {"method": "delivery", "address": "A"}}, True),
    "a pack": ({"lines": [LINE | {"variant_id": NOBODY}]}, True),
    "a coupon": ({"lines": [LINE], "coupon": "SPRING"}, False),
    "a quote": ({"quote_id": NOBODY}, True),
    "a quote and lines": ({"lines": [LINE], "quote_id": NOBODY}, False),
    "a quote and how it is picked up": ({"quote_id": NOBODY, "fulfilment": {"method": "pickup"}}, False),
    "for another": ({"lines": [LINE], "buyer_id": NOBODY}, False),
    "a guest": ({"lines": [LINE], "guest": {"name": "A", "email": "a@example.org"}}, True),
}  # fmt: skip


@pytest.mark.parametrize("name", SIMPLE)
def test_only_what_is_simple_is_placed_together(name: str) -> None:
    body, simple = SIMPLE[name]
    assert placing_together.simple(msgspec.convert(body, PlaceOrder, strict=False)) is simple


#: Who is treated in which way; everybody else places their orders alone.
BUYER = Caller(NOBODY, "buyer", NOBODY)


@pytest.mark.parametrize(
    ("caller", "own_products", "shares"),
    [
        (BUYER, True, True), (attrs.evolve(BUYER, role="farmer"), True, True), (BUYER, False, False), (attrs.evolve(BUYER, role="manager"), True, False),
        (attrs.evolve(BUYER, role="admin"), True, False), (attrs.evolve(BUYER, actor=NOBODY), True, False), (None, True, False),
    ],
)  # fmt: skip
async def test_who_is_treated_differently_places_alone(
    market: Market, caller: Caller | None, own_products: bool, shares: bool
) -> None:
    parts = attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, own_products=own_products))
    request: Any = SimpleNamespace(caller=caller, parts=parts)
    assert await may_share(request, msgspec.convert(SIMPLE["a line"][0], PlaceOrder, strict=False)) is shares
    of_guest = msgspec.convert(SIMPLE["a guest"][0], PlaceOrder, strict=False)
    assert await may_share(request, of_guest) is (caller is None and own_products)
