"""What a buyer is asked about the lines of an order, as it is shown."""

from __future__ import annotations

from datetime import datetime

from harvestd.market.orders import questions
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.shapes import LineAsked
from harvestd.web.money import money


def asked_of(order: Standing, currency: str, whole: bool, now: datetime) -> dict[str, LineAsked]:
    """What can be answered about its lines, by line; to those who do not see the ``whole`` of it, not what all of it comes to."""
    found = {}
    for line in order.lines:
        if not questions.is_open(line, order.part(line.farm_id), now):
            continue
        total = questions.total_with(order.parts, order.lines, order.pricing, order.totals, (line.id,))
        found[line.id] = LineAsked(
            about=questions.about(line), total=money(questions.accepted(line).owed, currency),
            order_total=money(total, currency) if whole else None,
        )  # fmt: skip
    return found
