"""Money in bodies and answers."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from harvestd.market.errors import Invalid
from harvestd.web.shapes.products import UnitPrice
from harvestd.web.shapes.values import Money

#: How many of each unit make the one that prices are compared by; exact by definition (1959 international pound).
COMPARED: dict[str, tuple[str, Decimal]] = {
    "kg": ("kg", Decimal(1)), "g": ("kg", Decimal(1000)), "lb": ("kg", 1 / Decimal("0.45359237")),
    "litre": ("litre", Decimal(1)), "each": ("each", Decimal(1)), "bunch": ("bunch", Decimal(1)), "box": ("box", Decimal(1)),
}  # fmt: skip


def money(amount: int, currency: str) -> Money:
    """An amount as the contract shows it."""
    return Money(amount, currency)


def minor_units(field: str, value: Money | int, currency: str) -> int:
    """What a body gives as money, or as a bare number of minor units; raises :class:`Invalid` naming ``field``."""
    if isinstance(value, Money) and value.currency != currency:
        raise Invalid.of(f"{field}.currency", f"this market trades in {currency}")
    amount = value.amount if isinstance(value, Money) else value
    if not 0 <= amount <= 10**12:
        raise Invalid.of(f"{field}.amount" if isinstance(value, Money) else field, "must be 0 to 10^12, in minor units")
    return amount


def unit_price(price: int, unit: str, currency: str) -> UnitPrice:
    """The price of a kilogram, a litre or a piece."""
    per, factor = COMPARED[unit]
    return UnitPrice(amount=int((price * factor).quantize(Decimal(1), ROUND_HALF_UP)), currency=currency, per=per)
