"""The price of a product, and the quantity that it is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.quantities import MAX_PRICE, ONE, positive
from harvestd.kernel.units import Amount, measured


def price_per(amount: Amount | None, unit: str) -> Decimal | FieldError:
    """The quantity of ``unit`` that a price is for, one if not given; or its fault."""
    return ONE if amount is None else measured("price_per", amount, unit)


def per_faults(given: Mapping[str, Any], name: str = "price_per") -> list[FieldError]:
    """Faults in the quantity of an amount, whatever the unit: of what a price is for, or of another field."""
    found = [positive(f"{name}.quantity", given["quantity"])] if "quantity" in given else []
    return [fault for fault in found if isinstance(fault, FieldError)]


def price_faults(price: int, per: Decimal, unit: str) -> Iterator[FieldError]:
    """Faults of a price for ``per`` of the unit: the limit is that of one unit, and scales down for less than one, but not up for more."""
    most = int(MAX_PRICE * per)
    if most < price <= MAX_PRICE:
        message = f"must be at most {most} for {said(per, unit)}, in minor units of the currency"
        yield FieldError("price", message, code="above-maximum", params={"maximum": str(most)})
    yield from alone_faults(price)


def alone_faults(price: int) -> Iterator[FieldError]:
    """Faults of a price, whatever it is for."""
    if price < 0:
        yield FieldError("price", "must be 0 or more", code="below-minimum", params={"minimum": "0"})
    if price > MAX_PRICE:
        message = f"must be at most {MAX_PRICE}, in minor units of the currency (1250 is 12.50)"
        yield FieldError("price", message, code="above-maximum", params={"maximum": str(MAX_PRICE)})
