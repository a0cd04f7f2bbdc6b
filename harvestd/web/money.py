"""Money in bodies and answers."""

from __future__ import annotations

from harvestd.market.errors import Invalid
from harvestd.web.shapes.values import Money


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
