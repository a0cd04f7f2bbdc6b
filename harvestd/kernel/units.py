"""Units: one table of what a unit is, and the one place that says which steps and least quantities go with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import Literal

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.quantities import MAX, ONE, PLACES, exact, positive, shown

Unit = Literal["kg", "g", "lb", "each", "bunch", "box", "litre"]


@attrs.frozen
class UnitKind:
    """``step`` is what a product is sold by where its farm names no step: what is weighed or poured goes by any amount that
    can be written. What is counted (``pieces``) is never sold by a fraction."""

    step: Decimal
    pieces: bool = False


UNITS: dict[str, UnitKind] = {
    "kg": UnitKind(PLACES), "g": UnitKind(ONE), "lb": UnitKind(PLACES), "litre": UnitKind(PLACES),
    "each": UnitKind(ONE, pieces=True), "bunch": UnitKind(ONE, pieces=True), "box": UnitKind(ONE, pieces=True),
}  # fmt: skip


#: What is counted, in a sentence.
_PIECE = {"each": "the piece", "bunch": "the bunch", "box": "the box"}
#: By unit: how many of it one of another is, where that is exact.
_OTHERS: dict[str, dict[str, Decimal]] = {"kg": {"g": PLACES}, "g": {"kg": 1 / PLACES}}


@attrs.frozen
class Amount:
    """So much of a unit."""

    quantity: Decimal
    unit: str


def in_unit(value: Decimal, unit: str, other: str, otherwise: Decimal) -> Decimal:
    """``value`` of ``unit``, in another unit; ``otherwise`` where one is no exact number of the other."""
    factor = ONE if unit == other else _OTHERS.get(other, {}).get(unit)
    return otherwise if factor is None else value * factor


def measured(field: str, amount: Amount, unit: str) -> Decimal | FieldError:
    """An amount in ``unit``, exactly; or what is wrong with its quantity or unit, ``field`` being its name."""
    factors = {unit: ONE, **_OTHERS.get(unit, {})}
    if amount.unit not in factors:
        message = f"must be the unit of the product: {' or '.join(factors)}"
        return FieldError(f"{field}.unit", message, code="not-one-of", params={"allowed": ", ".join(factors)})
    field, factor = f"{field}.quantity", factors[amount.unit]
    given = positive(field, amount.quantity)
    if isinstance(given, FieldError):
        return given
    value = exact(given * factor)
    if value is None:
        return _not_exact(field, amount, factor)
    return in_pieces(field, unit, value) or value


def _not_exact(field: str, amount: Amount, factor: Decimal) -> FieldError:
    """What is wrong with a quantity that another unit has no three decimals for, or no place."""
    if amount.quantity * factor > MAX:
        most = (MAX / factor).quantize(PLACES, ROUND_FLOOR)
        message = f"must be at most {said(most, amount.unit)}"
        return FieldError(field, message, code="above-maximum", params={"maximum": shown(most)})
    step = PLACES / factor
    message = f"must be a multiple of {said(step, amount.unit)}"
    return FieldError(field, message, code="off-step", params={"step": shown(step), "unit": amount.unit})


def default_step(unit: str) -> Decimal:
    """The step, and the least quantity, of a unit where the farm names none."""
    return UNITS[unit].step


def in_pieces(field: str, unit: str, value: Decimal) -> FieldError | None:
    """What is wrong with an amount of ``unit``, of steps and of stock alike: what is counted is whole."""
    if not UNITS[unit].pieces or not value % ONE:
        return None
    message = (
        f"must be a whole number, since the product is sold by {_PIECE[unit]}; sell parts of one as another product"
    )
    return FieldError(field, message, code="off-step", params={"step": shown(ONE), "unit": unit})


def unfit(unit: str, step: Decimal, least: Decimal) -> Iterator[FieldError]:
    """What is wrong with a product's ``quantity_step`` and ``min_quantity`` for its unit."""
    values = {"quantity_step": positive("quantity_step", step)}
    if least != step:  # else one word about it is enough
        values["min_quantity"] = positive("min_quantity", least)
    found = False
    for field, value in values.items():
        if isinstance(value, FieldError):
            found = True
            yield value
        elif (fault := in_pieces(field, unit, value)) is not None:
            found = True
            yield fault
    if not found and least % step:
        yield FieldError(
            "min_quantity", "must be a multiple of quantity_step", code="off-step", params={"step": shown(step)}
        )
