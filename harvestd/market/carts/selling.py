"""The market's rules for carts and orders: limits of every order, and faults in quantities and totals whatever the products."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import money
from harvestd.kernel.quantities import MAX_TOTAL, positive
from harvestd.market.days import load_rules
from harvestd.settings.table import Settings

#: What counts unless the settings say otherwise.
USUAL_LOAD = load_rules.Terms(piece=500, crate=15_000)


@attrs.frozen(kw_only=True)
class Terms:
    """The market's rules for orders. ``hold`` is how long stock stays reserved for an order that awaits its farm; None if
    the order becomes a sale as soon as it is processed. ``weight_tolerance`` is how far what pieces weigh may be above their estimate, in thousandths of a per
    cent, ``weight_most`` how much of it they may weigh at all; ``answer`` how long a buyer has who is asked about a change; ``load`` is what counts for weights and crates that are not known."""

    currency: str
    lines_most: int
    hold: timedelta | None
    weight_tolerance: int = 10_000
    weight_most: int = 300_000
    answer: timedelta = timedelta(hours=6)
    load: load_rules.Terms = USUAL_LOAD


def terms(settings: Settings) -> Terms:
    """The rules for every order of this market."""
    hold = timedelta(seconds=settings.reservation_ttl) if settings.order_confirmation == "farm" else None
    load = load_rules.Terms(piece=settings.piece_weight, crate=settings.crate_weight)
    return Terms(
        currency=settings.market_currency, lines_most=settings.order_lines_most, hold=hold, weight_tolerance=settings.weight_tolerance * 1000, weight_most=settings.weight_most * 1000,
        answer=timedelta(seconds=settings.order_answer_time), load=load,
    )  # fmt: skip


def quantity_faults(lines: Mapping[int, Mapping[str, Any]], of: str = "lines") -> dict[int, FieldError]:
    """Faults in the ``quantity`` of those lines that have one, whatever the product; by their positions in the list ``of``."""
    found = {i: positive(f"{of}[{i}].quantity", line["quantity"]) for i, line in lines.items() if "quantity" in line}
    return {i: fault for i, fault in found.items() if isinstance(fault, FieldError)}


def too_much(field: str, total: int, currency: str) -> FieldError | None:
    """The fault of a total that JSON numbers cannot represent exactly: no buyer could state it as expected."""
    if total <= MAX_TOTAL:
        return None
    message = f"comes to more than {money(MAX_TOTAL, currency)}; take less, or order it in several orders"
    params = {"maximum": str(MAX_TOTAL), "currency": currency, "reason": "total"}
    return FieldError(field, message, code="above-maximum", params=params)
