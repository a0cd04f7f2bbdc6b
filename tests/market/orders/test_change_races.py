"""Two who change one order at once: whichever is first, the other sees what has become of it. Each first one is held where its decision is made and nothing of it
is written."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.runtime import failpoints
from tests.market.orders.test_change_routes import change, ducks, level, of_line
from tests.people import Market, Person
from tests.waiting import eventually
from tests.web.client import Response
from tests.web.conftest import settled


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """No fail point outlives its test."""
    yield
    failpoints.disarm()


async def in_turn(point: str, first: Awaitable[Any], second: Any) -> list[Any]:
    """Both, of which the first has decided, and written nothing, when the second begins."""
    failpoints.arm(f"{point}=sleep:0.4@1", {"HARVEST_TESTING": "1"})
    both = settled(first, _once_hit(point, second))
    return list(await both)


async def _once_hit(point: str, then: Any) -> Any:
    await eventually("the first has decided", lambda: bool(failpoints.armed()[point]))
    return await then()


@attrs.frozen
class Scene:
    """An order of two ducks, and who may change it."""

    market: Market
    farmer: Person
    buyer: Person
    product: dict[str, Any]
    order: dict[str, Any]

    @property
    def line(self) -> dict[str, Any]:
        """The line of the order."""
        found: dict[str, Any] = self.order["lines"][0]
        return found

    def amend(self, quantity: int) -> Any:
        """The buyer wants another number of them."""
        return change(self.buyer, self.order, {"line_id": self.line["id"], "quantity": quantity})

    def confirm(self) -> Any:
        """The farm confirms its part."""
        return self.farmer.post(
            f"/api/orders/{self.order['id']}/parts/{self.farmer.farm_id}/status", {"to": "confirmed"}
        )

    def cancel(self) -> Any:
        """The buyer cancels."""
        return self.buyer.post(f"/api/orders/{self.order['id']}/cancel", {})

    def weigh(self) -> Any:
        """The farm weighs them."""
        return of_line(self.farmer, self.order, "weigh", self.line, self.farmer, quantity="1.7")

    def weigh_more(self, quantity: str = "3.9") -> Any:
        """The farm weighs them, and they are far more than was agreed on."""
        return of_line(self.farmer, self.order, "weigh", self.line, self.farmer, quantity=quantity)

    def yes(self, **said: Any) -> Any:
        """The buyer wants all of what they weigh."""
        return self.buyer.post(
            f"/api/orders/{self.order['id']}/lines/{self.line['id']}/answer", {"accept": True, **said}
        )

    def offer(self) -> Any:
        """The farm would add one."""
        line = {"line_id": self.line["id"], "quantity": 3}
        return change(self.farmer, self.order, line, reason="there are more")

    def short(self) -> Any:
        """The farm has one of them."""
        return of_line(self.farmer, self.order, "short", self.line, self.farmer, quantity=1)


async def scene(market: Market) -> Scene:
    farmer, buyer = await market.farmer(), await market.person()
    product = await ducks(market, farmer)
    return Scene(market, farmer, buyer, product, (await buyer.order((product["id"], 2))).json())


@pytest.mark.parametrize("second", ["confirm", "cancel", "weigh", "short"])
async def test_who_comes_after_a_change_finds_it_made(market: Market, second: str) -> None:
    here = await scene(market)
    first, then = await in_turn("order.before_change", here.amend(5), getattr(here, second))
    assert (first.status, then.status) == (200, 200)
    assert then.json()["version"] == 3 and then.json()["lines"][0]["quantity"] == "5.000"
    assert await level(market, here.product) == (
        ("9.000", "9.000") if second == "cancel" else ("8.000", "4.000") if second == "short" else ("9.000", "4.000")
    )
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize(("point", "first"), [("order.before_step", "confirm"), ("order.before_step", "cancel")])
async def test_an_amendment_after_a_step_that_closes_the_part_is_refused(
    market: Market, point: str, first: str
) -> None:
    here = await scene(market)
    done, late = await in_turn(point, getattr(here, first)(), lambda: here.amend(5))
    assert (done.status, late.status) == (200, 409)
    assert await level(market, here.product) == (("9.000", "9.000") if first == "cancel" else ("9.000", "7.000"))
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


async def test_a_weighing_after_a_cancel_is_refused_and_nothing_is_given_back_twice(market: Market) -> None:
    here = await scene(market)
    done, late = await in_turn("order.before_step", here.cancel(), here.weigh)
    assert (done.status, late.status) == (200, 409)
    assert await level(market, here.product) == ("9.000", "9.000")
    assert market.broken() == []


async def test_a_buyer_does_not_cancel_what_is_weighed_meanwhile_and_the_farm_that_does_gives_all_of_it_back(
    market: Market,
) -> None:
    here = await scene(market)
    await market.work()
    done, late = await in_turn("order.before_change", here.weigh(), here.cancel)
    assert (done.status, late.status) == (200, 409)
    assert await level(market, here.product) == ("7.000", "7.000")
    gone = await here.farmer.post(f"/api/orders/{here.order['id']}/cancel", {"reason": "the fox came"})
    assert (gone.status, gone.json()["status"]) == (200, "cancelled")
    assert await level(market, here.product) == ("9.000", "9.000")
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


async def test_two_orders_that_grow_never_have_more_than_there_is(market: Market) -> None:
    """Nine are there, four are ordered: each wants six."""
    here = await scene(market)
    other = (await here.buyer.order((here.product["id"], 2))).json()
    line = {"line_id": other["lines"][0]["id"], "quantity": 6}
    first, then = await in_turn("order.before_change", here.amend(6), lambda: change(here.buyer, other, line))
    assert (first.status, then.status) == (200, 409)
    assert then.json()["errors"][0]["available"] == "1.000"
    assert await level(market, here.product) == ("9.000", "1.000")
    assert market.broken() == []


@pytest.mark.limit(60)
async def test_ten_at_once_for_one_order_change_it_one_after_the_other(market: Market) -> None:
    here = await scene(market)
    answers = await settled(*[here.amend(n) for n in range(1, 8)], here.weigh(), here.short(), here.cancel())
    assert {answer.status for answer in answers} <= {200, 409}
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []
    now = (await here.buyer.get(f"/api/orders/{here.order['id']}")).json()
    missing = "1.000" if answers[8].status == 200 else "0.000"
    gone = missing if now["status"] == "cancelled" else now["lines"][0]["quantity"]
    assert await level(market, here.product) == (f"{9 - Decimal(gone)}",) * 2, "what is short was never there"


@pytest.mark.parametrize("said", [{}, {"expected_total": 1000}])
async def test_a_yes_that_meets_another_weight_is_to_neither(market: Market, said: dict[str, int]) -> None:
    """Two ducks are 8.80 at most. The buyer reads 10.00, and says yes while the farm weighs again: 19.50."""
    here = await scene(market)
    assert (await here.weigh_more("2.0")).status == 200
    weighed, late = await in_turn("order.before_change", here.weigh_more(), lambda: here.yes(**said))
    assert (weighed.status, late.status) == (200, 409), late.text
    assert late.json()["errors"][0]["params"] == {
        "before": "1000",
        "after": "1950",
        "currency": "EUR",
        "reason": "line",
    }
    now = (await here.buyer.get(f"/api/orders/{here.order['id']}")).json()
    assert (now["totals"]["total"]["amount"], now["lines"][0]["asked"]["total"]["amount"]) == (880, 1950)
    assert (await here.yes(expected_total=1950)).status == 200
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


async def test_a_weight_that_meets_a_yes_asks_again(market: Market) -> None:
    here = await scene(market)
    assert (await here.weigh_more("2.0")).status == 200
    yes, weighed = await in_turn("order.before_change", here.yes(), here.weigh_more)
    assert (yes.status, weighed.status, yes.json()["totals"]["total"]["amount"]) == (200, 200, 1000)
    now = (await here.buyer.get(f"/api/orders/{here.order['id']}")).json()
    assert (now["totals"]["total"]["amount"], now["lines"][0]["answer_by"] is None) == (1000, False)
    again = await here.yes()
    assert again.status == 409, "the same yes, sent again, is to what it was to"
    assert market.broken() == []


async def test_what_a_farm_would_add_to_an_order_that_is_cancelled_meanwhile_is_nothing(market: Market) -> None:
    here = await scene(market)
    gone, late = await in_turn("order.before_step", here.cancel(), here.offer)
    assert (gone.status, late.status) == (200, 409)
    await market.work(twice=True)
    assert await level(market, here.product) == ("9.000", "9.000")
    assert market.broken(at_rest=True) == []


async def test_an_order_that_is_cancelled_while_its_farm_would_add_to_it_gives_all_back(market: Market) -> None:
    here = await scene(market)
    offered, gone = await in_turn("order.before_change", here.offer(), here.cancel)
    assert (offered.status, gone.status, gone.json()["status"]) == (200, 200, "cancelled")
    assert all(line["answer_by"] is None for line in gone.json()["lines"])
    await market.work(twice=True)
    assert await level(market, here.product) == ("9.000", "9.000")
    assert market.broken(at_rest=True) == []


async def test_a_yes_and_what_a_farm_takes_back_are_one_of_them(market: Market) -> None:
    here = await scene(market)
    offered = (await here.offer()).json()["lines"][1]
    path = f"/api/orders/{here.order['id']}/lines/{offered['id']}/answer"
    yes, back = await in_turn(
        "order.before_change", here.buyer.post(path, {"accept": True}),
        lambda: change(here.farmer, here.order, {"line_id": offered["id"], "quantity": 0}, reason="sold"),
    )  # fmt: skip
    assert (yes.status, back.status) == (200, 200), "the farm takes out what counts by then, with its reason"
    now = (await here.buyer.get(f"/api/orders/{here.order['id']}")).json()
    assert [line["quantity"] for line in now["lines"]] == ["2.000"]
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


async def test_a_cancel_that_meets_a_weighing_of_what_is_confirmed_is_refused(market: Market) -> None:
    here = await scene(market)
    assert (await here.confirm()).status == 200
    weighed, late = await in_turn("order.before_change", here.weigh(), here.cancel)
    assert (weighed.status, late.status) == (200, 409) and "ask the farm" in late.json()["detail"]
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("left_first", [True, False])
async def test_a_yes_that_meets_the_hand_over_is_before_or_after_it(market: Market, left_first: bool) -> None:
    """Both have it that the goods were handed over, for what was agreed on or for what the buyer has said yes to: nobody waits for the other."""
    here = await scene(market)
    path = f"/api/orders/{here.order['id']}/parts/{here.farmer.farm_id}/status"
    for to in ("confirmed", "ready"):
        assert (await here.farmer.post(path, {"to": to})).status == 200
    assert (await here.weigh_more("2.0")).status == 200

    async def leave() -> Response:
        return await here.farmer.post(path, {"to": "completed"})

    first, then = (leave, here.yes) if left_first else (here.yes, leave)
    done, late = await in_turn("order.before_change", first(), then)
    assert (done.status, late.status) == (200, 409 if left_first else 200), late.text
    now = (await here.buyer.get(f"/api/orders/{here.order['id']}")).json()
    assert (now["status"], now["totals"]["total"]["amount"]) == ("completed", 880 if left_first else 1000)
    assert (now["can"], now["lines"][0]["asked"]) == ([], None)
    await market.work(twice=True)
    assert market.broken(at_rest=True) == []
