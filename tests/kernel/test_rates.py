"""Rates, as they are read and shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from harvestd.kernel.errors import FieldError
from harvestd.kernel.rates import per_cent, said


@pytest.mark.parametrize(
    ("value", "rate"), [("0", 0), ("0.001", 1), ("7", 7000), ("19.000", 19_000), ("100", 100_000), ("5.5", 5500)]
)
def test_a_rate_is_in_thousandths_of_a_per_cent(value: str, rate: int) -> None:
    assert per_cent("rate", Decimal(value)) == rate
    assert said(rate) == f"{Decimal(value):.3f}"


@pytest.mark.parametrize(
    ("value", "code"),
    [("-0.001", "below-minimum"), ("100.001", "above-maximum"), ("0.0001", "off-step"), ("NaN", "not-a-number"), ("1e9", "above-maximum")],
)  # fmt: skip
def test_what_is_no_rate_is_refused(value: str, code: str) -> None:
    found = per_cent("rate", Decimal(value))
    assert isinstance(found, FieldError) and (found.field, found.code) == ("rate", code)
