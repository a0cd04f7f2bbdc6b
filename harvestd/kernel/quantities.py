"""Quantities and money: three decimal places, and integers in minor units."""

from __future__ import annotations

from decimal import Decimal

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import quantity as said

PLACES, ONE = Decimal("0.001"), Decimal(1)
#: Largest quantity that a line or a stock may have; what numeric(12,3) holds, less room for sums.
MAX = Decimal("9999999.999")
#: Largest price of one unit, in minor units.
MAX_PRICE = 100_000_000
#: Largest total, in minor units: what a number of JSON holds exactly (RFC 8259, 6).
MAX_TOTAL = 2**53 - 1
#: How many of each unit make the one that prices are compared by; exact by definition (1959 international pound).
COMPARED: dict[str, tuple[str, Decimal]] = {
    "kg": ("kg", Decimal(1)), "g": ("kg", Decimal(1000)), "lb": ("kg", 1 / Decimal("0.45359237")),
    "litre": ("litre", Decimal(1)), "each": ("each", Decimal(1)), "bunch": ("bunch", Decimal(1)), "box": ("box", Decimal(1)),
}  # fmt: skip


def exact(quantity: Decimal) -> Decimal | None:
    """The quantity with three places; None when it is no finite number or needs more places to be exact."""
    if not quantity.is_finite() or abs(quantity) > MAX:
        return None
    rounded = quantity.quantize(PLACES)
    return rounded if rounded == quantity else None


def shown(quantity: Decimal) -> str:
    """As the contract shows it: ``"1.250"``."""
    return str(quantity.quantize(PLACES))


def _unusable(field: str, quantity: Decimal) -> FieldError:
    message = f"must be a number with at most three decimals, up to {MAX}"
    if not quantity.is_finite():
        return FieldError(field, message, code="not-a-number", params={"minimum": str(-MAX), "maximum": str(MAX)})
    if abs(quantity) > MAX:
        return FieldError(field, message, code="above-maximum", params={"maximum": str(MAX)})
    return FieldError(field, message, code="off-step", params={"step": str(PLACES)})


def usable(field: str, quantity: Decimal) -> Decimal | FieldError:
    """The quantity with three places, or what is wrong with it."""
    value = exact(quantity)
    return _unusable(field, quantity) if value is None else value


def positive(field: str, quantity: Decimal) -> Decimal | FieldError:
    """The quantity, or what is wrong with it."""
    value = usable(field, quantity)
    if isinstance(value, FieldError):
        return value
    if value <= 0:
        return FieldError(field, "must be more than 0", code="below-minimum", params={"minimum": str(PLACES)})
    return value


def not_negative(field: str, quantity: Decimal) -> Decimal | FieldError:
    """The quantity, zero allowed, or what is wrong with it."""
    value = usable(field, quantity)
    if isinstance(value, FieldError):
        return value
    if value < 0:
        return FieldError(field, "must be 0 or more", code="below-minimum", params={"minimum": "0"})
    return value


def orderable(field: str, quantity: Decimal, step: Decimal, least: Decimal, unit: str) -> Decimal | FieldError:
    """The quantity of an order line: on the product's step and not below its least; or what is wrong with it."""
    value = positive(field, quantity)
    if isinstance(value, FieldError):
        return value
    if value < least:
        message = f"must be at least {said(least, unit)}"
        return FieldError(field, message, code="below-minimum", params={"minimum": shown(least), "unit": unit})
    if value % step:
        message = f"must be a multiple of {said(step, unit)}"
        return FieldError(field, message, code="off-step", params={"step": shown(step), "unit": unit})
    return value


def line_total(price: int, quantity: Decimal, per: Decimal = ONE) -> int:
    """What a quantity costs at ``price`` for ``per``, both of one unit: in minor units, half of one rounded up (as a till does). The
    whole quotient is exact, where a rounded one could be a half that the true one is not; the SQL of ``store/`` says the same."""
    return int((2 * price * quantity + per) // (2 * per))


def least_worth(price: int, step: Decimal, per: Decimal = ONE) -> Decimal:
    """The least multiple of ``step`` that costs something, where ``price`` (not 0) is for ``per``."""
    steps, rest = divmod(per, 2 * price * step)
    return step * (steps + (rest > 0))
