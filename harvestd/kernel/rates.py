"""Rates, of taxes and of discounts: integers of thousandths of a per cent, 19 % is 19,000."""

from __future__ import annotations

from decimal import Decimal

from harvestd.kernel.errors import FieldError
from harvestd.kernel.quantities import PLACES, not_negative

_HUNDRED = Decimal(100)


def per_cent(field: str, value: Decimal) -> int | FieldError:
    """A rate of so much per cent, 0 to 100, or its error."""
    found = not_negative(field, value)
    if isinstance(found, FieldError):
        return found
    if found > _HUNDRED:
        return FieldError(field, "must be 100 or less", code="above-maximum", params={"maximum": "100"})
    return int(found / PLACES)


def said(rate: int) -> str:
    """A rate as the contract shows it, in per cent: ``"19.000"``."""
    return str((rate * PLACES).quantize(PLACES))
