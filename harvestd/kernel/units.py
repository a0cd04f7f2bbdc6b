"""Units: the table of units, and the rules for their steps and minimum quantities. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.quantities import GRAMS, MAX, ONE, PLACES, exact, positive, shown, weight

Unit = Literal[
    "kg", "g", "lb", "oz", "each", "bunch", "box", "dozen", "punnet", "jar", "crate", "head", "litre", "ml"
]  # fmt: skip


@attrs.frozen
class UnitKind:
    """``step`` is the default step of a product: weights and volumes are sold in any amount that can be written. Counted units
    are never sold in fractions. ``code`` is that of UN/ECE Recommendation 20, ``kind`` weight, volume or piece."""

    step: Decimal
    code: str
    kind: str

    @property
    def pieces(self) -> bool:
        """Whether it is counted."""
        return self.kind == "piece"

    @property
    def decimals(self) -> int:
        """Decimal places of a quantity in it."""
        return 0 if self.pieces else 3


UNITS: dict[str, UnitKind] = {
    "kg": UnitKind(PLACES, "KGM", "weight"), "g": UnitKind(ONE, "GRM", "weight"), "lb": UnitKind(PLACES, "LBR", "weight"),
    "oz": UnitKind(PLACES, "ONZ", "weight"), "litre": UnitKind(PLACES, "LTR", "volume"), "ml": UnitKind(ONE, "MLT", "volume"),
    "dozen": UnitKind(ONE, "DZN", "piece"),
    **dict.fromkeys(("each", "bunch", "box", "punnet", "jar", "crate", "head"), UnitKind(ONE, "C62", "piece")),
}  # fmt: skip


#: Counted units, for use in a sentence.
_PIECE = {
    "each": "the piece", "bunch": "the bunch", "box": "the box", "dozen": "the dozen", "punnet": "the punnet", "jar": "the jar",
    "crate": "the crate", "head": "the head",
}  # fmt: skip
#: Pairs of units of weight in which quantities convert to each other in few decimals.
_SYSTEMS = {"kg": "g", "g": "kg", "lb": "oz", "oz": "lb"}
#: By unit: how many of it one of another unit is, where the conversion is exact.
_OTHERS: dict[str, dict[str, Decimal]] = {
    **{unit: {other: GRAMS[other] / GRAMS[unit]} for unit, other in _SYSTEMS.items()},
    "litre": {"ml": PLACES}, "ml": {"litre": 1 / PLACES}, "each": {"dozen": Decimal(12)},
}  # fmt: skip


@attrs.frozen
class Amount:
    """A quantity in a unit."""

    quantity: Decimal
    unit: str


def in_unit(value: Decimal, unit: str, other: str, otherwise: Decimal) -> Decimal:
    """``value`` converted from ``unit`` to ``other``; ``otherwise`` if there is no exact conversion."""
    factor = ONE if unit == other else _OTHERS.get(other, {}).get(unit)
    return otherwise if factor is None else value * factor


def alike(unit: str) -> tuple[str, ...]:
    """The unit, and those that convert to it exactly."""
    return (unit, *_OTHERS.get(unit, {}))


def measured(field: str, amount: Amount, unit: str) -> Decimal | FieldError:
    """An amount converted exactly to ``unit``; or the error of its quantity or unit, below the name ``field``."""
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


def weighed(field: str, amount: Amount, unit: str) -> Decimal | FieldError:
    """A weight in another unit of weight, for what is an estimate: exactly where the two convert so, else rounded to three places; or the error of its quantity,
    below the name ``field``."""
    if amount.unit in alike(unit):
        return measured(field, amount, unit)
    field = f"{field}.quantity"
    given = positive(field, amount.quantity)
    if isinstance(given, FieldError):
        return given
    value = weight(given, amount.unit, unit)
    if value > MAX:
        most = (MAX * GRAMS[unit] / GRAMS[amount.unit]).quantize(PLACES, ROUND_FLOOR)
        message = f"must be at most {said(most, amount.unit)}"
        return FieldError(field, message, code="above-maximum", params={"maximum": shown(most)})
    if not value:
        least = (PLACES / 2 * GRAMS[unit] / GRAMS[amount.unit]).quantize(PLACES, ROUND_CEILING)
        message = f"must be at least {said(least, amount.unit)}"
        return FieldError(field, message, code="below-minimum", params={"minimum": shown(least), "unit": amount.unit})
    return value


def _not_exact(field: str, amount: Amount, factor: Decimal) -> FieldError:
    """The error of a quantity that needs more than three decimals in the other unit, or is too large there."""
    if amount.quantity * factor > MAX:
        most = (MAX / factor).quantize(PLACES, ROUND_FLOOR)
        message = f"must be at most {said(most, amount.unit)}"
        return FieldError(field, message, code="above-maximum", params={"maximum": shown(most)})
    step = PLACES / factor
    message = f"must be a multiple of {said(step, amount.unit)}"
    return FieldError(field, message, code="off-step", params={"step": shown(step), "unit": amount.unit})


def default_step(unit: str) -> Decimal:
    """The default step, and minimum quantity, of a unit."""
    return UNITS[unit].step


def in_pieces(field: str, unit: str, value: Decimal) -> FieldError | None:
    """The error of a fractional amount of a counted unit, for steps and stock alike."""
    if not UNITS[unit].pieces or not value % ONE:
        return None
    message = (
        f"must be a whole number, since the product is sold by {_PIECE[unit]}; sell parts of one as another product"
    )
    return FieldError(field, message, code="off-step", params={"step": shown(ONE), "unit": unit})


def unfit(unit: str, step: Decimal, least: Decimal) -> Iterator[FieldError]:
    """The errors of a product's ``quantity_step`` and ``min_quantity`` for its unit."""
    values = {"quantity_step": positive("quantity_step", step)}
    if least != step:  # otherwise one error is enough
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
