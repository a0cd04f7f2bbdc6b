"""Two who want one thing at once, each case forced: both wait for a row that the test holds, and go on in the order in which they came. Whichever is first, both are as
if the one had come after the other. Without the lock that has the second wait, the case is another (``tests/mutations/locks.py`` says which)."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Any

import pytest

from harvestd.kernel.errors import Conflict
from harvestd.market.accounts import closing_actions
from harvestd.market.pricing import coupon_rows
from harvestd.parts import Parts
from harvestd.runtime import failpoints
from harvestd.unit_of_work import change as changing
from servers import PostgresServer
from tests.locks import holding, meeting
from tests.market.days.calendar import delivery
from tests.market.orders.test_billing import USES, charge, sold
from tests.market.orders.test_change_races import in_turn, scene
from tests.market.orders.test_change_routes import change, level
from tests.market.orders.test_guests import ADA, market_of
from tests.market.orders.test_quotes import QUOTES, held, order_of, quote, reserved
from tests.market.orders.test_windows import problem, stall
from tests.people import Market
from tests.web.client import Response
from tests.web.conftest import settled

ALL_PRODUCTS = "update products set title = title"


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """No fail point outlives its test."""
    yield
    failpoints.disarm()


async def test_the_last_one_is_for_the_first_who_waits_for_it(market: Market, database_url: str) -> None:
    product = await sold(market, await market.farmer(), stock=1)
    buyers = [await market.person() for _ in range(3)]
    with holding(database_url, ALL_PRODUCTS) as locked:
        answers = await meeting(database_url, locked, *(buyer.order((product, 1)) for buyer in buyers))
    assert [answer.status for answer in answers] == [201, 409, 409]
    assert {answer.json()["errors"][0]["available"] for answer in answers[1:]} == {"0.000"}
    assert await reserved(market) == [1.0]
    assert market.broken() == []


@pytest.mark.limit(60)
async def test_a_hundred_who_want_the_last_one_at_once_make_one_order(market: Market) -> None:
    product = await sold(market, await market.farmer(), stock=1)
    buyers = [await market.person() for _ in range(20)]

    async def insists(number: int) -> Response:
        """Who is told that the market is too busy asks again."""
        while (answer := await buyers[number % 20].order((product, 1), key=f"last-{number}")).status == 503:
            pass
        return answer

    answers = await settled(*(insists(number) for number in range(100)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 99
    assert await reserved(market) == [1.0]
    assert market.broken() == []


async def test_two_lines_of_one_product_are_taken_together_or_not_at_all(market: Market, database_url: str) -> None:
    product = await sold(market, await market.farmer(), stock=3)
    buyers = [await market.person() for _ in range(2)]
    with holding(database_url, ALL_PRODUCTS) as locked:
        answers = await meeting(database_url, locked, *(who.order((product, 1), (product, 1)) for who in buyers))
    assert [answer.status for answer in answers] == [201, 409]
    assert [one["available"] for one in answers[1].json()["errors"]] == ["1.000", "1.000"]
    assert await reserved(market) == [2.0]
    assert market.broken() == []


async def test_carts_of_the_same_in_opposite_orders_do_not_wait_for_each_other(
    market: Market, database_url: str, postgres: PostgresServer
) -> None:
    """Between the first product of each and its last is one that the test holds."""
    farmer = await market.farmer()
    first, last, between = [await sold(market, farmer) for _ in range(3)]
    buyers = [await market.person() for _ in range(2)]
    log = postgres.folder / "log"
    begin = log.stat().st_size
    with holding(database_url, "select from products where id = %s for update", between) as locked:
        answers = await meeting(
            database_url, locked, buyers[0].order((first, 1), (between, 1), (last, 1)), buyers[1].order((last, 1), (between, 1), (first, 1)),
        )  # fmt: skip
    assert [answer.status for answer in answers] == [201, 201]
    assert "deadlock detected" not in log.read_text("utf-8", "replace")[begin:]
    assert await reserved(market) == [2.0, 2.0, 2.0]


async def test_two_who_restock_at_once_both_have(market: Market, database_url: str) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer, unit="each", stock=1)
    more = {"change": 2, "reason": "harvest"}
    with holding(database_url, ALL_PRODUCTS) as locked:
        answers = await meeting(
            database_url, locked, *(farmer.post(f"/api/products/{product['id']}/stock", more) for _ in range(2))
        )
    assert [answer.json()["available"] for answer in answers] == ["3.000", "5.000"]
    assert market.broken() == []


@pytest.mark.parametrize("first", ["sale", "cancel"])
async def test_a_sale_and_a_cancel_of_it_give_back_what_was_taken(
    market: Market, database_url: str, first: str
) -> None:
    here = await scene(market)
    actions: dict[str, Awaitable[Any]] = {"sale": market.work(queues=("harvest.orders",)), "cancel": here.cancel()}
    order = ["sale", "cancel"] if first == "sale" else ["cancel", "sale"]
    with holding(database_url, ALL_PRODUCTS) as locked:
        answers = dict(zip(order, await meeting(database_url, locked, *(actions[name] for name in order)), strict=True))
    assert answers["cancel"].status == 200, answers["cancel"].text
    assert await level(market, here.product) == ("9.000", "9.000")
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("first", ["cancel", "confirm"])
async def test_a_cancel_and_a_confirmation_are_one_after_the_other(market: Market, first: str) -> None:
    """A confirmed order can be cancelled still, a cancelled one is not confirmed."""
    here = await scene(market)
    second = here.confirm if first == "cancel" else here.cancel
    done, then = await in_turn("order.before_step", getattr(here, first)(), second)
    assert (done.status, then.status) == (200, 409 if first == "cancel" else 200)
    await market.work(twice=True)
    assert await level(market, here.product) == ("9.000", "9.000")
    assert market.broken(at_rest=True) == []


async def test_two_holds_of_one_person_that_meet_leave_the_second(market: Market, database_url: str) -> None:
    product, buyer = await sold(market, await market.farmer(), stock=5), await market.person()
    with holding(database_url, ALL_PRODUCTS) as locked:
        answers = await meeting(
            database_url, locked, *(quote(buyer, (product, number), hold=True) for number in (2, 3))
        )
    assert all(answer.status == 200 and answer.json()["id"] for answer in answers), [one.text for one in answers]
    assert (await reserved(market), await market.parts.database.row(QUOTES)) == ([3.0], 1)
    assert market.broken() == []


@pytest.mark.parametrize("first", ["order", "hold"])
async def test_a_hold_is_ordered_or_replaced_and_what_it_kept_is_given_back_once(
    market: Market, database_url: str, first: str
) -> None:
    product, buyer = await sold(market, await market.farmer(), stock=5), await market.person()
    mine = await held(buyer, (product, 2))
    actions = {"order": order_of(buyer, mine["id"], "race"), "hold": quote(buyer, (product, 1), hold=True)}
    order = ["order", "hold"] if first == "order" else ["hold", "order"]
    with holding(database_url, ALL_PRODUCTS) as locked:
        answers = dict(zip(order, await meeting(database_url, locked, *(actions[name] for name in order)), strict=True))
    assert answers["order"].status == (201 if first == "order" else 422), answers["order"].text
    assert answers["hold"].json()["id"], answers["hold"].text
    assert await reserved(market) == [3.0 if first == "order" else 1.0]
    assert market.broken() == []


@pytest.mark.parametrize("what", ["order", "amendment"])
@pytest.mark.parametrize("first", ["buyer", "cut-off"])
async def test_the_cut_off_comes_after_whatever_was_decided_before_it(
    market: Market, database_url: str, what: str, first: str
) -> None:
    s, buyer = await stall(market), await market.person()
    order = (await s.order(buyer, (s.carrots, "2"))).json()
    line = {"line_id": order["lines"][0]["id"], "quantity": "3"}
    asks = s.order(buyer) if what == "order" else change(buyer, order, line)
    close = s.manager.post(f"/api/market-days/{s.day['id']}/close", None)
    with holding(database_url, "update market_days set name = name") as locked:
        answers = await meeting(database_url, locked, *((asks, close) if first == "buyer" else (close, asks)))
    asked, closed = answers if first == "buyer" else reversed(answers)
    assert closed.status == 200, closed.text
    assert asked.status == (409 if first == "cut-off" else 201 if what == "order" else 200), asked.text
    assert market.broken() == []


async def test_a_window_is_not_made_smaller_than_what_is_taken_of_it_meanwhile(
    market: Market, database_url: str
) -> None:
    """The change has seen what is taken, and waits for the window's point; a farm gives more in the place of what is short."""
    manager, buyer = await market.person("manager"), await market.person()
    hall = (await manager.post("/api/pickup-points", {"name": "Hall", "address": "1 Square"})).json()
    window = delivery(
        market.parts.now(), method="pickup", pickup_point_id=hall["id"], capacity={"orders": 9, "weight_kg": "9"}
    )
    s = await stall(market, window)
    leek = await market.product(s.farmer, title="Leek", price=100, stock="9")
    lines = [{"product_id": s.carrots, "quantity": "2", "substitution": "same_farm"}]
    way = {"method": "pickup", "window_id": s.window}
    placed = await buyer.post("/api/orders", {"lines": lines, "fulfilment": way}, Idempotency_Key="meanwhile")
    assert placed.status == 201, placed.text
    order = placed.json()
    path = f"/api/orders/{order['id']}/parts/{s.farmer.farm_id}/lines/{order['lines'][0]['id']}/short"
    instead = {"quantity": "1", "substitute": {"product_id": leek["id"], "quantity": "2"}}
    smaller = {"windows": [window | {"id": s.window, "capacity": {"weight_kg": "2"}}]}
    with holding(database_url, "select from pickup_points where id = %s for update", hall["id"]) as locked:
        changed, short = await meeting(
            database_url, locked, s.manager.request("PATCH", f"/api/market-days/{s.day['id']}", smaller, If_Match="*"), s.farmer.post(path, instead),
        )  # fmt: skip
    assert (changed.status, problem(short)[:2]) == (200, (409, "window-full")), changed.text
    assert (await s.taken())["weight_kg"] == "2.000"
    assert market.broken() == []


