"""What the audit row of a change keeps of an order: its lines and totals, before and after. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harvestd.kernel.quantities import shown
from harvestd.market.orders import questions
from harvestd.market.orders.order import Line, Totals


def audited(lines: Iterable[Line | None], totals: Totals) -> dict[str, Any]:
    """Lines and totals as the audit row has them. What people wrote is not in it: it is erased one day, and this is not."""
    return {"lines": [_entry(line) for line in lines if line is not None], "totals": _totals(totals)}


def _totals(totals: Totals) -> dict[str, int]:
    return {name: getattr(totals, name) for name in ("goods", "fees", "tax", "discount", "total")}


def _entry(line: Line) -> dict[str, Any]:
    weighed = {} if line.weighed is None else {"weighed": [shown(line.weighed.quantity), line.weighed.unit]}
    proposed = {"proposed": True} if line.proposed else {}
    asked = {}
    if line.answer_by is not None:
        asked = {"asked": questions.accepted(line).owed, "answer_by": line.answer_by.isoformat()}
    return {
        "line_id": line.id, "product_id": line.product_id, "quantity": shown(line.quantity), "short_of": shown(line.short_of), "total": line.owed,
        "agreed_total": line.agreed_total, "substitution": line.wish.substitution, **weighed, **proposed, **asked,
    }  # fmt: skip
