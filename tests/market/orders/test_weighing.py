"""Weighing: what pieces come to once their weight is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Conflict, IllegalTransition, Invalid, NotFound
from harvestd.kernel.units import Amount
from harvestd.market.orders.fulfilment import CHANGES, STEPS, Standing
from tests.market.catalogue.shelves import TERMS, placed, product, standing_of
from tests.market.orders.changing import after, by, shorted, weighed

#: At 5.00 a kilogram, some 800 g each.
DUCKS = product(
    "ducks", unit="each", price=500, each=Amount(Decimal("0.8"), "kg"), quantity_step="1", min_quantity="1", stock="9"
)


def order(status: str = "placed") -> Standing:
    """Three of them: 12.00, at most 13.20."""
    return standing_of(placed([("ducks", "3"), ("carrots", "1")], DUCKS, product()), status)


@pytest.mark.parametrize(
    ("quantity", "unit", "total", "asked"),
    [("2.2", "kg", 1100, False), ("2.64", "kg", 1320, False), ("2.641", "kg", 1320, True), ("2641", "g", 1320, True), ("5.29", "lb", 1200, False), ("0.001", "kg", 1, False)],
)  # fmt: skip
def test_a_line_comes_to_what_it_weighs_and_to_no_more_than_was_agreed_on(
    quantity: str, unit: str, total: int, asked: bool
) -> None:
    given = order()
    change = weighed(given, given.lines[0], quantity, unit)
    assert change is not None
    line = after(given, change).lines[0]
    assert (line.total, line.estimated, line.answer_by is not None, change.totals.total) == (
        total,
        False,
        asked,
        total + 390,
    )
    assert change.events[-1].type == "order.line_weighed" and ("answer_by" in change.events[-1].data) is asked


def test_the_same_weight_again_changes_nothing_and_another_takes_its_place() -> None:
    given = order()
    first = weighed(given, given.lines[0], "2.2")
    assert first is not None
    given = after(given, first)
    assert weighed(given, given.lines[0], "2.200") is None
    other = weighed(given, given.lines[0], "2.3")
    assert other is not None and other.totals.total == 1150 + 390


@pytest.mark.parametrize(
    ("quantity", "unit", "most", "taken"),
    [("7.2", "kg", 300, True), ("7.201", "kg", 300, False), ("7200", "g", 300, True), ("7200.001", "g", 300, False), ("15.873", "lb", 300, True), ("15.874", "lb", 300, False),
     ("4.8", "kg", 200, True), ("4.801", "kg", 200, False), ("240", "kg", 10_000, True)],
)  # fmt: skip
def test_what_weighs_several_times_its_estimate_is_a_slip(quantity: str, unit: str, most: int, taken: bool) -> None:
    """Three ducks of 0.8 kg each."""
    given, terms = order(), attrs.evolve(TERMS, weight_most=most * 1000)
    if taken:
        assert weighed(given, given.lines[0], quantity, unit, terms=terms) is not None
        return
    with pytest.raises(Invalid) as refused:
        weighed(given, given.lines[0], quantity, unit, terms=terms)
    (error,) = refused.value.errors
    limit = {"kg": "7.200" if most == 300 else "4.800", "g": "7200.000", "lb": "15.873"}[unit]
    assert (error.field, error.code) == ("quantity", "above-maximum")
    assert error.params == {"maximum": limit, "unit": unit, "percent": str(most), "reason": "estimate"}


def test_of_what_is_left_of_a_line() -> None:
    given = order()
    change = shorted(given, given.lines[0], "2")
    assert change is not None
    given = after(given, change)
    assert weighed(given, given.lines[0], "2.4") is not None
    with pytest.raises(Invalid):
        weighed(given, given.lines[0], "2.401")


def test_what_is_short_of_a_line_is_not_weighed() -> None:
    given = order()
    change = shorted(given, given.lines[0], "1")
    assert change is not None and change.totals.total == 800 + 390
    given = after(given, change)
    heavy = weighed(given, given.lines[0], "3")
    assert heavy is not None and heavy.totals.total == 880 + 390, "no more than was agreed on for two"
    none = shorted(given, given.lines[0], "3")
    assert none is not None
    given = after(given, none)
    with pytest.raises(Conflict, match="all of this line is short"):
        weighed(given, given.lines[0], "1")


@pytest.mark.parametrize(
    ("quantity", "unit", "field"), [("0", "kg", "quantity"), ("-1", "kg", "quantity"), ("NaN", "kg", "quantity"), ("1.0001", "kg", "quantity"), ("1", "litre", "unit")]
)  # fmt: skip
def test_a_weight_that_is_none_is_refused(quantity: str, unit: str, field: str) -> None:
    given = order()
    with pytest.raises(Invalid) as refused:
        weighed(given, given.lines[0], quantity, unit)
    assert refused.value.errors[0].field == field


def test_only_pieces_that_are_priced_by_weight_are_weighed() -> None:
    given = order()
    with pytest.raises(Invalid, match="not priced by weight"):
        weighed(given, given.lines[1], "1")
    with pytest.raises(NotFound):
        weighed(given, attrs.evolve(given.lines[0], id="other"), "1")


@pytest.mark.parametrize("actor", ["buyer", "farm", "admin"])
@pytest.mark.parametrize("status", STEPS)
def test_who_weighs_is_said_by_the_table(actor: Any, status: str) -> None:
    given = order(status)
    if status in CHANGES["weigh"].get(actor, ()):
        assert weighed(given, given.lines[0], "2", who=by(actor)) is not None
    else:
        with pytest.raises(IllegalTransition):
            weighed(given, given.lines[0], "2", who=by(actor))
