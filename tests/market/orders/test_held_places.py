"""Quotes that hold places in the windows of market days: such a place is nobody else's, one person has one, it becomes the order's, or comes back, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred

from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.days import day_steps
from harvestd.market.orders import quoting
from harvestd.market.orders.closing import forget
from harvestd.parts import Parts
from harvestd.unit_of_work import change
from tests.locks import holding, meeting, waiting
from tests.market.days.calendar import body, delivery, made, moved, sandbox
from tests.market.orders.test_quotes import order_of, reserved
from tests.market.orders.test_windows import Stall, problem, stall
from tests.people import Market, Person
from tests.waiting import eventually
from tests.web.client import Client, Response
from tests.web.conftest import make_market, settled

NOTHING = {"orders": 0, "crates": 0, "weight_kg": "0.000"}
LATE = {"start": 40, "end": 44}


async def ask(s: Stall, who: Any, *lines: tuple[str, Any], window: str = "", hold: bool = True, **more: Any) -> Response:  # fmt: skip
    """A quote for the stall's window: of a kilogram of carrots, if it does not say of what."""
    way = {"method": "delivery", "address": "1 Lane, 1010 Town", "window_id": window or s.window}
    given = [{"product_id": p, "quantity": q} for p, q in lines or ((s.carrots, "1"),)]
    answer: Response = await who.post("/api/quotes", {"lines": given, "fulfilment": way, "hold": hold, **more})
    return answer


async def held(s: Stall, who: Any, *lines: tuple[str, Any], **more: Any) -> str:
    """The id of one that is held."""
    answer = await ask(s, who, *lines, **more)
    assert answer.status == 200 and answer.json()["id"], answer.text
    return str(answer.json()["id"])


def refusals(answer: Response) -> list[tuple[str, str]]:
    """What speaks against an order: types of problems, and codes."""
    assert answer.status == 200, answer.text
    return [(one["type"].removeprefix("/problems/"), one["code"]) for one in answer.json()["refusals"]]


FULL = [("window-full", "window-full")]


async def ended(market: Market, minutes: float = 121) -> None:
    """What is due by then is done."""
    later = market.parts.now() + timedelta(minutes=minutes)
    await quoting.end_all(attrs.evolve(market.parts, now=lambda: later))


async def test_a_hold_takes_its_place_in_each_measure_and_its_order_has_it_once(market: Market) -> None:
    s, buyer = await stall(market, {"capacity": {"orders": 1, "crates": 3, "weight_kg": "20"}}), await market.person()
    quote = await held(s, buyer, (s.apples, 2), (s.carrots, "1.25"))
    taken = {"orders": 1, "crates": 3, "weight_kg": "2.250"}
    assert await s.taken() == taken
    assert market.broken() == []
    placed = await order_of(buyer, quote, "mine")
    assert placed.status == 201, placed.text
    assert placed.json()["fulfilment"]["window"]["id"] == s.window
    assert await s.taken() == taken
    assert market.broken() == []
    assert (await order_of(buyer, quote, "again")).status == 422
    assert (await buyer.post(f"/api/orders/{placed.json()['id']}/cancel", {})).status == 200
    assert await s.taken() == NOTHING
    await market.work()
    assert market.broken() == []


#: By measure: what a window holds, and lines of which it holds one, by what is sold.
MEASURES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "orders": ({"orders": 1}, {"carrots": "1"}, {"apples": 1}),
    "crates": ({"crates": 3}, {"apples": 2}, {"carrots": "20"}),
    "weight": ({"weight_kg": "5"}, {"carrots": "3"}, {"apples": 5}),
}


def lines(s: Stall, given: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(getattr(s, name), quantity) for name, quantity in given.items()]


async def _expired(s: Stall, who: Person) -> None:
    await ended(s.market)


async def _replaced(s: Stall, who: Person) -> None:
    await held(s, who, (s.carrots, "0.05"), window=s.day["windows"][1]["id"])


async def _closed_account(s: Stall, who: Person) -> None:
    await change(s.market.parts, lambda unit: forget(unit, Closed(who.id, who.email, who.email)))


