"""Short lines: what its buyer gets, what comes in its place, and what that costs at most."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Conflict, IllegalTransition, Invalid, NotFound
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.orders.fulfilment import CHANGES, STEPS, Standing
from harvestd.market.orders.order import Line
from harvestd.market.orders.shortage import answer, waiting
from tests.market.catalogue.shelves import NOW, TERMS, placed, product, standing_of
from tests.market.orders.changing import after, by, shorted

CARROTS, LEEKS = product(stock="90"), product("leeks", price=200)
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


def asked(instead: Any = (LEEKS, "2")) -> tuple[Standing, Line]:
    given = order("ask", LEEKS)
    change = shorted(given, given.lines[0], "4", instead)
    assert change is not None
    given = after(given, change)
    return given, given.lines[-1]


def test_a_buyer_who_wants_to_be_asked_owes_nothing_for_it_before_they_answer() -> None:
    given, proposed = asked()
    assert (proposed.proposed, proposed.answer_by, proposed.counts) == (True, NOW + TERMS.answer, False)
    assert given.totals.total == 2340 + 200
    yes = answer(given, proposed.id, True, by("buyer"), NOW)
    assert yes is not None and yes.totals.total == 2340 + 200 + 400
    assert yes.events[-1].data["outcome"] == "accepted" and yes.events[-1].data["lines"][0]["after"] == {
        "quantity": "2.000",
        "total": 400,
    }
    no = answer(given, proposed.id, False, by("buyer"), NOW)
    assert no is not None and (no.removed, no.totals.total) == ((proposed.id,), 2540)
    assert no.events[-1].data["lines"] == []


def test_silence_is_a_no() -> None:
    given, proposed = asked()
    assert waiting(given, NOW) == [] and waiting(given, NOW + TERMS.answer) == [proposed.id]
    change = answer(given, proposed.id, False, by("clock"), NOW)
    assert change is not None and change.removed == (proposed.id,)
    with pytest.raises(IllegalTransition, match="nobody asks about this line"):
        answer(after(given, change), given.lines[0].id, True, by("buyer"), NOW)
    assert answer(after(given, change), given.lines[0].id, False, by("clock"), NOW) is None
    with pytest.raises(NotFound):
        answer(after(given, change), proposed.id, True, by("buyer"), NOW)


def test_a_buyer_is_asked_about_goods_of_the_orders_farms_alone() -> None:
    given = order("ask")
    with pytest.raises(Conflict, match="goods of the farms that this order is of"):
        shorted(given, given.lines[0], "4", (EGGS, "1"))
