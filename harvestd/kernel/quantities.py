"""Quantities with three decimal places, and money as integers in minor units."""

from __future__ import annotations

from decimal import Decimal

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import quantity as said

PLACES, ONE = Decimal("0.001"), Decimal(1)
#: Maximum quantity of a line or a stock: below the limit of numeric(12,3), to leave room for sums.
MAX = Decimal("9999999.999")
#: Maximum price of one unit, in minor units.
MAX_PRICE = 100_000_000
#: Maximum total, in minor units: the largest integer that is exact in JSON (RFC 8259, 6).
MAX_TOTAL = 2**53 - 1
#: What one of each unit of weight is in grams: exact by definition (1959 international pound; the ounce is a sixteenth of it).
GRAMS: dict[str, Decimal] = {
    "kg": Decimal(1000), "g": ONE, "lb": Decimal("453.59237"), "oz": Decimal("28.349523125"),
}  # fmt: skip
#: For each unit, the unit of price comparison and how many make one.
COMPARED: dict[str, tuple[str, Decimal]] = {
    **{unit: ("kg", GRAMS["kg"] / grams) for unit, grams in GRAMS.items()},
    "litre": ("litre", ONE), "ml": ("litre", Decimal(1000)),
    **{unit: (unit, ONE) for unit in ("each", "bunch", "box", "dozen", "punnet", "jar", "crate", "head")},
}  # fmt: skip


def exact(quantity: Decimal) -> Decimal | None:
    """The quantity with three places; None if it is not finite, too large, or needs more places to be exact."""
    if not quantity.is_finite() or abs(quantity) > MAX:
        return None
    rounded = quantity.quantize(PLACES)
    return rounded if rounded == quantity else None


def shown(quantity: Decimal) -> str:
    """The quantity in the contract's format: ``"1.250"``."""
    return str(quantity.quantize(PLACES))


def _unusable(field: str, quantity: Decimal) -> FieldError:
    message = f"must be a number with at most three decimals, up to {MAX}"
    if not quantity.is_finite():
        return FieldError(field, message, code="not-a-number", params={"minimum": str(-MAX), "maximum": str(MAX)})
    if abs(quantity) > MAX:
        return FieldError(field, message, code="above-maximum", params={"maximum": str(MAX)})
    return FieldError(field, message, code="off-step", params={"step": str(PLACES)})


def usable(field: str, quantity: Decimal) -> Decimal | FieldError:
    """The quantity with three places, or its error."""
    value = exact(quantity)
    return _unusable(field, quantity) if value is None else value


def positive(field: str, quantity: Decimal) -> Decimal | FieldError:
    """The quantity if positive, or its error."""
    value = usable(field, quantity)
    if isinstance(value, FieldError):
        return value
    if value <= 0:
        return FieldError(field, "must be more than 0", code="below-minimum", params={"minimum": str(PLACES)})
    return value


def not_negative(field: str, quantity: Decimal) -> Decimal | FieldError:
    """The quantity if zero or positive, or its error."""
    value = usable(field, quantity)
    if isinstance(value, FieldError):
        return value
    if value < 0:
        return FieldError(field, "must be 0 or more", code="below-minimum", params={"minimum": "0"})
    return value


def orderable(field: str, quantity: Decimal, step: Decimal, least: Decimal, unit: str) -> Decimal | FieldError:
    """The quantity of an order line, a multiple of the product's step and not below its minimum; or its error."""
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


def weight(quantity: Decimal, unit: str, other: str) -> Decimal:
    """A weight in another unit of weight, rounded half up to three places once: pounds are no round number of grams."""
    grams, of_other = quantity * GRAMS[unit], GRAMS[other]
    return (2 * grams + PLACES * of_other) // (2 * PLACES * of_other) * PLACES


def line_total(price: int, quantity: Decimal, per: Decimal = ONE) -> int:
    """The cost of a quantity at ``price`` for ``per``, both in the same unit: in minor units, rounded half up (as a till does).
    Integer division is exact, while a rounded quotient could be a half that the true one is not; the SQL of ``store/`` does the
    same."""
    return int((2 * price * quantity + per) // (2 * per))


def least_worth(price: int, step: Decimal, per: Decimal = ONE) -> Decimal:
    """The smallest multiple of ``step`` that costs more than 0, where ``price`` (not 0) is for ``per``."""
    steps, rest = divmod(per, 2 * price * step)
    return step * (steps + (rest > 0))
