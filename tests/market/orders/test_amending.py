"""Amending an order: what each change of a line comes to, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import IllegalTransition, Invalid
from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.orders.fulfilment import CHANGES, STEPS, changeable
from tests.market.catalogue.shelves import TERMS, placed, product, standing_of
from tests.market.orders.changing import after, amended, by, edit, weighed

CARROTS, LEEKS, EGGS = (
    product(),
    product("leeks", price=100),
    product("eggs", "coop", unit="box", price=250, quantity_step="1", min_quantity="1"),
)
ORDER = standing_of(placed([("carrots", "1"), ("leeks", "2"), ("eggs", "1")], CARROTS, LEEKS, EGGS))
FIRST, SECOND, THIRD = ORDER.lines


def lines(change: Any) -> list[tuple[str, str, int]]:
    """What a change leaves: product, quantity and total of each line."""
    return [(line.product_id, str(line.quantity), line.total) for line in after(ORDER, change).lines]


def test_a_line_gets_the_quantity_that_is_named_and_the_totals_follow() -> None:
    change = amended(ORDER, [edit(line_id=FIRST.id, quantity="1.5")], CARROTS)
    assert change is not None
    assert lines(change) == [("carrots", "1.500", 585), ("leeks", "2.000", 200), ("eggs", "1.000", 250)]
    assert [(part.farm_id, part.subtotal) for part in change.parts] == [("acres", 785), ("coop", 250)]
    assert (change.totals.total, change.version, change.wants) == (1035, 2, {FIRST.id: Decimal("1.5")})
    assert [event.type for event in change.events] == ["order.updated", "order.amended"]
    assert change.before["totals"]["total"] == 840 and change.after["totals"]["total"] == 1035
    assert [one["quantity"] for one in (*change.before["lines"], *change.after["lines"])] == ["1.000", "1.500"]


def test_what_is_added_of_a_product_at_the_same_terms_is_more_of_its_line() -> None:
    change = amended(ORDER, [edit(product_id="carrots", quantity="0.5")], CARROTS)
    assert change is not None and lines(change)[0] == ("carrots", "1.500", 585) and not change.added


@pytest.mark.parametrize("now", [400, 380])
def test_a_line_keeps_its_price_and_what_is_added_costs_what_it_costs_today(now: int) -> None:
    today = attrs.evolve(CARROTS, price=now)
    for one in (edit(line_id=FIRST.id, quantity="1.5"), edit(product_id="carrots", quantity="0.5")):
        change = amended(ORDER, [one], today)
        assert change is not None and lines(change)[-1] == ("carrots", "0.500", now // 2)
        assert lines(change)[0] == ("carrots", "1.000", 390), "at the price at which it was ordered"
        assert not change.wants and [line.id for line in change.added] == ["new-0"]


def test_less_of_a_line_can_be_had_whatever_has_become_of_the_product() -> None:
    for now in (attrs.evolve(CARROTS, price=900, status="archived", away=()), attrs.evolve(CARROTS, staffed=False)):
        change = amended(ORDER, [edit(line_id=FIRST.id, quantity="0.5")], now)
        assert change is not None and lines(change)[0] == ("carrots", "0.500", 195)
    with pytest.raises(Invalid) as refused:
        amended(ORDER, [edit(line_id=FIRST.id, quantity="1.5")], attrs.evolve(CARROTS, status="archived"))
    assert refused.value.errors[0].code == "not-for-sale"


@pytest.mark.parametrize(
    ("quantity", "code"), [("0.5001", "off-step"), ("0.51", "off-step"), ("0.02", "below-minimum"), ("-1", "below-minimum"), ("NaN", "not-a-number")]
)  # fmt: skip
def test_a_quantity_that_is_no_amount_of_the_product_is_refused_by_its_line(quantity: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        amended(ORDER, [edit(line_id=FIRST.id, quantity=quantity)], CARROTS)
    (error,) = refused.value.errors
    assert (error.field, error.code) == ("lines[0].quantity", code)


def test_a_line_is_taken_out_and_its_farm_keeps_the_others() -> None:
    change = amended(ORDER, [edit(line_id=FIRST.id, quantity="0")], CARROTS)
    assert change is not None
    assert (change.removed, change.cancelled, change.totals.total) == ((FIRST.id,), (), 450)
    told = change.events[-1].data["lines"]
    assert [(one["before"], one["after"]) for one in told] == [({"quantity": "1.000", "total": 390}, None)]


def test_to_take_out_all_of_a_farm_is_to_cancel_its_part() -> None:
    change = amended(ORDER, [edit(line_id=THIRD.id, quantity="0")], EGGS)
    assert change is not None
    assert ([part.farm_id for part in change.cancelled], change.removed, change.totals.total, change.status) == (
        ["coop"],
        (),
        590,
        "placed",
    )
    assert [(e.type, e.data["from"], e.data["to"]) for e in change.events] == [("order.updated", "placed", "cancelled")]
    assert change.parts[1].subtotal == 250, "for the books"


def test_an_order_of_which_all_is_taken_out_is_cancelled() -> None:
    change = amended(ORDER, [edit(line_id=line.id, quantity="0") for line in ORDER.lines], CARROTS, LEEKS, EGGS)
    assert change is not None and change.status == "cancelled" and change.events[-1].type == "order.cancelled"
    assert change.totals == ORDER.totals, "for the books"


def test_goods_of_another_farm_are_a_part_of_their_own() -> None:
    milk = product("milk", "dairy", unit="litre", price=120)
    change = amended(ORDER, [edit(product_id="milk", quantity="2")], milk)
    assert change is not None
    assert [(part.farm_id, part.position, part.status, part.subtotal) for part in change.opened] == [
        ("dairy", 2, "placed", 240)
    ]
    assert [(e.type, e.data.get("from"), e.data.get("to")) for e in change.events] == [
        ("order.updated", "", "placed"),
        ("order.amended", None, None),
    ]
    assert change.totals.total == 1080


def test_what_changes_nothing_is_no_change() -> None:
    assert amended(ORDER, [edit(line_id=FIRST.id, quantity="1")], CARROTS) is None
    assert amended(ORDER, [edit(line_id=FIRST.id)], CARROTS) is None


def test_what_the_buyer_says_of_a_line_may_change_alone() -> None:
    change = amended(ORDER, [edit(line_id=FIRST.id, substitution="ask", note="ripe ones")], CARROTS)
    assert change is not None
    assert (
        after(ORDER, change).lines[0].wish == LineWish("ask", "ripe ones") and change.totals.total == ORDER.totals.total
    )
    assert "ripe" not in str(change.after) + str(change.events), "what people wrote is erased one day"
    again = amended(after(ORDER, change), [edit(line_id=FIRST.id, note="")], CARROTS)
    assert again is not None and after(ORDER, again).lines[0].wish == LineWish("ask", "")


@pytest.mark.parametrize("actor", ["buyer", "farm", "admin"])
@pytest.mark.parametrize("status", STEPS)
def test_who_may_amend_a_part_is_said_by_the_table(actor: Any, status: str) -> None:
    order = standing_of(placed([("carrots", "1"), ("leeks", "1")], CARROTS, LEEKS), status)
    if status in CHANGES["amend"][actor]:
        assert amended(order, [edit(line_id=FIRST.id, quantity="0.5")], CARROTS, who=by(actor)) is not None
    else:
        with pytest.raises(IllegalTransition):
            amended(order, [edit(line_id=FIRST.id, quantity="0.5")], CARROTS, who=by(actor))


@pytest.mark.parametrize(
    ("status", "open", "may"),
    [("placed", True, True), ("ready", True, True), ("placed", False, False), ("out_for_delivery", True, False)],
)
def test_a_part_of_a_market_day_is_its_buyers_to_change_until_that_closes(status: str, open: bool, may: bool) -> None:
    assert changeable("amend", status, "buyer", open) is may
    assert changeable("extend", status, "buyer", open) is may
    assert changeable("amend", "ready", "farm", False), "the farm still may"


def test_a_farm_changes_its_own_part_alone() -> None:
    for one, field in (
        (edit(line_id=THIRD.id, quantity="2"), "lines[0].line_id"),
        (edit(product_id="eggs", quantity="1"), "lines[0].product_id"),
    ):
        with pytest.raises(Invalid) as refused:
            amended(ORDER, [one], EGGS, who=by("farm", "acres"), whose=["acres"])
        assert [error.field for error in refused.value.errors] == [field]


def test_lines_that_are_none_of_the_order_or_named_twice_are_refused() -> None:
    twice = edit(line_id=FIRST.id, quantity="2")
    with pytest.raises(Invalid) as refused:
        amended(ORDER, [edit(line_id="other", quantity="1"), twice, twice], CARROTS)
    assert [error.code for error in refused.value.errors] == ["not-found", "given-twice"]


def test_an_order_has_no_more_lines_than_it_may() -> None:
    with pytest.raises(Invalid, match="at most 3 products"):
        amended(
            ORDER, [edit(product_id="kale", quantity="1")], product("kale"), terms=attrs.evolve(TERMS, lines_most=3)
        )


def test_another_quantity_begins_a_line_anew() -> None:
    """What was weighed was another quantity of it."""
    pieces = product(
        unit="each", price=500, each=Amount(Decimal("0.8"), "kg"), quantity_step="1", min_quantity="1", stock="9"
    )
    order = standing_of(placed([("carrots", "2")], pieces))
    change = weighed(order, order.lines[0], "1.7")
    assert change is not None
    order = after(order, change)
    again = amended(order, [edit(line_id=order.lines[0].id, quantity="3")], pieces)
    assert again is not None
    (line,) = after(order, again).lines
    assert (line.weighed, line.estimated, line.total, line.agreed_total) == (None, True, 1200, 1320)
