"""Quantities and money: three decimal places, and integers in minor units."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from harvestd.market.errors import FieldError

PLACES = Decimal("0.001")
#: Largest quantity that a line or a stock may have; what numeric(12,3) holds, less room for sums.
MOST = Decimal("9999999.999")
#: Largest price of one unit, in minor units.
PRICE_MOST = 100_000_000
#: How many of each unit make the one that prices are compared by; exact by definition (1959 international pound).
COMPARED: dict[str, tuple[str, Decimal]] = {
    "kg": ("kg", Decimal(1)), "g": ("kg", Decimal(1000)), "lb": ("kg", 1 / Decimal("0.45359237")),
    "litre": ("litre", Decimal(1)), "each": ("each", Decimal(1)), "bunch": ("bunch", Decimal(1)), "box": ("box", Decimal(1)),
}  # fmt: skip


def exact(quantity: Decimal) -> Decimal | None:
    """The quantity with three places; None when it is no finite number or needs more places to be exact."""
    if not quantity.is_finite() or abs(quantity) > MOST:
        return None
    rounded = quantity.quantize(PLACES)
    return rounded if rounded == quantity else None


def shown(quantity: Decimal) -> str:
    """As the contract shows it: ``"1.250"``."""
    return str(quantity.quantize(PLACES))


def positive(field: str, quantity: Decimal) -> Decimal | FieldError:
    """The quantity, or what is wrong with it."""
    value = exact(quantity)
    if value is None:
        return FieldError(field, f"must be a number with at most three decimals, up to {MOST}")
    if value <= 0:
        return FieldError(field, "must be more than 0")
    return value


def not_negative(field: str, quantity: Decimal) -> Decimal | FieldError:
    """The quantity, zero allowed, or what is wrong with it."""
    value = exact(quantity)
    if value is None:
        return FieldError(field, f"must be a number with at most three decimals, up to {MOST}")
    if value < 0:
        return FieldError(field, "must be 0 or more")
    return value


def orderable(field: str, quantity: Decimal, step: Decimal, least: Decimal, unit: str) -> Decimal | FieldError:
    """The quantity of an order line: on the product's step and not below its least; or what is wrong with it."""
    value = positive(field, quantity)
    if isinstance(value, FieldError):
        return value
    if value < least:
        return FieldError(field, f"must be at least {shown(least)} {unit}")
    if value % step:
        return FieldError(field, f"must be a multiple of {shown(step)} {unit}")
    return value


def line_total(unit_price: int, quantity: Decimal) -> int:
    """Price of a quantity in minor units, half a unit rounded up (as a till does)."""
    return int((Decimal(unit_price) * quantity).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def amount_shown(amount: int, currency: str) -> str:
    """For people: ``"12.50 EUR"``."""
    return f"{Decimal(amount) / 100:.2f} {currency}"
