"""Weighing: what pieces come to once their weight is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Conflict, IllegalTransition, Invalid, NotFound
from harvestd.kernel.units import Amount
from harvestd.market.orders.fulfilment import CHANGES, STEPS, Standing
from harvestd.market.orders.shortage import answer
from tests.market.catalogue.shelves import NOW, placed, product, standing_of
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


def test_a_buyer_who_wants_all_of_it_pays_all_of_it() -> None:
    given = order()
    change = weighed(given, given.lines[0], "3")
    assert change is not None
    given = after(given, change)
    yes = answer(given, given.lines[0].id, True, by("buyer"), NOW)
    assert yes is not None and yes.totals.total == 1500 + 390
    no = answer(given, given.lines[0].id, False, by("clock"), NOW)
    assert no is not None and no.totals.total == 1320 + 390 and not no.removed
    assert after(given, no).lines[0].answer_by is None
    again = after(given, yes)
    assert (
        weighed(again, again.lines[0], "3.1") is not None
        and after(again, weighed(again, again.lines[0], "3.1") or yes).lines[0].total == 1500
    )


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
