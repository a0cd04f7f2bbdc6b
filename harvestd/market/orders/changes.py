"""A change of an order that is no step of a part: from its lines as they are to be, all that follows of it. Pure.

Whoever decides on a change (``amending.py``, ``shortage.py``, ``weighing.py``, ``answering.py``) says which lines there are then; here parts, totals, the audit row and the
events are made of that, and what reservations are to hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import attrs

from harvestd.kernel.events import Event
from harvestd.market.orders import questions
from harvestd.market.orders.change_audit import audited
from harvestd.market.orders.change_telling import By, Pair, Telling
from harvestd.market.orders.fulfilment import Standing, status_of
from harvestd.market.orders.order import OVER, Line, Part, Totals
from harvestd.market.orders.recomputing import Amounts, goods_of, recomputed
from harvestd.market.orders.stepping import ended
from harvestd.market.pricing.terms import Pricing

Kind = Literal["amended", "short", "weighed", "answered"]
_TYPES: dict[Kind, str] = {
    "amended": "order.amended", "short": "order.line_short", "weighed": "order.line_weighed", "answered": "order.amended",
}  # fmt: skip
NOTHING_MORE: Mapping[str, Any] = {}


@attrs.frozen(kw_only=True)
class Changed:
    """A change of an order: the lines that differ, the parts that are new, or cancelled since nothing of them is left, and the consequences."""

    kind: Kind
    by: By
    version: int
    status: str
    pairs: tuple[Pair, ...]
    parts: tuple[Part, ...]
    opened: tuple[Part, ...]
    cancelled: tuple[Part, ...]
    totals: Totals
    pricing: Pricing
    before: dict[str, Any]
    after: dict[str, Any]
    events: tuple[Event, ...]

    @property
    def wants(self) -> dict[str, Decimal]:
        """What the reservation of each line that stays is to hold, of its product."""
        return {after.id: after.taken for before, after in self.pairs if before is not None and after is not None}

    @property
    def added(self) -> tuple[Line, ...]:
        """The lines that are new."""
        return tuple(after for before, after in self.pairs if before is None and after is not None)

    @property
    def removed(self) -> tuple[str, ...]:
        """The ids of the lines that were taken out."""
        return tuple(before.id for before, after in self.pairs if before is not None and after is None)


def changed(
    order: Standing, lines: Sequence[Line], kind: Kind, by: By, *, placed_at: datetime, about: Sequence[str] = (),
    opened: Sequence[Part] = (), pricing: Pricing | None = None, more: Mapping[str, Any] = NOTHING_MORE,
) -> Changed | None:  # fmt: skip
    """What follows if these are the lines of an order, in order (those that were there before are recognised by their ids); None: nothing, since nothing
    differs. A part of which nothing is left is cancelled, and keeps its lines for the books. ``about`` are the lines that the event (one each) is about,
    ``more`` what else it says; ``pricing`` are the rules by which it is billed then (None: as before)."""
    gone = [part for part in order.parts if part.status not in OVER and _emptied(part, order.lines, lines, kind)]
    statuses = {part.farm_id: "cancelled" for part in gone}
    kept = [attrs.evolve(line, answer_by=None) for line in order.lines if line.farm_id in statuses]
    lines = sorted([*(line for line in lines if line.farm_id not in statuses), *kept], key=lambda line: line.position)
    parts = [attrs.evolve(p, status=statuses.get(p.farm_id, p.status)) for p in (*order.parts, *opened)]
    lost = None if by.actor == "buyer" else goods_of(order.parts, order.lines)
    amounts = recomputed(parts, lines, order.pricing if pricing is None else pricing, order.totals, lost=lost)
    pairs = pairs_of(order.lines, amounts.lines)
    differing = [pair for pair in pairs if _differs(*pair)]
    if not (differing or gone):
        return None
    status, version = status_of(parts), order.version + 1
    telling = Telling(order, version, status, by, placed_at)
    touched = {line.farm_id for pair in differing for line in pair if line is not None}
    events = [
        *(telling.step(p, "", "placed") for p in opened),
        *(telling.step(p, p.status, p.status) for p in order.parts if p.farm_id in touched),
        *(telling.step(p, p.status, "cancelled") for p in gone),
        *(
            telling.change(
                _TYPES[kind], differing, about, {**more, **_asked(order, amounts, kind), **_come_to(amounts, touched)}
            )
            if differing
            else ()
        ),
        *ended(order, status, version, by.actor, by.reason),
    ]
    return Changed(
        kind=kind, by=by, version=version, status=status, pairs=pairs, parts=amounts.parts, opened=amounts.parts[len(order.parts) :],
        cancelled=tuple(gone), totals=amounts.totals, pricing=amounts.pricing, before=audited([b for b, _ in differing], order.totals),
        after=audited([a for _, a in differing], amounts.totals), events=tuple(events),
    )  # fmt: skip


def _asked(order: Standing, amounts: Amounts, kind: Kind) -> dict[str, Any]:
    """What the event says of the lines that the change asks about, and of those that it asks about no more; nothing if there are none. What its farm has weighed or lacks anew may leave
    nothing to ask."""
    asked, ended = (
        questions.put(order.lines, amounts.lines),
        questions.told_ended(questions.ended(order.lines, amounts.lines)),
    )
    if not asked:
        return ended | ({"outcome": "withdrawn"} if ended and kind in ("short", "weighed") else {})
    yes = {line.id for line in asked}
    total = questions.total_with(amounts.parts, amounts.lines, amounts.pricing, order.totals, yes)
    return questions.told(asked, total) | ended


def _come_to(amounts: Amounts, farms: Collection[str]) -> dict[str, Any]:
    """What an order comes to by a change, and its part of each of these ``farms``: whoever is told of it later is told that."""
    included = amounts.pricing.tax_included
    unsure = {line.farm_id for line in amounts.lines if line.estimated and line.counts}
    standing = [part.farm_id for part in amounts.parts if part.status not in OVER] or [
        part.farm_id for part in amounts.parts
    ]
    parts = [
        {"farm_id": part.farm_id, "total": part.totals(included).total, "estimated": part.farm_id in unsure}
        for part in amounts.parts
        if part.farm_id in farms
    ]
    return {"total": amounts.totals.total, "estimated": not unsure.isdisjoint(standing), "parts": parts}


def _emptied(part: Part, before: Sequence[Line], after: Sequence[Line], kind: Kind) -> bool:
    """Whether all of a part is taken out, or all of which anything was left. What is short is not: its farm says what becomes of the part. What the farm
    would add is nothing that it has."""
    had, has = ([x for x in lines if x.farm_id == part.farm_id and _of_part(x)] for lines in (before, after))
    return (bool(had) and not has) or (
        kind == "amended" and any(map(_something, had)) and not any(map(_something, has))
    )


def _something(line: Line) -> bool:
    """Whether a line has anything for its buyer, or may come to."""
    return line.proposed or line.left > 0


def _of_part(line: Line) -> bool:
    return line.counts or line.replaces is not None


def pairs_of(before: Sequence[Line], after: Sequence[Line]) -> tuple[Pair, ...]:
    """The lines that are not as they were, those of before first."""
    was, is_ = ({line.id: line for line in lines} for lines in (before, after))
    found: list[Pair] = [(line, is_.get(line.id)) for line in before if is_.get(line.id) != line]
    return (*found, *((None, line) for line in after if line.id not in was))


def _differs(before: Line | None, after: Line | None) -> bool:
    """Whether a line itself is another, and not only what it has of the discount and the tax of the whole."""
    if before is None or after is None:
        return True
    return attrs.evolve(before, discount=after.discount, tax=after.tax) != after
