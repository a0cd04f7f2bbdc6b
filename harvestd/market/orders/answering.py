"""What a buyer answers about a line, and what becomes of it then. Pure.

A yes is to what its buyer has read. A line that is proposed is what it is as long as it has its id; what a line weighs, its farm may say anew. So a yes may name the version of the
order (``If-Match``) or the total that it accepts; one that names nothing says yes to no more than the line was first asked about with.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from harvestd.kernel.errors import FieldError, IllegalTransition, NotFound, PriceChanged
from harvestd.kernel.formatting import Amount
from harvestd.kernel.sentences import worded
from harvestd.market.carts.selling import Terms
from harvestd.market.orders.changes import By, Changed, changed
from harvestd.market.orders.fulfilment import Standing, require
from harvestd.market.orders.order import Line
from harvestd.market.orders.questions import accepted, declined


@attrs.frozen(kw_only=True)
class Answer:
    """A yes or a no. ``said`` is what was answered last about the line (None: nothing), ``expected_total`` what it comes to by whoever says yes, ``named`` whether the answer is to a version of
    the order, and ``first_asked`` the least with which the line was ever asked about (None: that is not known)."""

    yes: bool
    said: bool | None = None
    expected_total: int | None = None
    named: bool = False
    first_asked: int | None = None


NO = Answer(yes=False)


def answer(order: Standing, line_id: str, given: Answer, by: By, placed_at: datetime, terms: Terms) -> Changed | None:
    """What becomes of a line about which its buyer was asked: one that is proposed counts, or goes; one that weighs more than was agreed on comes to that, or
    to what was agreed on. None: that is what was ``said`` of it last. Raises :class:`NotFound` if there is no such line, :class:`IllegalTransition` if
    nobody asks about it, and :class:`PriceChanged` for a yes to something else."""
    line = next((one for one in order.lines if one.id == line_id), None)
    if given.said == given.yes and (line is None or line.answer_by is None):
        return None
    if line is None:
        raise NotFound("this order has no such line")
    if line.answer_by is None:
        if by.actor == "clock":  # what an answer about another line has settled, too
            return None
        raise IllegalTransition("nobody asks about this line")
    require(order, line.farm_id, "answer", by.actor)
    if given.yes:
        _require_read(line, given, terms)
    settled = accepted(line) if given.yes else declined(line)
    lines = [settled if one.id == line_id else one for one in order.lines]
    return changed(
        order, [one for one in lines if one is not None], "answered", by, placed_at=placed_at, about=(line_id,),
        more={"outcome": "accepted" if given.yes else "declined"},
    )  # fmt: skip


def _require_read(line: Line, given: Answer, terms: Terms) -> None:
    """Raise :class:`PriceChanged` unless a yes is to what the line is asked about with now."""
    total, expected = accepted(line).owed, given.expected_total
    first = None if given.named or line.proposed or expected is not None else given.first_asked
    if (expected is None or expected == total) and (first is None or total <= first):
        return
    before = expected if first is None else first
    assert before is not None
    is_, was = Amount(total, terms.currency), Amount(before, terms.currency)
    params = {"before": str(before), "after": str(total), "currency": terms.currency}
    fault = FieldError("expected_total", f"the total is now {is_}", code="changed", params=params)
    if expected is not None:
        raise PriceChanged(worded("the total is now {is_}, not {was}; look at it again", is_=is_, was=was), (fault,))
    raise PriceChanged(
        worded(
            "the farm has weighed this line again since it first asked: it comes to {is_} now, and came to {was}; look at it again, "
            "and answer with expected_total or If-Match",
            is_=is_,
            was=was,
        ),
        (fault,),
    )


def waiting(order: Standing, now: datetime) -> list[str]:
    """The lines about which nobody answered in time."""
    return [line.id for line in order.lines if line.answer_by is not None and line.answer_by <= now]
