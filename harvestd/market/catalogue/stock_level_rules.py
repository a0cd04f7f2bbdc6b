"""The stock of a product as its farm sets it: when it is first offered, and by corrections. What orders do to it is in
``stock_rules.py``."""

from __future__ import annotations

from decimal import Decimal

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.errors import faults as faults_of
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.names import accept, clean_text
from harvestd.kernel.quantities import MAX, exact, not_negative, shown, usable
from harvestd.kernel.units import in_pieces

#: Maximum length, in characters, of the reason of a correction.
MAX_REASON = 500


def level(stock: Decimal, unit: str | None) -> Decimal | FieldError:
    """The stock, which must be whole if its unit (None: not known) is counted; or its fault."""
    value = not_negative("stock", stock)
    if isinstance(value, FieldError) or unit is None:
        return value
    return in_pieces("stock", unit, value) or value


def opening_stock(stock: Decimal, unit: str) -> Decimal:
    """The opening stock of a new product, which must be whole if its unit is counted; raises :class:`Invalid`."""
    return accept(level(stock, unit), message="the product cannot be accepted")[0]


def level_faults(set_to: Decimal | None, change: Decimal | None) -> list[FieldError]:
    """Faults in a farm's stock correction, whatever the current stock."""
    values = [
        None if set_to is None else not_negative("set", set_to), None if change is None else usable("change", change)
    ]  # fmt: skip
    found = [fault for fault in values if isinstance(fault, FieldError)]
    if set_to is not None and change is not None:
        message = "give either set (the new level) or change (what is added or taken), not both"
        found.append(FieldError("set", message, code="given-twice", params={"reason": "set-or-change"}))
    return found


def new_level(
    unit: str, stock: Decimal, reserved: Decimal, *, set_to: Decimal | None, change: Decimal | None
) -> Decimal:
    """The stock after a farm's correction; raises :class:`Invalid` if it would fall below the reserved quantity,
    or not be a whole number of counted goods."""
    if set_to is None and change is None:
        raise Invalid.of(
            "set", "give set (the new level) or change (what is added or taken)", "required", reason="set-or-change"
        )
    accept(*level_faults(set_to, change))
    field, value = ("set", set_to) if set_to is not None else ("change", change)
    assert value is not None
    after = exact(value if field == "set" else stock + value)
    if after is None:
        raise Invalid.of(
            field, f"would make the stock too large; it is {said(stock, unit)} now", "above-maximum",
            maximum=shown(MAX - stock), unit=unit,
        )  # fmt: skip
    if (part := in_pieces(field, unit, after)) is not None:
        raise Invalid("the stock cannot be changed so", (part,))
    if after < 0:
        message = f"would make the stock less than 0; it is {said(stock, unit)} now"
        params = {"minimum": shown(-stock), "reason": "stock", "available": shown(stock), "unit": unit}
        raise Invalid.of(field, message, "below-minimum", **params)
    if after < reserved:
        left, held = said(after, unit), said(reserved, unit)
        message = f"would leave {left}, less than the {held} reserved for orders; cancel those first"
        raise Invalid.of(field, message, "below-reserved", reserved=shown(reserved), unit=unit)
    return after


def restocked(
    unit: str, stock: Decimal, reserved: Decimal, *, set_to: Decimal | None, change: Decimal | None, reason: str
) -> tuple[str, Decimal]:
    """The reason in its stored form, and the :func:`new_level`; raises :class:`Invalid` with the faults of either."""
    kept = clean_text("reason", reason, MAX_REASON)
    levels: list[Decimal] = []
    wrong = faults_of(lambda: levels.append(new_level(unit, stock, reserved, set_to=set_to, change=change)))
    accept(kept, *wrong)
    assert isinstance(kept, str)
    return kept, levels[0]
