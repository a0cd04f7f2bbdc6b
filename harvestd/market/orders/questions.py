"""What the buyer of an order is asked about its lines, and what it comes to with their yes. Pure.

A line is asked about until ``answer_by``: one that is ``proposed`` does not count before that, and one that weighs more than was agreed on comes to what was.
Nobody is asked for longer than until the goods are handed over: by the clock that is the end of the part's window, and in any case the step with which they leave their farm
(:data:`ANSWERABLE`), which is a no to what is open then (``answering.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from harvestd.kernel.quantities import shown
from harvestd.market.carts.selling import Terms
from harvestd.market.orders.fulfilment import CHANGES
from harvestd.market.orders.order import Line, Part, Totals
from harvestd.market.orders.recomputing import recomputed
from harvestd.market.pricing.terms import Pricing

About = Literal["addition", "substitute", "weight"]
#: The statuses of a part about whose lines its buyer can be asked.
ANSWERABLE = CHANGES["answer"]["buyer"]


def until(part: Part, now: datetime, terms: Terms) -> datetime | None:
    """By when the buyer answers what is asked about a part from ``now`` on; None if nobody asks any more. A window that is over says nothing: whoever has not come yet is asked
    as if there were none."""
    if part.status not in ANSWERABLE:
        return None
    latest, end = now + terms.answer, part.handed_over_by
    return latest if end is None or end <= now else min(latest, end)


def is_open(line: Line, part: Part, now: datetime) -> bool:
    """Whether the buyer can still answer what is asked about a line."""
    return line.answer_by is not None and now < line.answer_by and part.status in ANSWERABLE


def about(line: Line) -> About:
    """What is asked about a line."""
    if not line.proposed:
        return "weight"
    return "addition" if line.replaces is None else "substitute"


def accepted(line: Line) -> Line:
    """A line that is asked about, as it is with a yes: it counts, and all that it weighs is agreed on."""
    most = line.agreed_total if line.proposed else max(line.agreed_total or 0, line.worth)
    return attrs.evolve(line, proposed=False, answer_by=None, agreed_total=most)


def declined(line: Line) -> Line | None:
    """It with a no: None if it was proposed, else for what was agreed on."""
    return None if line.proposed else attrs.evolve(line, answer_by=None)


def put(before: Collection[Line], after: Sequence[Line]) -> list[Line]:
    """The lines that a change begins to ask about, or asks about with another weight."""
    was = {line.id: (line.answer_by, line.weighed) for line in before}
    return [line for line in after if line.answer_by is not None and was.get(line.id) != (line.answer_by, line.weighed)]


def ended(before: Collection[Line], after: Sequence[Line]) -> list[Line]:
    """The lines, as they were, that a change no longer asks about."""
    asked = {line.id for line in after if line.answer_by is not None}
    return [line for line in before if line.answer_by is not None and line.id not in asked]


def total_with(
    parts: Sequence[Part], lines: Sequence[Line], pricing: Pricing, agreed: Totals, yes: Collection[str]
) -> int:
    """What an order comes to, fees and taxes included, with a yes to these of its lines."""
    settled = [accepted(line) if line.id in yes else line for line in lines]
    return recomputed(parts, settled, pricing, agreed).totals.total


def told(asked: Sequence[Line], total: int) -> dict[str, Any]:
    """What an event says of the lines that it asks about, at least one: each with what it comes to without a yes and with one; ``total`` is the order's with all of them."""
    latest = max(line.answer_by for line in asked if line.answer_by is not None)
    return {"answer_by": latest.isoformat(), "asked": [_told(line) for line in asked], "asked_total": total}


def told_ended(lines: Sequence[Line]) -> dict[str, Any]:
    """What an event says of the lines that are asked about no more: what it was that was asked; nothing if there are none."""
    return {"settled": [_told(line) for line in lines]} if lines else {}


def _told(line: Line) -> dict[str, Any]:
    weighed = line.weighed
    weight = {} if weighed is None else {"weight": shown(weighed.quantity), "weight_unit": weighed.unit}
    assert line.answer_by is not None
    return {
        "line_id": line.id, "farm_id": line.farm_id, "product_id": line.product_id, "about": about(line), "quantity": shown(line.left),
        "before": line.owed if line.counts else None, "total": accepted(line).owed, "answer_by": line.answer_by.isoformat(), **weight,
    }  # fmt: skip
