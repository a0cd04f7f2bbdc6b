"""The stock that a farm sets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from harvestd.kernel.errors import Invalid
from harvestd.kernel.units import UNITS
from harvestd.market.catalogue.stock_level_rules import new_level, opening_stock, restocked


@pytest.mark.parametrize("stock", ["-1", "NaN", "1e9", "0.0001"])
def test_a_stock_that_is_no_amount_is_refused(stock: str) -> None:
    with pytest.raises(Invalid, match="product cannot be accepted"):
        opening_stock(Decimal(stock), "kg")


def level(stock: str, reserved: str, **asked: str) -> Decimal:
    values = {name: Decimal(value) for name, value in asked.items()}
    return new_level("kg", Decimal(stock), Decimal(reserved), set_to=values.get("set_to"), change=values.get("change"))


def test_stock_is_set_or_changed() -> None:
    assert level("2", "1", set_to="5") == 5
    assert level("2", "1", change="-0.5") == Decimal("1.5")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "set"),
        ({"set_to": "1", "change": "1"}, "set"),
        ({"set_to": "0.5"}, "set"),
        ({"change": "-1.5"}, "change"),
        ({"change": "-3"}, "change"),
        ({"set_to": "0.0001"}, "set"),
        ({"change": "99999999"}, "change"),
    ],
)
def test_a_stock_below_what_buyers_hold_or_none_at_all_is_refused(asked: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        level("2", "1", **asked)
    assert refused.value.errors[0].field == field


def test_a_stock_with_neither_a_level_nor_a_change_is_not_told_of_both() -> None:
    nothing, one = Decimal(0), Decimal(1)
    with pytest.raises(Invalid) as neither:
        new_level("kg", nothing, nothing, set_to=None, change=None)
    with pytest.raises(Invalid, match="not both"):
        new_level("kg", nothing, nothing, set_to=one, change=one)
    assert "both" not in neither.value.detail


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("stock", "given"), [("4", {"set_to": "12.5"}), ("4", {"change": "0.5"}), ("4.5", {"change": "1"})]
)
def test_the_stock_of_what_is_counted_is_whole_and_of_the_rest_has_three_decimals(
    unit: str, stock: str, given: dict[str, str]
) -> None:
    amounts = {"set_to": None, "change": None} | {name: Decimal(value) for name, value in given.items()}
    if not UNITS[unit].pieces:
        assert new_level(unit, Decimal(stock), Decimal(0), **amounts) % 1 == Decimal("0.5")
        assert opening_stock(Decimal("12.125"), unit) == Decimal("12.125")
        return
    for work in (
        lambda: new_level(unit, Decimal(stock), Decimal(0), **amounts), lambda: opening_stock(Decimal("12.5"), unit)
    ):  # fmt: skip
        with pytest.raises(Invalid, match=r"the (stock|product) cannot be") as refused:
            work()
        (error,) = refused.value.errors
        assert error.code == "off-step" and "must be a whole number" in error.message
        assert error.params == {"step": "1.000", "unit": unit}


def test_a_stock_that_was_no_whole_number_can_be_made_one() -> None:
    assert new_level("bunch", Decimal("12.5"), Decimal(0), set_to=None, change=Decimal("-0.5")) == 12
    assert new_level("bunch", Decimal("12.5"), Decimal(0), set_to=Decimal(12), change=None) == 12


def test_a_restock_keeps_its_reason_clean_and_answers_the_new_level() -> None:
    stock, reserved = Decimal(2), Decimal(1)
    assert restocked("kg", stock, reserved, set_to=None, change=Decimal(1), reason=" found ") == ("found", Decimal(3))
    assert restocked("kg", stock, reserved, set_to=Decimal(5), change=None, reason="") == ("", Decimal(5))
