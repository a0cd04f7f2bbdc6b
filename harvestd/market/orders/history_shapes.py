"""What has become of an order's lines, as it is listed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from harvestd.market.carts.shapes import SubstitutionOut
from harvestd.market.catalogue.measure_shapes import Weight
from harvestd.market.orders.placing_shapes import SUBSTITUTION, OrderKeyQuery
from harvestd.market.orders.step_shapes import ActorOut
from harvestd.web.shapes import CountedQuery, Money, Out, UnitOut
from harvestd.web.vocabulary import closed

ChangeKindOut = Annotated[
    str, closed("OrderChangeKind", ("amended", "short", "weighed", "answered"), "What was done with lines of an order.")
]


class ChangedLineState(Out, kw_only=True, frozen=True):
    """What a line was, or is: ``total`` is what was owed for it, never above ``agreed_total``."""

    quantity: str
    short_of: str
    total: Money
    agreed_total: Money | None
    substitution: SubstitutionOut
    weight: Weight | None
    proposed: bool


class OrderChangeLine(Out, kw_only=True, frozen=True):
    """A line before and after a change; null where there was none, or it was taken out."""

    line_id: str
    product_id: str
    farm_id: str
    title: str
    unit: UnitOut
    before: ChangedLineState | None
    after: ChangedLineState | None


class ChangedTotals(Out, kw_only=True, frozen=True):
    """What the whole order came to."""

    goods: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money


class OrderChange(Out, kw_only=True, frozen=True):
    """A change of an order's lines, by whom and why: ``version`` is the order's after it. A farm sees its own lines alone, and no totals."""

    version: int
    kind: ChangeKindOut
    by: ActorOut
    reason: str
    at: datetime
    lines: list[OrderChangeLine]
    before: ChangedTotals | None
    after: ChangedTotals | None


class OrderChangesQuery(CountedQuery, OrderKeyQuery, kw_only=True, frozen=True):
    """A page of changes; ``token`` is the key of a mailed link."""


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "OrderChange.kind": "What was done.",
    "OrderChange.lines": "The lines that changed, as far as the caller may see them.",
    **dict.fromkeys(("OrderChange.before", "OrderChange.after"), "What the whole order came to; null for a farm, which sees its own part alone."),
    "OrderChangeLine.before": "The line before the change; null: there was none.",
    "OrderChangeLine.after": "The line after the change; null: it was taken out.",
    "OrderChangeLine.title": "Its title when it was ordered: to its buyer as they saw it, in their language, to everybody else the farm's own.",
    "ChangedLineState.substitution": SUBSTITUTION,
    "ChangedLineState.weight": "What all of it weighed; null until it is weighed.",
}  # fmt: skip
