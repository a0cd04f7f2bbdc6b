"""Weights in other units of weight."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.quantities import COMPARED, GRAMS, weight
from harvestd.kernel.units import UNITS, Amount, alike, measured, weighed

units = st.sampled_from(sorted(GRAMS))
quantities = st.integers(1, 10**9).map(lambda n: Decimal(n) / 1000)


def test_the_table_has_every_unit_of_weight_and_nothing_else() -> None:
    assert set(GRAMS) == {unit for unit, kind in UNITS.items() if kind.kind == "weight"}
    assert {unit for unit, (per, _) in COMPARED.items() if per == "kg"} == set(GRAMS)


@pytest.mark.parametrize(
    ("quantity", "unit", "other", "found"),
    [
        ("1", "lb", "kg", "0.454"), ("1", "lb", "g", "453.592"), ("1", "oz", "g", "28.350"), ("16", "oz", "lb", "1.000"), ("1", "kg", "lb", "2.205"),
        ("0.001", "kg", "g", "1.000"), ("0.5", "g", "kg", "0.001"), ("0.499", "g", "kg", "0.000"), ("0.001", "oz", "g", "0.028"),
    ],
)  # fmt: skip
def test_known_weights(quantity: str, unit: str, other: str, found: str) -> None:
    assert str(weight(Decimal(quantity), unit, other)) == found


@given(quantities, units, units)
def test_a_weight_is_rounded_once_half_up(quantity: Decimal, unit: str, other: str) -> None:
    exact = Fraction(quantity) * Fraction(GRAMS[unit]) / Fraction(GRAMS[other])
    assert Fraction(-1, 2000) < Fraction(weight(quantity, unit, other)) - exact <= Fraction(1, 2000)


@given(quantities, units)
def test_what_converts_exactly_is_not_rounded(quantity: Decimal, unit: str) -> None:
    for other in alike(unit):
        given = Amount(quantity, other)
        assert weighed("w", given, unit) == measured("w", given, unit)