ENDS: dict[str, Callable[[Stall, Person], Awaitable[None]]] = {
    "expired": _expired, "replaced": _replaced, "account closed": _closed_account,
}  # fmt: skip


@pytest.mark.parametrize(("measure", "end"), [("orders", "expired"), ("crates", "replaced"), ("weight", "account closed")])  # fmt: skip
async def test_a_place_that_is_held_is_nobody_else_s_until_it_comes_back(market: Market, measure: str, end: str) -> None:  # fmt: skip
    capacity, mine, theirs = MEASURES[measure]
    s = await stall(market, {"capacity": capacity}, LATE)
    buyer, other = await market.person(), await market.person()
    quote = await held(s, buyer, *lines(s, mine))
    refused = await s.order(other, *lines(s, theirs))
    assert problem(refused) == (409, "window-full", [("fulfilment.window_id", "window-full")])
    assert refused.json()["errors"][0]["params"] == {
        "next": s.day["windows"][1]["id"],
        "from": s.day["windows"][1]["from"],
        "zone": "UTC",
        "minutes": "15",
    }
    assert "some of it is held for others, for 15 minutes at most" in refused.json()["errors"][0]["message"]
    assert refusals(await ask(s, other, *lines(s, theirs))) == FULL
    assert refusals(await ask(s, other, *lines(s, theirs), hold=False)) == FULL
    await ENDS[end](s, buyer)
    assert await s.taken() == NOTHING
    assert (await s.order(other, *lines(s, theirs))).status == 201
    assert (await order_of(buyer, quote, "late")).status == 422
    assert market.broken() == []


async def test_a_hold_that_replaces_another_moves_the_place_and_may_use_its_own(market: Market) -> None:
    s, buyer = await stall(market, {"capacity": {"orders": 1, "weight_kg": "5"}}, LATE), await market.person()
    await held(s, buyer, (s.carrots, "3"))
    quote = await held(s, buyer, (s.carrots, "5"))
    assert (await s.taken())["weight_kg"] == "5.000"
    assert refusals(await ask(s, buyer, (s.carrots, "5.05"))) == FULL
    assert (await s.taken())["weight_kg"] == "5.000", "what is refused replaces nothing"
    later = await held(s, buyer, window=s.day["windows"][1]["id"])
    assert [await s.taken(), (await s.taken(1))["orders"]] == [NOTHING, 1]
    assert [(await order_of(buyer, one, one)).status for one in (quote, later)] == [422, 201]
    assert [await s.taken(), (await s.taken(1))["orders"]] == [NOTHING, 1]
    assert market.broken() == []


async def test_nobody_has_two_places_by_asking_twice_signed_in_or_not(market: Market) -> None:
    s, buyer = await stall(market, {"capacity": {"orders": 3}}), await market.person()
    answers = await settled(*(ask(s, buyer, (s.carrots, f"1.{n}")) for n in range(4)))
    assert all(answer.json()["id"] for answer in answers), [answer.text for answer in answers]
    assert (await s.taken())["orders"] == 1
    token = (await ask(s, market.stranger)).headers["x-cart-token"]
    way = {"method": "delivery", "address": "1 Lane, 1010 Town", "window_id": s.window}
    given = {"lines": [{"product_id": s.apples, "quantity": 1}], "fulfilment": way, "hold": True}
    for _ in range(3):
        again = await market.stranger.post("/api/quotes", given, headers={"X-Cart-Token": token})
        assert again.json()["id"], again.text
    assert (await s.taken())["orders"] == 2
    assert market.broken() == []


async def test_a_quote_without_a_hold_takes_no_place(market: Market) -> None:
    s, buyer = await stall(market, {"capacity": {"orders": 1}}), await market.person()
    answer = await ask(s, buyer, hold=False)
    assert (answer.json()["id"], refusals(answer)) == (None, [])
    assert await s.taken() == NOTHING


