"""Orders in windows of market days that wait at the same time: each has what those before it leave of the places, and nobody waits for the days."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from harvestd.web import sharing
from tests.locks import holding
from tests.market.orders.crowd import FAILING, Crowd, crowd
from tests.market.orders.test_carts_together import cart, filled, order
from tests.market.orders.test_quotes import held, order_of
from tests.market.orders.test_windows import Stall, problem, stall
from tests.people import Market, Person
from tests.web.budget import counting

TO = {"method": "delivery", "address": "1 Lane, 1010 Town"}


@pytest.fixture
def many(market: Market, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    found = crowd(market, monkeypatch)
    found.before = 422
    return found


async def buyers(market: Market, number: int) -> list[Person]:
    return [await market.person() for _ in range(number)]


def at(*windows: str) -> dict[str, Any]:
    return {"fulfilment": {**TO, "window_id": windows[0]}}


@pytest.mark.parametrize(
    ("capacity", "places"), [({"orders": 3}, 3), ({"crates": 4}, 4), ({"weight_kg": "2.5"}, 2)], ids=["orders", "crates", "weight"]
)  # fmt: skip
async def test_as_many_of_a_crowd_get_a_place_as_there_are(many: Crowd, capacity: dict[str, Any], places: int) -> None:
    s = await stall(many.market, {"capacity": capacity}, {"start": 40, "end": 44})
    line = (s.apples, 1) if "crates" in capacity else (s.carrots, "1")
    answers = await many.at_once(*(s.order(who, line) for who in await buyers(s.market, 8)))
    assert many.sizes == [8]
    assert [answer.status for answer in answers] == [201] * places + [409] * (8 - places), [a.text for a in answers]
    assert problem(answers[-1]) == (409, "window-full", [("fulfilment.window_id", "window-full")])
    assert answers[-1].json()["errors"][0]["params"]["next"] == s.day["windows"][1]["id"]
    assert (await s.taken())["orders"] == places
    await s.market.work()
    assert s.market.broken() == []


async def test_each_is_refused_for_its_own_window(many: Crowd) -> None:
    late = {"start": 40, "end": 44}
    s = await stall(many.market, {"capacity": {"orders": 2}}, {**late, "capacity": {"orders": 1}})
    other = await s.market.farmer("Hill")
    eggs = (await s.market.product(other, title="Eggs", unit="each", stock=100))["id"]
    one, two = (window["id"] for window in s.day["windows"])
    who = await buyers(s.market, 7)
    both = [
        {"farm_id": farm_id, **TO, "window_id": window} for farm_id, window in ((s.farmer.farm_id, one), (other.farm_id, two))
    ]  # fmt: skip
    carted = await filled(s.market, (s.carrots, "0.5"))
    answers = await many.at_once(
        who[0].order((s.carrots, "1"), (eggs, 1), fulfilments=both),
        who[1].order((s.carrots, "1"), (eggs, 1), fulfilments=both),
        order(carted, **at(one)),
        s.order(who[2], window=one),
        who[3].order((s.carrots, "1")),
        s.order(who[4], window=other.farm_id),
        s.order(who[5], window=two, method="pickup"),
        who[6].order((s.carrots, "1"), fulfilment={"method": "pickup"}),
    )
    assert [answer.status for answer in answers] == [201, 409, 201, 409, 422, 422, 422, 422], [a.text for a in answers]
    assert many.sizes == [8]
    assert problem(answers[1])[2] == [("fulfilments[1].window_id", "window-full")], (
        "the place in the first is not taken"
    )
    assert problem(answers[4]) == (422, "invalid", [("fulfilment", "required")])
    assert problem(answers[5])[2] == [("fulfilment.window_id", "not-found")]
    assert [(await s.taken(n))["orders"] for n in (0, 1)] == [2, 1]
    assert await cart(carted) == []
    cancelled = await who[0].post(f"/api/orders/{answers[0].json()['id']}/cancel", {}, If_Match="*")
    assert cancelled.status == 200, cancelled.text
    assert [(await s.taken(n))["orders"] for n in (0, 1)] == [1, 0], "it is noted with its order"
    await s.market.work()
    assert s.market.broken() == []


async def test_who_finds_a_window_full_is_told_of_one_that_is_not_by_then(many: Crowd) -> None:
    """What those before them have taken is not offered; and whoever is refused asks for the others once for all."""
    times = [{"start": 30 + 10 * n, "end": 34 + 10 * n} for n in range(3)]
    s = await stall(many.market, *({**time, "capacity": {"orders": 1}} for time in times))
    one, two, three = (window["id"] for window in s.day["windows"])
    who = await buyers(s.market, 5)
    with counting() as cost:
        answers = await many.at_once(*(s.order(each, window=two if n == 1 else one) for n, each in enumerate(who)))
    assert [answer.status for answer in answers] == [201, 201, 409, 409, 409]
    assert {answer.json()["errors"][0]["params"]["next"] for answer in answers[2:]} == {three}
    asked = cost[answers[0].headers["x-request-id"]].statements
    assert (asked.count("slots.open"), asked.count("slots.lock"), asked.count("slots.take_all")) == (1, 1, 1), asked


async def test_each_is_shown_with_its_window_as_one_that_was_placed_alone(many: Crowd) -> None:
    s = await stall(many.market)
    one, two, three = await buyers(s.market, 3)
    alone = (await s.order(one)).json()
    answers = await many.at_once(s.order(two), s.order(three))
    own = {"id", "number", "placed_at", "updated_at", "steps", "lines", "parts"}
    for answer in answers:
        found = answer.json()
        assert {k: v for k, v in found.items() if k not in own} == {k: v for k, v in alone.items() if k not in own}
        assert [part["fulfilment"] for part in found["parts"]] == [part["fulfilment"] for part in alone["parts"]]
    assert many.sizes == [2]


async def test_a_place_that_is_taken_meanwhile_is_nobody_s_of_the_group(many: Crowd) -> None:
    """The group waits for whoever takes it, and reads what is left after that."""
    s = await stall(many.market, {"capacity": {"orders": 2}})
    url = s.market.parts.database.settings.dsn
    taking = "update windows set taken_orders = taken_orders + 1, taken_grams = taken_grams + 1 where id = %s"
    one, two = await buyers(s.market, 2)
    with holding(url, taking, s.window) as other:
        many.after = other.commit
        answers = await many.at_once(s.order(one), s.order(two))
    assert [answer.status for answer in answers] == [201, 409]


async def test_the_places_of_a_quote_are_its_order_s(many: Crowd) -> None:
    """Nobody else has them, and they are taken once."""
    s = await stall(many.market, {"capacity": {"orders": 2, "weight_kg": "5"}})
    quoted, one, two, three = await buyers(s.market, 4)
    quote = await held(quoted, (s.carrots, "2"), **at(s.window))
    answers = await many.at_once(
        s.order(one), order_of(quoted, quote["id"], "quoted"), s.order(two), order_of(quoted, quote["id"], "again"),
        order_of(three, quote["id"], "stolen"), s.order(three),
    )  # fmt: skip
    assert [answer.status for answer in answers] == [201, 201, 409, 422, 422, 409], [a.text for a in answers]
    assert many.sizes == [6]
    shown = answers[1].json()["parts"][0]["fulfilment"]["window"]
    assert shown == answers[0].json()["parts"][0]["fulfilment"]["window"]
    assert (await s.taken())["orders"] == 2
    cancelled = await quoted.post(f"/api/orders/{answers[1].json()['id']}/cancel", {}, If_Match="*")
    assert cancelled.status == 200 and (await s.taken())["orders"] == 1
    await s.market.work()
    assert s.market.broken() == []


async def test_a_place_that_is_held_needs_no_other(many: Crowd) -> None:
    """The window is full with it."""
    s = await stall(many.market, {"capacity": {"orders": 1, "weight_kg": "2"}})
    quoted, one = await buyers(s.market, 2)
    quote = await held(quoted, (s.carrots, "2"), **at(s.window))
    answers = await many.at_once(s.order(one), order_of(quoted, quote["id"], "quoted"))
    assert [answer.status for answer in answers] == [409, 201], [a.text for a in answers]
    assert (await s.taken())["orders"] == 1
    assert s.market.broken() == []


async def test_a_quote_without_a_window_is_refused_once_the_market_has_days(many: Crowd) -> None:
    buyer, other, farmer = await many.market.person(), await many.market.person(), await many.market.farmer()
    product = await many.market.product(farmer, unit="box", stock=9)
    quote = await held(buyer, (product["id"], 1))
    s = await stall(many.market)
    answers = await many.at_once(order_of(buyer, quote["id"], "quoted"), s.order(other))
    assert [answer.status for answer in answers] == [422, 201], [a.text for a in answers]
    alone = await order_of(buyer, quote["id"], "alone")
    assert alone.json()["errors"] == answers[0].json()["errors"]


async def test_a_deadlock_of_a_group_takes_no_place_twice(many: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    s: Stall = await stall(many.market, {"capacity": {"orders": 2}})
    monkeypatch.setattr(sharing, "change", FAILING["deadlock"](sharing.change))
    answers = await many.at_once(*(s.order(who) for who in await buyers(s.market, 4)))
    assert Counter(answer.status for answer in answers) == {201: 2, 409: 2}
    assert (await s.taken())["orders"] == 2
    assert s.market.broken() == []
