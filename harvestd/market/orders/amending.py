"""Amending a placed order: lines that are added, changed and taken out. Pure.

``amended_lines.py`` makes the lines, edit by edit; here is what they have to be together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept
from harvestd.market.carts.selling import too_much
from harvestd.market.orders.amended_lines import AmendedLines
from harvestd.market.orders.changes import Changed, changed, pairs_of
from harvestd.market.orders.consent import raised
from harvestd.market.orders.edits import Amending, Edit
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.new_lines import charged
from harvestd.market.orders.order import Line
from harvestd.market.orders.placing_rules import too_many_lines


def amend(order: Standing, edits: Sequence[Edit], amending: Amending, line_ids: Sequence[str]) -> Changed | None:
    """Decide on a change; None if there is none. ``line_ids`` has an id for each line that may be new. Raises :class:`Invalid` with all that cannot be like
    this, and :class:`IllegalTransition` for a part that can no longer be changed by whoever asks. Whether there is enough is for the caller to see."""
    work = AmendedLines(order, amending, iter(line_ids))
    faults = [fault for edit in edits for fault in work.edit(edit)]
    lines = list(work.lines.values())
    accept(*(faults or _whole(order, lines, amending)))
    pricing = charged(order.pricing, amending.billing, work.opened, [line for line in lines if line not in order.lines])
    return changed(
        order, lines, "amended", amending.by, placed_at=amending.placed_at, opened=tuple(work.opened.values()), pricing=pricing,
        more=_told(order, lines, amending),
    )  # fmt: skip


def _told(order: Standing, lines: Sequence[Line], amending: Amending) -> dict[str, Any]:
    """What the event says besides the lines: that they were added in the buyer's stead, of which farm is what they are asked about, or that this is all taken back."""
    ids = {line.id for line in lines}
    back = [line for line in order.lines if line.proposed and line.replaces is None and line.id not in ids]
    if back and [line for line in order.lines if line not in back] == list(lines):
        return {"outcome": "withdrawn", "line_id": back[0].id, "farm_id": back[0].farm_id}
    new = [line for line in lines if line.proposed and line not in order.lines]
    if new:
        return {"farm_id": new[0].farm_id}
    if amending.by.actor == "admin" and amending.for_buyer and raised(pairs_of(order.lines, lines)):
        return {"for_buyer": True}
    return {}


def _whole(order: Standing, lines: Sequence[Line], amending: Amending) -> list[FieldError]:
    """What is wrong with the lines together."""
    terms, after = amending.terms, [line for line in lines if line.counts]
    listed = len(lines if amending.asks else after)
    faults = [too_many_lines(terms.lines_most)] if listed > max(terms.lines_most, len(order.lines)) else []
    beyond = too_much("lines", sum(line.owed for line in after), terms.currency)
    return [*faults, beyond] if beyond else faults
