"""The steps of an order's parts, and what the order becomes by them."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import IllegalTransition
from harvestd.kernel.languages import Status
from harvestd.kernel.units import Amount
from harvestd.market.orders.fulfilment import CANCELS, PROGRESS, STEPS, Standing, acting, can_cancel, status_of
from harvestd.market.orders.order import Totals
from harvestd.market.orders.stepping import cancel, expire, gives_coupon_back, move, told
from harvestd.market.pricing.terms import Discount, FeeRule, Pricing
from tests.market.catalogue.shelves import standing

STATUSES = tuple(STEPS)


def test_of_several_parts_that_have_left_their_farms_the_first_is_named() -> None:
    with pytest.raises(IllegalTransition, match="the part of Farm 1 is already out for delivery"):
        cancel(standing("placed", "out_for_delivery", "out_for_delivery"), None, "buyer", "")


@pytest.mark.parametrize(("before", "to"), list(itertools.product(STATUSES, STATUSES)))
def test_a_part_goes_where_the_table_says_and_nowhere_else(before: str, to: str) -> None:
    if to in STEPS[before]:
        moved = move(standing(before), "farm-0", to, "farm", "")
        assert (moved.to, moved.farms, moved.version) == (to, ("farm-0",), 2)
    else:
        with pytest.raises(
            IllegalTransition,
            match=f"this part is {Status(before)}, which cannot become {Status(to)}"
            if before != to
            else f"this part is already {Status(to)}",
        ):
            move(standing(before), "farm-0", to, "farm", "")


def test_a_refused_step_names_those_that_are_possible() -> None:
    with pytest.raises(IllegalTransition) as refused:
        move(standing("placed"), "farm-0", "completed", "farm", "")
    assert refused.value.errors[0].message == "possible now: cancelled, confirmed"


def test_the_order_is_as_far_as_its_least_advanced_part() -> None:
    for statuses in itertools.product(PROGRESS, repeat=2):
        assert standing(*statuses).status == min(statuses, key=PROGRESS.index)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (("cancelled", "ready"), "ready"),
        (("cancelled", "completed"), "completed"),
        (("cancelled", "cancelled"), "cancelled"),
        (("expired", "expired"), "expired"),
        (("expired", "cancelled"), "cancelled"),
    ],
)
def test_parts_that_are_over_do_not_hold_the_order_back(statuses: tuple[str, ...], status: str) -> None:
    assert status_of(standing(*statuses).parts) == status


def test_a_step_tells_of_the_part_and_of_the_orders_end() -> None:
    first = move(standing("ready", "ready"), "farm-0", "completed", "farm", "")
    assert [e.type for e in first.events] == ["order.updated"]
    assert first.events[0].data["from"] == "ready" and first.events[0].data["to"] == "completed"
    last = move(standing("completed", "ready"), "farm-1", "completed", "farm", "")
    assert [e.type for e in last.events] == ["order.updated", "order.completed"]
    assert {e.version for e in last.events} == {2}


def test_the_first_event_of_a_step_carries_what_the_caches_must_drop() -> None:
    moved = move(standing("ready"), "farm-0", "completed", "farm", "")
    first, *rest = moved.events
    assert rest and told(moved) == moved.events
    with_families, *others = told(moved, ("farm:farm-0", "farms"))
    assert with_families.data == first.data | {"families": ["farm:farm-0", "farms"]}
    assert (with_families.type, others) == (first.type, rest)


@pytest.mark.parametrize("status", ["placed", "confirmed", "ready"])
def test_a_buyer_withdraws_the_whole_order_until_it_has_left_a_farm(status: str) -> None:
    moved = cancel(standing(status, "placed"), None, "buyer", "away")
    assert (moved.farms, moved.status) == (("farm-0", "farm-1"), "cancelled")
    assert [e.type for e in moved.events] == ["order.updated", "order.updated", "order.cancelled"]
    assert moved.events[0].data["reason"] == "away"


def _weighed(order: Standing, farm_id: str) -> Standing:
    lines = [attrs.evolve(x, weighed=Amount(Decimal(1), "kg")) if x.farm_id == farm_id else x for x in order.lines]
    return attrs.evolve(order, lines=tuple(lines))


@pytest.mark.parametrize("open", [None, False, True])
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("status", STEPS)
@pytest.mark.parametrize("actor", ["buyer", "farm", "admin", "clock"])
def test_who_cancels_a_part_is_said_by_the_table(actor: Any, status: str, weighed: bool, open: bool | None) -> None:
    order = standing(status, "placed")
    order = _weighed(order, "farm-0") if weighed else order
    days = {} if open is None else {"farm-0": open}
    may = status in CANCELS.get(actor, ())
    if actor == "buyer":
        may = status in ("placed", "confirmed", "ready") and (not weighed or bool(open))
    assert can_cancel(order, ["farm-0"], actor, days) is may
    if not may and status == "ready" and actor == "buyer":
        with pytest.raises(
            IllegalTransition, match="what Farm 0 has weighed for you can no longer be cancelled by you"
        ):
            cancel(order, None, actor, "", days)


@pytest.mark.parametrize("status", ["out_for_delivery", "completed"])
def test_a_buyer_cannot_withdraw_what_has_left_a_farm(status: str) -> None:
    with pytest.raises(IllegalTransition, match=f"the part of Farm 0 is already {Status(status)}"):
        cancel(standing(status, "placed"), None, "buyer", "")


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_what_is_over_cannot_be_cancelled_again(status: str) -> None:
    with pytest.raises(IllegalTransition, match=f"this order is already {Status(status)}"):
        cancel(standing(status), None, "admin", "")


def test_a_farm_withdraws_its_own_part_and_the_total_follows() -> None:
    moved = cancel(standing("placed", "confirmed"), ["farm-1"], "farm", "hail")
    assert (moved.farms, moved.status, moved.totals.total) == (("farm-1",), "placed", 1000)
    assert [e.type for e in moved.events] == ["order.updated"]


def test_an_order_that_is_over_as_a_whole_keeps_its_total_for_the_books() -> None:
    assert cancel(standing("placed", "placed"), None, "buyer", "").totals.total == 2000


@pytest.mark.parametrize("actor", ["farm", "admin"])
@pytest.mark.parametrize("status", [s for s, steps in STEPS.items() if "cancelled" in steps])
def test_to_cancel_a_part_and_to_move_it_there_is_one_thing(status: str, actor: Any) -> None:
    order = standing(status, "placed")
    moved = move(order, "farm-0", "cancelled", actor, "hail")
    assert moved == cancel(order, ["farm-0"], actor, "hail")
    assert (moved.events[0].data["reason"], moved.events[0].data["actor"]) == ("hail", actor)


def test_who_may_cancel_is_who_would_not_be_refused() -> None:
    assert can_cancel(standing("ready"), None, "buyer") and not can_cancel(standing("out_for_delivery"), None, "buyer")
    assert can_cancel(standing("out_for_delivery"), None, "farm") and not can_cancel(standing("expired"), None, "admin")


@pytest.mark.parametrize(
    ("who", "role"),
    [
        ({"buyer": True, "staff": True, "farms": {"farm-0"}}, ("buyer", None)),
        ({"buyer": False, "staff": True, "farms": {"farm-0"}}, ("admin", None)),
        ({"buyer": False, "staff": False, "farms": {"farm-1", "elsewhere"}}, ("farm", ["farm-1"])),
    ],
)
def test_whoever_has_several_roles_in_an_order_acts_in_the_first(who: Any, role: Any) -> None:
    assert acting(standing("placed", "placed"), **who) == role


def test_only_parts_that_nobody_confirmed_expire() -> None:
    moved = expire(standing("placed", "confirmed"))
    assert moved is not None and (moved.farms, moved.status) == (("farm-0",), "confirmed")
    assert expire(standing("confirmed")) is None
    gone = expire(standing("placed"))
    assert gone is not None and [e.type for e in gone.events] == ["order.updated", "order.expired"]


def billed(*statuses: str, left: bool = False) -> Any:
    """An order with a part of 10.00 in each of the statuses, a fee of 3.00 and 6.00 off from 20.00."""
    order = standing(*statuses)
    discount = Discount(coupon_id="c", code="SPRING", kind="amount", value=600, minimum=2000)
    terms = Pricing(fees=(FeeRule(id="fee", name="Packing", basis="order", amount=300),), discount=discount)
    return attrs.evolve(order, pricing=terms, left=left, totals=Totals(2000, 300, 0, 600))


@pytest.mark.parametrize(
    ("statuses", "to", "totals"),
    [
        (("placed", "placed"), "cancelled", (1000, 300, 0, 600)), (("placed", "placed"), "confirmed", (2000, 300, 0, 600)),
        (("placed", "cancelled"), "cancelled", (2000, 300, 0, 600)), (("placed", "expired"), "cancelled", (2000, 300, 0, 600)),
    ],
)  # fmt: skip
def test_a_part_that_ends_leaves_the_others_billed_by_the_rules_of_the_order(
    statuses: tuple[str, ...], to: str, totals: tuple[int, ...]
) -> None:
    moved = move(billed(*statuses), "farm-0", to, "farm", "")
    assert (moved.totals.goods, moved.totals.fees, moved.totals.tax, moved.totals.discount) == totals
    kept = moved.amounts.pricing.discount
    assert kept is not None and kept.minimum == (1000 if to == "cancelled" and statuses[1] == "placed" else 2000)


def test_what_expires_is_billed_as_what_is_cancelled() -> None:
    moved = expire(billed("placed", "confirmed"))
    assert moved is not None and moved.amounts.pricing.discount is not None
    assert [part.totals(False).total for part in moved.amounts.parts if part.status == "confirmed"] == [700]
    assert moved.amounts.pricing.discount.minimum == 1000


@pytest.mark.parametrize(
    ("order", "back"),
    [
        (billed("placed"), True), (billed("ready"), True), (billed("placed", "cancelled"), True), (billed("placed", "confirmed"), False),
        (billed("placed", left=True), False), (standing("placed"), False), (attrs.evolve(billed("placed"), pricing=Pricing()), False),
    ],
)  # fmt: skip
def test_a_coupon_s_use_is_given_back_where_all_ends_and_nothing_has_left(order: Any, back: bool) -> None:
    moved = move(order, "farm-0", "cancelled", "farm", "")
    assert gives_coupon_back(order, moved.status) is back
