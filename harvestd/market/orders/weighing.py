"""Weighing: what pieces that are priced by weight really weigh, and so come to. Pure.

A line is weighed as a whole: all that its buyer gets of it. Up to the market's tolerance above the estimate that is what is owed; beyond, what was agreed on is, and
the buyer is asked as long as nothing has left the farm. The same weight again changes nothing. What weighs several times what was estimated is a slip of the scale, or of whoever types, and refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_DOWN

import attrs

from harvestd.kernel.errors import Conflict, FieldError, Invalid, MarketError
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.quantities import GRAMS, PLACES, shown
from harvestd.kernel.units import Amount
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.measure_rules import final_total
from harvestd.market.orders import questions
from harvestd.market.orders.change_telling import By
from harvestd.market.orders.changes import Changed, changed
from harvestd.market.orders.fulfilment import Standing, require
from harvestd.market.orders.new_lines import agreed_total
from harvestd.market.orders.order import Line
from harvestd.market.orders.shortage import line_in
from harvestd.market.pricing.shares import WHOLE


@attrs.frozen(kw_only=True)
class Weighing:
    """Who weighs, and when."""

    by: By
    terms: Terms
    now: datetime
    placed_at: datetime


def weigh(order: Standing, farm_id: str, weights: Mapping[str, Amount], weighing: Weighing) -> Changed | None:
    """Decide on the weights of some lines of a part, by line; None if all are so already. Raises :class:`NotFound` for a line that is none of the part,
    :class:`Invalid` for a weight that is none or cannot be, or for a line that has no weight, and :class:`IllegalTransition` for a part that is handed over."""
    require(order, farm_id, "weigh", weighing.by.actor)
    until = questions.until(order.part(farm_id), weighing.now, weighing.terms)
    after = {
        line_id: _weighed(line_in(order, farm_id, line_id), scale, weighing.terms, until)
        for line_id, scale in weights.items()
    }
    lines = [after.get(line.id, line) for line in order.lines]
    about = [line.id for line in order.lines if after.get(line.id, line) != line]
    return changed(order, lines, "weighed", weighing.by, placed_at=weighing.placed_at, about=about) if about else None


def refusal(order: Standing, farm_id: str, line_id: str, scale: Amount, weighing: Weighing) -> MarketError | None:
    """Why a line cannot be weighed; None if it can."""
    try:
        weigh(order, farm_id, {line_id: scale}, weighing)
    except MarketError as refused:
        return refused
    return None


def _weighed(line: Line, scale: Amount, terms: Terms, until: datetime | None) -> Line:
    """A line with what it weighs, about which its buyer is asked ``until`` then if that is more than was agreed on."""
    if line.each is None:
        message = "is not priced by weight; only pieces that are can be weighed"
        raise Invalid.of("line_id", message, "not-accepted", reason="no-weight")
    if not line.left:
        raise Conflict("all of this line is short, so nothing of it is weighed")
    total = final_total(line.unit_price, Amount(line.price_per, line.each.unit), scale)
    if isinstance(total, FieldError):
        raise Invalid(f"{total.field}: {total.message}", (total,))
    _require_plausible(line, line.each, scale, terms)
    weighed = Amount(scale.quantity.quantize(PLACES), scale.unit)
    if weighed == line.weighed:
        return line
    most = agreed_total(attrs.evolve(line, weighed=None), terms) if line.agreed_total is None else line.agreed_total
    return attrs.evolve(line, weighed=weighed, agreed_total=most, answer_by=until if total > most else None)


def _require_plausible(line: Line, each: Amount, scale: Amount, terms: Terms) -> None:
    """Raise :class:`Invalid` for a weight that is far above what was estimated."""
    grams = line.left * each.quantity * GRAMS[each.unit] * terms.weight_most / WHOLE
    if scale.quantity * GRAMS[scale.unit] <= grams:
        return
    most = (grams / GRAMS[scale.unit]).quantize(PLACES, ROUND_DOWN)
    percent = str(terms.weight_most * 100 // WHOLE)
    message = f"is more than {said(most, scale.unit)}, which is {percent} % of what was estimated; look at the number and at its unit"
    raise Invalid.of(
        "quantity", message, "above-maximum", maximum=shown(most), unit=scale.unit, percent=percent, reason="estimate"
    )