async def test_a_coupon_is_not_limited_to_less_than_it_is_used_meanwhile(market: Market, database_url: str) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await sold(market, farmer)
    coupon = await charge(market, "/api/coupons", code="SPRING", percent=10, max_uses=5)
    assert (await buyer.order((product, 1), coupon="SPRING")).status == 201
    manager = await market.person("manager")
    with holding(database_url, "update coupons set version = version") as locked:
        ordered, changed = await meeting(
            database_url, locked, buyer.order((product, 1), coupon="SPRING"), manager.request("PATCH", f"/api/coupons/{coupon['id']}", {"max_uses": 1}),
        )  # fmt: skip
    assert (ordered.status, changed.status) == (201, 422), changed.text
    assert changed.json()["errors"][0]["params"]["minimum"] == "2"
    assert market.broken() == []


async def test_a_use_of_a_coupon_is_given_back_once_whoever_gives_it_back(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    await charge(market, "/api/coupons", code="SPRING", percent=10, max_uses=5)
    product = await sold(market, farmer)
    orders = [(await buyer.order((product, 1), coupon="SPRING")).json()["id"] for _ in range(2)]
    for _ in range(2):
        await changing(market.parts, lambda unit: coupon_rows.give_back(unit.tx, orders[0], unit.now))
    assert await market.parts.database.rows(USES) == ["1/2"]


async def test_nothing_is_ordered_for_an_account_that_is_being_closed(market: Market) -> None:
    """What is placed first keeps the account; that an order is open is found by the closing, which waits for it."""
    product, buyer = await sold(market, await market.farmer()), await market.person()
    admin = await market.person("admin")
    ordered, closed = await in_turn(
        "order.before_commit", admin.order((product, 1), buyer_id=buyer.id),
        lambda: changing(market.parts, lambda unit: closing_actions.close(unit, buyer.id)),
    )  # fmt: skip
    assert ordered.status == 201, ordered.text
    assert isinstance(closed, Conflict)
    assert market.broken() == []


@pytest.mark.parametrize("whose", ["account", "guest"])
async def test_what_is_put_into_a_cart_while_it_is_ordered_is_in_the_next(parts: Parts, whose: str) -> None:
    """The put waits for the order, and finds no cart any more."""
    market = market_of(parts)
    farmer, buyer = await market.farmer(), await market.person()
    first, second = [await sold(market, farmer) for _ in range(2)]
    client, named = (buyer.client, {}) if whose == "account" else (market.stranger, {"guest": ADA})
    path = "/api/cart/items/{}"
    begun = await client.request("PUT", path.format(first), json={"quantity": 1})
    token = {"X-Cart-Token": begun.headers["x-cart-token"]} if whose == "guest" else {}
    ordered, put = await in_turn(
        "order.before_commit", client.post("/api/orders", named, headers={"Idempotency-Key": "cart", **token}),
        lambda: client.request("PUT", path.format(second), json={"quantity": 1}, headers=token),
    )  # fmt: skip
    assert (ordered.status, put.status) == (201, 200), (ordered.text, put.text)
    assert [line["product_id"] for line in ordered.json()["lines"]] == [first]
    token = {"X-Cart-Token": put.headers["x-cart-token"]} if "x-cart-token" in put.headers else token
    left = (await client.get("/api/cart", headers=token)).json()
    assert [line["product_id"] for part in left["parts"] for line in part["lines"]] == [second]
    assert market.broken() == []