async def test_an_order_that_weighs_something_else_than_was_held_takes_that(market: Market) -> None:
    """The market reckons with another weight of pieces by then."""

    def reckoned(grams: int) -> Person:
        settings = attrs.evolve(market.parts.settings, piece_weight=grams)
        other = make_market(attrs.evolve(market.parts, settings=settings)).stranger
        return attrs.evolve(buyer, client=Client(other.site, buyer.client.headers))

    s, buyer = await stall(market, {"capacity": {"weight_kg": "10"}}), await market.person()
    cabbage = (await market.product(s.farmer, title="Cabbage", unit="each", stock=9))["id"]
    quote = await held(s, reckoned(1000), (cabbage, 2))
    assert (await s.taken())["weight_kg"] == "2.000"
    assert (await order_of(reckoned(3000), quote, "heavier")).status == 201
    assert await s.taken() == {"orders": 1, "crates": 1, "weight_kg": "6.000"}
    assert market.broken() == []
    quote = await held(s, reckoned(1000), (cabbage, 2))
    assert problem(await order_of(reckoned(3000), quote, "too-heavy"))[:2] == (409, "window-full")
    assert (await s.taken())["weight_kg"] == "8.000", "it is still held"
    assert (await order_of(reckoned(500), quote, "lighter")).status == 201
    assert await s.taken() == {"orders": 2, "crates": 2, "weight_kg": "7.000"}
    assert market.broken() == []


@pytest.mark.parametrize("closed", ["by staff", "by its cut-off", "for its farm"])
async def test_no_cut_off_takes_away_what_is_held(parts: Parts, closed: str) -> None:
    market = sandbox(parts)
    admin, now, buyer = await market.person("admin"), market.parts.now(), await market.person()
    farmer = await market.farmer()
    carrots = (await market.product(farmer))["id"]
    lead = 60 if closed == "for its farm" else 0
    farms = [{"farm_id": farmer.farm_id, "lead_minutes": lead}]
    closes = lead / 60 + 0.1
    day = await made(admin, body(now, opens=-1, closes=closes, farms=farms, windows=[delivery(now)]))
    s = Stall(market, admin, farmer, carrots, carrots, day)
    quote = await held(s, buyer)
    if closed == "by staff":
        assert (await admin.post(f"/api/market-days/{day['id']}/close", None)).status == 200
    else:
        await moved(market, admin, now + timedelta(minutes=10))
    assert refusals(await ask(s, await market.person())) == [("market-closed", "expired")]
    placed = await order_of(buyer, quote, "held")
    assert placed.status == 201, placed.text
    assert (await s.taken())["orders"] == 1
    await market.work()
    assert market.broken() == []


async def test_a_hold_is_over_with_its_minutes_and_with_its_window(parts: Parts) -> None:
    market = sandbox(parts)
    admin, now, buyer = await market.person("admin"), market.parts.now(), await market.person()
    farmer = await market.farmer()
    carrots = (await market.product(farmer))["id"]
    short = delivery(now, start=0.15, end=0.2)
    day = await made(admin, body(now, opens=-1, closes=1, windows=[short, delivery(now)], holds_minutes=20))
    s = Stall(market, admin, farmer, carrots, carrots, day)
    assert (await ask(s, buyer)).json()["expires_at"] == day["windows"][0]["to"]
    quote = await ask(s, buyer, window=day["windows"][1]["id"])
    lasts = datetime.fromisoformat(quote.json()["expires_at"]) - now
    assert timedelta(minutes=20) <= lasts < timedelta(minutes=21)
    await moved(market, admin, now + timedelta(minutes=22))
    assert (await order_of(buyer, quote.json()["id"], "late")).json()["errors"][0]["code"] == "expired"
    assert await s.taken(1) == NOTHING
    await market.work()
    assert market.broken() == []


