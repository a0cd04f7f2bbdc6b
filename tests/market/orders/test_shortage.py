"""Short lines: what its buyer gets, what comes in its place, and what that costs at most."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Conflict, IllegalTransition, Invalid
from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.orders.fulfilment import CHANGES, STEPS, Standing
from harvestd.market.pricing.terms import FeeRule, Pricing
from tests.market.catalogue.shelves import TERMS, placed, product, standing_of
from tests.market.orders.changing import after, by, shorted, weighed

CARROTS, LEEKS = product(stock="90"), product("leeks", price=200)
#: At 5.00 a kilogram, some 800 g each.
DUCKS = product(
    "ducks", unit="each", price=500, each=Amount(Decimal("0.8"), "kg"), quantity_step="1", min_quantity="1", stock="9"
)
EGGS = product("eggs", "coop", unit="box", price=250, quantity_step="1", min_quantity="1")


def order(substitution: Any = "none", *more: Any, status: str = "placed") -> Standing:
    """Ten kilograms of carrots at 3.90, and what else there is."""
    wish = LineWish(substitution)
    return standing_of(placed([("carrots", "10"), *((one.id, "1") for one in more)], CARROTS, *more, wish=wish), status)


def owed(change: Any) -> list[tuple[str, str, int]]:
    return [(line.product_id, str(line.left), line.total) for line in after(order(), change).lines if line.counts]


def test_what_is_short_is_not_owed_for() -> None:
    given = order()
    change = shorted(given, given.lines[0], "4")
    assert change is not None
    assert owed(change) == [("carrots", "6.000", 2340)] and change.totals.total == 2340
    assert change.wants == {"line-0": Decimal(6)}
    updated, told = change.events
    assert (updated.data["from"], updated.data["to"], told.type) == ("placed", "placed", "order.line_short")
    assert (told.data["line_id"], told.data["before"], told.data["after"]) == (
        "line-0", {"quantity": "10.000", "total": 3900}, {"quantity": "6.000", "total": 2340},
    )  # fmt: skip


def test_a_short_says_what_is_so_now() -> None:
    """All of it may be short, and none of it any more; the same again is nothing new."""
    given = order()
    first = shorted(given, given.lines[0], "10")
    assert first is not None and first.totals.total == 0 and not first.cancelled
    given = after(given, first)
    assert shorted(given, given.lines[0], "10") is None
    back = shorted(given, given.lines[0], "0")
    assert back is not None and back.totals.total == 3900 and back.wants == {"line-0": Decimal(10)}


@pytest.mark.parametrize(
    ("quantity", "code"),
    [("10.001", "above-maximum"), ("-1", "below-minimum"), ("NaN", "not-a-number"), ("0.0001", "off-step")],
)
def test_no_more_is_short_than_was_ordered(quantity: str, code: str) -> None:
    given = order()
    with pytest.raises(Invalid) as refused:
        shorted(given, given.lines[0], quantity)
    assert [(error.field, error.code) for error in refused.value.errors] == [("quantity", code)]


@pytest.mark.parametrize(
    ("consent", "product", "comes"),
    [("none", LEEKS, False), ("same_farm", LEEKS, True), ("any_farm", LEEKS, True), ("none", EGGS, False), ("same_farm", EGGS, False), ("any_farm", EGGS, True)],
)  # fmt: skip
def test_in_its_place_comes_what_the_buyer_lets(consent: str, product: Any, comes: bool) -> None:
    given = order(consent)
    if not comes:
        with pytest.raises(Conflict):
            shorted(given, given.lines[0], "4", (product, "1"))
        return
    change = shorted(given, given.lines[0], "4", (product, "1"))
    assert change is not None
    (added,) = change.added
    assert (added.replaces, added.proposed, added.counts) == ("line-0", False, True)
    assert change.totals.total == 2340 + product.price
    assert [part.farm_id for part in change.opened] == ([] if product is LEEKS else ["coop"])
    assert change.events[-1].data["substitute"] == {
        "line_id": "sub", "farm_id": product.farm_id, "product_id": product.id, "quantity": "1.000", "total": product.price,
    }  # fmt: skip


def test_a_line_and_what_comes_in_its_place_never_come_to_more_than_was_agreed_on() -> None:
    given = order("same_farm")
    change = shorted(given, given.lines[0], "1", (LEEKS, "50"))
    assert change is not None
    assert owed(change) == [("carrots", "9.000", 3510), ("leeks", "50.000", 390)] and change.totals.total == 3900
    given = after(given, change)
    more = shorted(given, given.lines[0], "3", (LEEKS, "50"), id="other")
    assert more is not None and owed(more)[1:] == [("leeks", "50.000", 1170)], "in place of the substitute before"
    assert more.removed == ("sub",) and more.totals.total == 3900


def test_the_same_substitute_again_is_nothing_new_and_none_takes_it_back() -> None:
    given = order("same_farm")
    first = shorted(given, given.lines[0], "4", (LEEKS, "2"))
    assert first is not None
    given = after(given, first)
    assert shorted(given, given.lines[0], "4", (LEEKS, "2"), id="other") is None
    alone = shorted(given, given.lines[0], "4")
    assert alone is not None and (alone.removed, alone.totals.total) == (("sub",), 2340)


def test_what_is_in_the_place_of_something_may_be_short_itself_and_nothing_comes_in_its_place() -> None:
    given = order("any_farm")
    first = shorted(given, given.lines[0], "4", (EGGS, "2"))
    assert first is not None
    given = after(given, first)
    change = shorted(given, given.lines[1], "1")
    assert change is not None and change.totals.total == 2340 + 250
    with pytest.raises(Conflict, match="in the place of another one already"):
        shorted(given, given.lines[1], "1", (LEEKS, "1"))


def test_the_part_of_a_farm_whose_substitute_is_taken_back_is_cancelled() -> None:
    given = order("any_farm")
    first = shorted(given, given.lines[0], "4", (EGGS, "2"))
    assert first is not None
    given = after(given, first)
    change = shorted(given, given.lines[0], "4")
    assert change is not None and [part.farm_id for part in change.cancelled] == ["coop"]
    assert change.totals.total == 2340


@pytest.mark.parametrize(
    ("instead", "field"),
    [((None, "1"), "substitute.product_id"), ((attrs.evolve(LEEKS, status="archived"), "1"), "substitute.product_id"), ((LEEKS, "0"), "substitute.quantity"),
     ((CARROTS, "1"), "substitute.product_id")],
)  # fmt: skip
def test_what_cannot_be_had_comes_in_nothings_place(instead: Any, field: str) -> None:
    given = order("any_farm")
    with pytest.raises(Invalid) as refused:
        shorted(given, given.lines[0], "4", instead)
    assert refused.value.errors[0].field == field
    with pytest.raises(Invalid, match="only for a line that is short"):
        shorted(given, given.lines[0], "0", (LEEKS, "1"))


@pytest.mark.parametrize("actor", ["buyer", "farm", "admin"])
@pytest.mark.parametrize("status", STEPS)
def test_who_says_that_a_line_is_short_is_said_by_the_table(actor: Any, status: str) -> None:
    given = order(status=status)
    if status in CHANGES["short"].get(actor, ()):
        assert shorted(given, given.lines[0], "4", who=by(actor)) is not None
    else:
        with pytest.raises(IllegalTransition):
            shorted(given, given.lines[0], "4", who=by(actor))


def test_a_buyer_is_asked_about_goods_of_the_orders_farms_alone() -> None:
    given = order("ask")
    with pytest.raises(Conflict, match="goods of the farms that this order is of"):
        shorted(given, given.lines[0], "4", (EGGS, "1"))


def test_in_the_place_of_pieces_that_are_weighed_comes_no_more_than_they_were_estimated_at() -> None:
    """The tolerance is for what they weigh, and not for something else."""
    given = standing_of(placed([("ducks", "3")], DUCKS, wish=LineWish("same_farm")))
    change = shorted(given, given.lines[0], "3", (LEEKS, "9"))
    assert change is not None and change.totals.total == 1200
    part = shorted(given, given.lines[0], "1", (LEEKS, "9"), id="other")
    assert part is not None and part.totals.total == 800 + 400
    given = after(given, part)
    heavy = weighed(given, given.lines[0], "1.7")
    assert heavy is not None and heavy.totals.total == 850 + 400, "up to the tolerance of the two that are left"
    less = shorted(after(given, heavy), given.lines[0], "1", (LEEKS, "1.9"), id="third")
    assert less is not None and less.totals.total == 850 + 380


@pytest.mark.parametrize(("fee", "comes"), [(0, True), (60, True), (61, False)])
def test_what_comes_in_the_place_of_something_makes_no_order_dearer_by_its_fees(fee: int, comes: bool) -> None:
    """Four kilograms of carrots are 15.60; six boxes of eggs are 15.00, and there is a fee of their farm."""
    rule = FeeRule(id="crate", name="Crate", basis="farm", amount=fee, farm_id="coop")
    given = attrs.evolve(order("any_farm"), pricing=Pricing(fees=(rule,)))
    if comes:
        change = shorted(given, given.lines[0], "4", (EGGS, "6"))
        assert change is not None and change.totals.total == 2340 + 1500 + fee
        return
    with pytest.raises(Conflict, match=r"comes to €39\.01, and €39\.00 was agreed on") as refused:
        shorted(given, given.lines[0], "4", (EGGS, "6"))
    (error,) = refused.value.errors
    assert (error.field, error.code) == ("substitute.quantity", "above-maximum")
    assert error.params == {"maximum": "3900", "after": "3901", "currency": "EUR", "reason": "agreed"}


@pytest.mark.parametrize("tolerance", [0, 10_000, 50_000])
def test_a_short_that_is_taken_back_gives_back_what_was_agreed_on_whatever_the_tolerance_is_by_now(
    tolerance: int,
) -> None:
    given = standing_of(placed([("ducks", "3")], DUCKS))
    for missing in ("1", "0"):
        change = shorted(given, given.lines[0], missing, terms=attrs.evolve(TERMS, weight_tolerance=tolerance))
        assert change is not None
        given = after(given, change)
    assert given.lines[0].agreed_total == (1200 if tolerance == 0 else 1320)
