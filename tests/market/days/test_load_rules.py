"""What goods take of a window: weights, volumes, pieces and crates."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.units import UNITS, Amount
from harvestd.market.days.load_rules import Load, Terms, load, together
from harvestd.market.days.window_rules import Measures

TERMS = Terms(piece=500, crate=15_000)


@pytest.mark.parametrize(
    ("quantity", "unit", "each", "content", "expected"),
    [
        ("1.25", "kg", None, None, Load(grams=1250)),
        ("250", "g", None, None, Load(grams=250)),
        ("1", "lb", None, None, Load(grams=454)),
        ("0.75", "litre", None, None, Load(grams=750)),
        ("330", "ml", None, None, Load(grams=330)),
        ("3", "each", None, None, Load(grams=1500)),
        ("1", "dozen", None, None, Load(grams=500)),
        ("2", "each", Amount(D("1.8"), "kg"), None, Load(grams=3600)),
        ("2", "box", None, Amount(D(5), "kg"), Load(grams=10_000)),
        ("2", "box", None, Amount(D(6), "each"), Load(grams=6000)),
        ("2", "crate", None, None, Load(grams=1000, crates=2)),
        ("2", "crate", None, Amount(D(10), "kg"), Load(grams=20_000, crates=2)),
    ],
)
def test_a_line_weighs(quantity: str, unit: str, each: Amount | None, content: Amount | None, expected: Load) -> None:
    assert load(D(quantity), unit, each, content, TERMS) == expected


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        ([], Measures()),
        ([Load(grams=1)], Measures(orders=1, crates=1, grams=1)),
        ([Load(grams=15_000)], Measures(orders=1, crates=1, grams=15_000)),
        ([Load(grams=15_000), Load(grams=1)], Measures(orders=1, crates=2, grams=15_001)),
        ([Load(grams=20_000, crates=2)], Measures(orders=1, crates=2, grams=20_000)),
        ([Load(grams=20_000, crates=2), Load(grams=500)], Measures(orders=1, crates=3, grams=20_500)),
    ],
)
def test_an_order_fills_crates_rounded_up_once(loads: list[Load], expected: Measures) -> None:
    assert together(loads, TERMS) == expected


@given(
    quantity=st.decimals(D("0.001"), D("9999999.999"), places=3),
    unit=st.sampled_from(sorted(UNITS)),
    each=st.none()
    | st.builds(Amount, st.decimals(D("0.001"), D(100), places=3), st.sampled_from(["kg", "g", "lb", "oz"])),
)
def test_every_line_weighs_something_and_no_more_than_is_counted(quantity: D, unit: str, each: Amount | None) -> None:
    found = load(quantity, unit, each, None, TERMS)
    assert 0 < found.grams <= 10**12 and found.crates >= 0
    assert together([found], TERMS).crates >= 1
