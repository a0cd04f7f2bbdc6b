"""What a buyer answers about a line, and what becomes of it then. Pure.

A yes is to what its buyer has read. A line that is proposed is what it is as long as it has its id; what a line weighs, its farm may say anew. So a yes may name the version of the
order (``If-Match``) or the total that it accepts; one that names nothing says yes to no more than the line was first asked about with.

A question has one end: the buyer's word, or a no by itself, when the time is over or when the goods leave their farm without it. Whatever ends it says so, and nothing later does.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, tzinfo

import attrs

from harvestd.kernel.errors import FieldError, IllegalTransition, NotFound, PriceChanged
from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Amount, Moment
from harvestd.market.carts.selling import Terms
from harvestd.market.orders.change_telling import By
from harvestd.market.orders.changes import Changed, changed
from harvestd.market.orders.fulfilment import Actor, Standing, require
from harvestd.market.orders.order import Line
from harvestd.market.orders.questions import accepted, declined

#: Why a question has ended without the buyer's word, as the order's history has it.
IN_TIME, LEFT = "nobody answered in time", "the goods left their farm before anybody answered"


@attrs.frozen
class Said:
    """How the last question about a line has ended, by whose doing and when: by a ``yes`` or a no, or (None) since nobody asks any more."""

    yes: bool | None
    by: Actor
    at: datetime


@attrs.frozen(kw_only=True)
class Answer:
    """A yes or a no, given ``at`` a time, which is told in a ``zone``. ``said`` is how the last question about the line has ended, if none is open, ``expected_total`` what it comes to by whoever says
    yes, ``named`` whether the answer is to a version of the order, and ``first_asked`` the least with which the line was ever asked about (None: that is not known)."""

    yes: bool
    at: datetime
    zone: tzinfo = UTC
    said: Said | None = None
    expected_total: int | None = None
    named: bool = False
    first_asked: int | None = None


def answer(order: Standing, line_id: str, given: Answer, placed_at: datetime, terms: Terms) -> Changed | None:
    """What becomes of a line about which its buyer was asked: one that is proposed counts, or goes; one that weighs more than was agreed on comes to that, or
    to what was agreed on. None: that is what was ``said`` of it last. Raises :class:`NotFound` if there is no such line, :class:`IllegalTransition` if
    nobody asks about it, or no more, and :class:`PriceChanged` for a yes to something else."""
    line = next((one for one in order.lines if one.id == line_id), None)
    if line is None or line.answer_by is None:
        if given.said is not None and given.said.yes == given.yes:
            return None
        if given.said is None and line is not None:
            require(order, line.farm_id, "answer", "buyer")
        raise _not_asked(line, given)
    require(order, line.farm_id, "answer", "buyer")
    if given.yes:
        if line.answer_by <= given.at:
            raise _too_late(Moment(line.answer_by, given.zone))
        _require_read(line, given, terms)
    return _settled(order, [line], given.yes, By(actor="buyer"), placed_at)


def unanswered(order: Standing, line_ids: Collection[str], by: By, placed_at: datetime) -> Changed | None:
    """A no to what is asked about some lines of one farm, since nobody has answered; None if nothing is asked about them any more."""
    asked = [line for line in order.lines if line.id in line_ids and line.answer_by is not None]
    return _settled(order, asked, False, by, placed_at) if asked else None


def waiting(order: Standing, now: datetime) -> dict[str, list[str]]:
    """The lines about which nobody answered in time, by farm."""
    found: dict[str, list[str]] = {}
    for line in order.lines:
        if line.answer_by is not None and line.answer_by <= now:
            found.setdefault(line.farm_id, []).append(line.id)
    return found


def asked_of(order: Standing, farm_id: str) -> list[str]:
    """The lines of a farm about which its buyer is asked."""
    return [line.id for line in order.lines if line.farm_id == farm_id and line.answer_by is not None]


def _settled(order: Standing, asked: Collection[Line], yes: bool, by: By, placed_at: datetime) -> Changed | None:
    after = [(accepted(line) if yes else declined(line)) if line in asked else line for line in order.lines]
    about = [line.id for line in asked] if len(asked) == 1 else []
    first = next(iter(asked))
    more = {"outcome": "accepted" if yes else "declined", "line_id": first.id, "farm_id": first.farm_id}
    lines = [line for line in after if line is not None]
    return changed(order, lines, "answered", by, placed_at=placed_at, about=about, more=more)


def _not_asked(line: Line | None, given: Answer) -> NotFound | IllegalTransition:
    """Why a line cannot be answered about, which nobody asks about: what has become of the question, if there was one."""
    said = given.said
    if said is None:
        return (
            NotFound("this order has no such line")
            if line is None
            else IllegalTransition("nobody asks about this line")
        )
    at = Moment(said.at, given.zone)
    if said.yes is None:
        return IllegalTransition(worded("nobody asks about this line any more, since {at}", at=at))
    if said.by == "clock":
        return _too_late(at)
    if said.by != "buyer":
        return IllegalTransition(
            worded("the goods left their farm before you answered, at {at}; without an answer it was a no", at=at)
        )
    if said.yes:
        return IllegalTransition(
            worded("you have answered already: yes, at {at}; ask the farm if you want something else now", at=at)
        )
    return IllegalTransition(
        worded("you have answered already: no, at {at}; ask the farm if you want something else now", at=at)
    )


def _too_late(at: Moment) -> IllegalTransition:
    return IllegalTransition(worded("this could be answered until {at}; without an answer it is a no", at=at))


def _require_read(line: Line, given: Answer, terms: Terms) -> None:
    """Raise :class:`PriceChanged` unless a yes is to what the line is asked about with now."""
    total, expected = accepted(line).owed, given.expected_total
    first = None if given.named or line.proposed or expected is not None else given.first_asked
    if (expected is None or expected == total) and (first is None or total <= first):
        return
    before = expected if first is None else first
    assert before is not None
    is_, was = Amount(total, terms.currency), Amount(before, terms.currency)
    params = {"before": str(before), "after": str(total), "currency": terms.currency, "reason": "line"}
    fault = FieldError("expected_total", f"with a yes this line comes to {is_}", code="changed", params=params)
    if expected is not None:
        raise PriceChanged(
            worded(
                "with a yes this line comes to {is_}, not {was}; look at it again, in its asked.total", is_=is_, was=was
            ),
            (fault,),
        )
    raise PriceChanged(
        worded(
            "the farm has weighed this line again since it first asked: it comes to {is_} now, and came to {was}; look at it again, "
            "and answer with expected_total (its asked.total) or If-Match",
            is_=is_,
            was=was,
        ),
        (fault,),
    )
