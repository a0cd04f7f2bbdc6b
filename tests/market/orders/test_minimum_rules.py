"""The least that is left of an order: asked of a buyer who changes it as it was asked when they placed it, and not where a farm has too little."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.market.orders.changes import Changed
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.minimum_rules import Least, below, left_of_nothing, left_too_little, lessened, ordered
from tests.market.catalogue.shelves import placed, product, standing_of
from tests.market.orders.changing import after, amended, by, edit, shorted, weighed

CARROTS, LEEKS, EGGS = (
    product(),
    product("leeks", price=100),
    product("eggs", "coop", unit="box", price=250, quantity_step="1", min_quantity="1"),
)
#: 3.90 and 2.00 of Acres, 2.50 of Coop.
ORDER = standing_of(placed([("carrots", "1"), ("leeks", "2"), ("eggs", "1")], CARROTS, LEEKS, EGGS))
FIRST, SECOND, THIRD = ORDER.lines


def least(acres: int = 0, coop: int = 0, **more: Any) -> dict[str, Least]:
    return {"acres": Least("acres", "Acres", acres), "coop": Least("coop", "Coop", coop, **more)}


def some(change: Changed | None) -> Changed:
    assert change is not None
    return change


def refused(order: Standing, change: Changed | None, minima: dict[str, Least]) -> list[tuple[str, str]]:
    done = some(change)
    faults = left_too_little(lessened(order, done), done.opened, minima, "EUR")
    return [(fault.code, fault.params.get("missing", fault.params.get("reason", ""))) for fault in faults]


def to(quantity: str, order: Standing = ORDER, line: int = 0, shelf: Any = (CARROTS, LEEKS, EGGS)) -> Changed | None:
    return amended(order, [edit(line_id=order.lines[line].id, quantity=quantity)], *shelf)


def test_what_is_below_its_least_order_says_by_how_much() -> None:
    (fault,) = below(least(500, 100).values(), {"acres": 499, "coop": 100}, "EUR")
    assert (fault.field, fault.code, fault.params["farm_id"], fault.params["missing"]) == (
        "lines",
        "below-minimum",
        "acres",
        "1",
    )
    assert below(least(500).values(), {}, "EUR") == [], "what is not ordered of is not asked"


@pytest.mark.parametrize(
    ("quantity", "minimum", "faults"),
    [
        ("0.5", 395, []), ("0.5", 396, [("below-minimum", "1")]), ("1.5", 5000, []),  # more is never refused for it
        ("0", 201, [("below-minimum", "1")]), ("0", 200, []),
    ],
)  # fmt: skip
def test_a_buyer_has_as_much_as_the_farm_takes_orders_from_or_does_not_take_less(
    quantity: str, minimum: int, faults: list[Any]
) -> None:
    assert refused(ORDER, to(quantity), least(minimum)) == faults


def test_a_farm_whose_product_is_gone_is_asked_all_the_same() -> None:
    assert refused(ORDER, to("0.5", shelf=()), least(396)) == [("below-minimum", "1")]


def test_all_of_a_farm_may_be_taken_out() -> None:
    change = amended(ORDER, [edit(line_id=x.id, quantity="0") for x in (FIRST, SECOND)], CARROTS, LEEKS)
    assert refused(ORDER, change, least(5000, 5000)) == []


def test_a_farm_that_is_new_takes_as_little_as_from_anybody_and_delivers_where_it_delivers() -> None:
    kale = product("kale", "dale", price=100)
    change = amended(ORDER, [edit(product_id="kale", quantity="1")], kale)
    for minimum, outside, faults in (
        (100, False, []), (101, False, [("below-minimum", "1")]), (100, True, [("not-accepted", "outside-areas-of-order")]),
    ):  # fmt: skip
        new = {"dale": Least("dale", "Dale", minimum, outside)}
        assert refused(ORDER, change, least(5000, 5000) | new) == faults


def test_a_change_that_leaves_nothing_less_asks_nobody() -> None:
    assert lessened(ORDER, some(to("1.5"))) == {} and lessened(ORDER, some(to("0.5"))) == {"acres": 395}


def test_what_a_farm_has_too_little_of_counts_as_it_was_ordered() -> None:
    short = after(ORDER, some(shorted(ORDER, FIRST, "1")))
    assert ordered(short.lines[0]) == 390 and short.lines[0].owed == 0
    less = to("1", short, 1)
    assert refused(short, less, least(490)) == [], "3.90 were ordered, and 1.00"
    assert refused(short, less, least(491)) == [("below-minimum", "1")]


def test_what_comes_in_the_place_of_something_is_asked_for_nothing() -> None:
    wished = attrs.evolve(THIRD, wish=attrs.evolve(THIRD.wish, substitution="any_farm"))
    order = attrs.evolve(ORDER, lines=(FIRST, SECOND, wished))
    kale = product("kale", "dale", price=100)
    order = after(order, some(shorted(order, wished, "1", (kale, "2"))))
    change = amended(order, [edit(line_id=order.lines[-1].id, quantity="1")], kale)
    assert refused(order, change, {"dale": Least("dale", "Dale", 5000)}) == []


def test_what_weighs_less_than_it_was_taken_to_counts_as_it_was_ordered() -> None:
    from harvestd.kernel.units import Amount

    ducks = product(
        "ducks", unit="each", price=500, each=Amount(Decimal("0.8"), "kg"), quantity_step="1", min_quantity="1"
    )
    order = standing_of(placed([("ducks", "2"), ("leeks", "2")], ducks, LEEKS))
    order = after(order, some(weighed(order, order.lines[0], "1")))
    assert (order.lines[0].owed, ordered(order.lines[0])) == (500, 800)
    assert refused(order, to("1", order, 1), least(900)) == []


def nothing(change: Changed | None) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in left_of_nothing(some(change), {FIRST.id: "lines[7]"})]


def test_no_part_of_a_piece_is_left_of_what_is_no_longer_on_sale() -> None:
    order = standing_of(placed([("eggs", "3"), ("carrots", "1")], attrs.evolve(EGGS, stock=Decimal(9)), CARROTS))
    change = amended(order, [edit(line_id=order.lines[0].id, quantity="0.5")])
    assert [fault.code for fault in left_of_nothing(some(change), {})] == ["off-step"]
    assert [*left_of_nothing(some(to("2", order, 0, ())), {})] == []


def test_no_line_is_left_of_so_little_that_it_comes_to_nothing() -> None:
    assert nothing(to("0.001", shelf=())) == [("lines[7].quantity", "not-accepted")]
    assert nothing(to("0.002", shelf=())) == [], "0.78 cents are one"
    free = standing_of(placed([("carrots", "1"), ("leeks", "1")], attrs.evolve(CARROTS, price=0), LEEKS))
    assert nothing(to("0.001", free, shelf=())) == [], "what is given away comes to nothing anyway"


@pytest.mark.parametrize(("who", "cancelled"), [("buyer", ["acres"]), ("farm", ["acres"])])
def test_a_part_of_which_all_that_was_left_is_taken_out_is_cancelled(who: Any, cancelled: list[str]) -> None:
    short = after(ORDER, some(shorted(ORDER, FIRST, "1")))
    change = amended(short, [edit(line_id=SECOND.id, quantity="0")], LEEKS, who=by(who, "acres"))
    assert [part.farm_id for part in some(change).cancelled] == cancelled
    assert some(change).totals.total == 250


def test_a_part_of_which_all_is_short_is_its_farms_to_cancel() -> None:
    short = after(ORDER, some(shorted(ORDER, FIRST, "1")))
    change = some(shorted(short, SECOND, "2"))
    assert change.cancelled == () and change.totals.total == 250