async def test_what_is_held_for_a_day_that_is_cancelled_is_refused_at_once_and_let_go(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    await market.work()
    quote = await held(s, buyer)
    assert (await s.manager.post(f"/api/market-days/{s.day['id']}/cancel", {"reason": "Storm."})).status == 200
    refused = await order_of(buyer, quote, "cancelled")
    assert problem(refused) == (409, "market-closed", [("quote_id", "expired")])
    assert refused.json()["errors"][0]["params"] == {"reason": "day-cancelled", "value": s.day["name"]}
    assert market.broken() == []
    await market.work()
    await ended(market, 0)
    assert (await reserved(market), await s.taken()) == ([0.0, 0.0], NOTHING)
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_a_cancelled_day_that_is_deleted_takes_what_is_held_of_it_along(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    quote, path = await held(s, buyer), f"/api/market-days/{s.day['id']}"
    assert (await s.manager.post(f"{path}/cancel", {})).status == 200
    assert (await s.manager.request("DELETE", path, If_Match="*")).status == 204
    assert market.broken() == []
    assert (await order_of(buyer, quote, "gone")).status in (409, 422)
    await ended(market)
    assert await reserved(market) == [0.0, 0.0]
    assert market.broken() == []


async def test_a_window_is_neither_left_out_nor_made_smaller_than_what_is_held_of_it(market: Market) -> None:
    s, buyer = await stall(market, {"capacity": {"orders": 5, "weight_kg": "9"}}), await market.person()
    await held(s, buyer, (s.carrots, "2"))
    kept = {"id": s.window, "method": "delivery", "from": s.day["windows"][0]["from"], "to": s.day["windows"][0]["to"]}
    path = f"/api/market-days/{s.day['id']}"

    async def put(*windows: dict[str, Any]) -> Response:
        return await s.manager.request("PATCH", path, {"windows": [*windows]}, If_Match="*")

    left_out = await put()
    assert problem(left_out) == (409, "conflict", [("windows", "has-orders")])
    assert left_out.json()["errors"][0]["params"] == {"orders": "0", "holds": "1", "minutes": "15", "reason": "held"}
    point = (await s.manager.post("/api/pickup-points", {"name": "Hall", "address": "1 Square"})).json()["id"]
    turned = await put({**kept, "method": "pickup", "pickup_point_id": point})
    assert problem(turned) == (409, "conflict", [("windows[0].method", "has-orders")])
    smaller = await put({**kept, "capacity": {"weight_kg": "1.9"}})
    assert problem(smaller) == (422, "invalid", [("windows[0].capacity.weight_kg", "below-reserved")])
    await ended(market)
    assert (await put({**kept, "capacity": {"weight_kg": "1.9"}})).status == 200
    assert (await put()).status == 200


async def test_a_farm_does_not_leave_a_day_while_quotes_of_its_goods_are_held_for_it(market: Market) -> None:
    s, buyer = await stall(market), await market.person()
    other, path = await market.farmer(farm="Blue Acres"), f"/api/market-days/{s.day['id']}"
    quote = await held(s, buyer)

    async def only(*farms: str) -> Response:
        return await s.manager.request("PATCH", path, {"farms": [{"farm_id": id} for id in farms]}, If_Match="*")

    refused = await only(other.farm_id)
    assert problem(refused) == (409, "conflict", [("farms", "has-orders")])
    (error,) = refused.json()["errors"]
    assert error["params"] == {
        "orders": "0",
        "farm": "Green Acres",
        "holds": "1",
        "minutes": "15",
        "reason": "farm-held",
    }
    assert (
        error["message"]
        == "leaves out Green Acres, of which quotes are held (1), for 15 minutes at most; try again then"
    )
    assert (await only(s.farmer.farm_id)).status == 200
    assert (await order_of(buyer, quote, "kept")).status == 201
    refused = await only(other.farm_id)
    assert refused.json()["errors"][0]["params"] == {"orders": "1", "farm": "Green Acres"}
    assert market.broken() == []


async def test_a_farm_of_a_quote_for_two_days_is_asked_for_by_its_own_day_alone(market: Market) -> None:
    s, buyer, now = await stall(market), await market.person(), market.parts.now()
    other = await market.farmer(farm="Blue Acres")
    eggs = (await market.product(other, title="Eggs", unit="box", price=250))["id"]
    theirs = await made(s.manager, body(now, opens=-1, windows=[delivery(now)], farms=[{"farm_id": other.farm_id}]))
    ways = [
        {"farm_id": id, "method": "delivery", "address": "1 Lane, 1010 Town", "window_id": window}
        for id, window in ((s.farmer.farm_id, s.window), (other.farm_id, theirs["windows"][0]["id"]))
    ]
    lines = [{"product_id": id, "quantity": "1"} for id in (s.carrots, eggs)]
    quote = await buyer.post("/api/quotes", {"lines": lines, "fulfilments": ways, "hold": True})
    assert quote.status == 200 and quote.json()["id"], quote.text

    async def only(day: str, farm: str) -> Response:
        change = {"farms": [{"farm_id": farm}]}
        return await s.manager.request("PATCH", f"/api/market-days/{day}", change, If_Match="*")

    assert (await only(s.day["id"], s.farmer.farm_id)).status == 200
    refused = await only(theirs["id"], s.farmer.farm_id)
    assert [e["params"]["farm"] for e in refused.json()["errors"]] == ["Blue Acres"], refused.text


async def test_a_day_whose_last_place_is_held_is_no_full_one(market: Market) -> None:
    s, buyer = await stall(market, {"capacity": {"orders": 1}}), await market.person()
    quote = await held(s, buyer)
    await day_steps.step_all(market.parts)
    assert (await market.stranger.get(f"/api/market-days/{s.day['id']}")).json()["status"] == "open"
    assert (await order_of(buyer, quote, "last")).status == 201
    await day_steps.step_all(market.parts)
    assert (await market.stranger.get(f"/api/market-days/{s.day['id']}")).json()["status"] == "closed"


#: By measure: lines of different products, which do not wait for each other's.
@pytest.mark.parametrize("measure", MEASURES)
async def test_of_two_holds_that_meet_at_the_last_place_one_has_it(market: Market, measure: str) -> None:
    """Both wait for the window's row, which the test holds."""
    capacity, *wanted = MEASURES[measure]
    s, people = await stall(market, {"capacity": capacity}), [await market.person() for _ in range(2)]
    url = market.parts.database.settings.dsn
    with holding(url, "update windows set position = position") as locked:
        asked = [ask(s, who, *lines(s, given)) for who, given in zip(people, wanted, strict=True)]
        answers = await meeting(url, locked, *asked)
    assert [bool(answer.json()["id"]) for answer in answers] == [True, False], [answer.text for answer in answers]
    assert refusals(answers[1]) == FULL
    assert (await s.taken())["orders"] == 1
    assert market.broken() == []


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("first", ["hold", "order"])
async def test_a_hold_and_an_order_that_meet_at_the_last_place_are_one(market: Market, measure: str, first: str) -> None:  # fmt: skip
    capacity, mine, theirs = MEASURES[measure]
    s, buyer, other = await stall(market, {"capacity": capacity}), await market.person(), await market.person()
    url = market.parts.database.settings.dsn
    actions: dict[str, Callable[[], Awaitable[Response]]] = {
        "hold": lambda: ask(s, buyer, *lines(s, mine)),
        "order": lambda: s.order(other, *lines(s, theirs)),
    }
    order = [first, *(actions.keys() - {first})]
    with holding(url, "update windows set position = position") as locked:
        found = dict(zip(order, await meeting(url, locked, *(actions[name]() for name in order)), strict=True))
    assert bool(found["hold"].json()["id"]) == (first == "hold"), found["hold"].text
    assert found["order"].status == (201 if first == "order" else 409), found["order"].text
    assert (await s.taken())["orders"] == 1
    assert market.broken() == []


@pytest.mark.parametrize("first", ["order", "end"])
async def test_a_place_is_the_order_s_or_comes_back_where_a_hold_ends_as_it_is_ordered(market: Market, first: str) -> None:  # fmt: skip
    """Both wait for the quote's row, which the test holds."""
    s, buyer = await stall(market, {"capacity": {"orders": 1}}), await market.person()
    quote, url = await held(s, buyer), market.parts.database.settings.dsn
    actions: dict[str, Callable[[], Awaitable[Any]]] = {
        "order": lambda: order_of(buyer, quote, "race"),
        "end": lambda: ended(market),
    }
    order = [first, *(actions.keys() - {first})]
    with holding(url, "update quotes set day = day") as locked:
        found = dict(zip(order, await meeting(url, locked, *(actions[name]() for name in order)), strict=True))
    assert found["order"].status == (201 if first == "order" else 422), found["order"].text
    assert (await s.taken())["orders"] == (first == "order")
    assert market.broken() == []


@pytest.mark.parametrize("later", [0, 1], ids=["smaller id written last", "larger id written last"])
async def test_the_holds_of_a_cancelled_day_are_locked_by_id_however_they_lie(market: Market, later: int) -> None:
    """Whoever waits for the smaller has not locked the larger: orders placed together lock theirs by id."""
    s = await stall(market)
    quotes = sorted([await held(s, await market.person()) for _ in range(2)])
    url = market.parts.database.settings.dsn
    with holding(url, "update quotes set day = day where id = %s", quotes[later]) as rewritten:
        rewritten.commit()

    async def let_go() -> None:
        await change(market.parts, partial(quoting.let_go, day_id=s.day["id"]))

    with holding(url, "select from quotes where id = %s for update", quotes[0]) as locked:
        begun = Deferred.fromCoroutine(let_go())
        await eventually("it waits", lambda: waiting(url, locked) == 1)
        with locked.cursor() as cursor:
            cursor.execute("select from quotes where id = %s for update skip locked", [quotes[1]])
            assert cursor.rowcount == 1
        locked.rollback()
        await begun


@pytest.mark.parametrize("capacity", [None, {"weight_kg": "0.5"}])
@pytest.mark.parametrize("first", ["hold", "staff"])
async def test_a_hold_and_a_window_that_goes_or_shrinks_agree(
    market: Market, first: str, capacity: dict[str, str] | None
) -> None:
    """The first to hold the day waits for a row that the test holds: a product's for the hold, the window's for the staff."""
    s, buyer = await stall(market, {}, LATE), await market.person()
    url = market.parts.database.settings.dsn
    kept = [
        {"id": one["id"], "method": "delivery", "from": one["from"], "to": one["to"]} | more
        for one, more in zip(s.day["windows"], ({"capacity": capacity}, {}), strict=True)
    ][0 if capacity else 1 :]
    actions: dict[str, Callable[[], Awaitable[Response]]] = {
        "hold": lambda: ask(s, buyer),
        "staff": lambda: s.manager.request("PATCH", f"/api/market-days/{s.day['id']}", {"windows": kept}, If_Match="*"),
    }
    order = [first, *(actions.keys() - {first})]
    row = "update products set title = title" if first == "hold" else "update windows set position = position"
    with holding(url, row) as locked:
        found = dict(zip(order, await meeting(url, locked, *(actions[name]() for name in order)), strict=True))
    late = 422 if capacity else 409
    assert found["staff"].status == (200 if first == "staff" else late), found["staff"].text
    assert bool(found["hold"].json()["id"]) == (first == "hold"), found["hold"].text
    if first == "staff":
        assert refusals(found["hold"]) == (FULL if capacity else [("invalid", "not-found")])
    assert market.broken() == []


async def test_of_many_who_hold_and_order_as_many_have_a_place_as_there_are(market: Market) -> None:
    s = await stall(market, {"capacity": {"orders": 5}})
    buyers = [await market.person() for _ in range(10)]

    async def buy(n: int) -> int:
        if n % 2:
            return (await s.order(buyers[n], (s.apples, 1))).status
        quote = (await ask(s, buyers[n])).json()["id"]
        return (await order_of(buyers[n], quote, f"key-{n}")).status if quote else 409

    found = await settled(*(buy(n) for n in range(10)))
    assert sorted(found) == [201] * 5 + [409] * 5, found
    assert (await s.taken())["orders"] == 5
    assert market.broken() == []
