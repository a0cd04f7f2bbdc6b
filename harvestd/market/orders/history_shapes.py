"""What has become of an order's lines, as it is listed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from harvestd.market.carts.shapes import SubstitutionOut
from harvestd.market.catalogue.measure_shapes import Weight
from harvestd.market.orders.fulfilment_shapes import Fulfilment
from harvestd.market.orders.placing_shapes import SUBSTITUTION
from harvestd.market.orders.shapes import AskedAbout
from harvestd.market.orders.step_shapes import ActorOut
from harvestd.web.shapes import CountedQuery, Money, Out, UnitOut
from harvestd.web.vocabulary import closed

ChangeKindOut = Annotated[
    str, closed("OrderChangeKind", ("amended", "short", "weighed", "answered", "moved"), "What was done with an order.")
]
QuestionEnd = Annotated[
    str, closed("QuestionEnd", ("accepted", "declined", "withdrawn"), "How a question to the buyer has ended: with a yes, with a no or without an answer, or since nobody asks any more.")
]  # fmt: skip


class ChangedLineQuestion(Out, kw_only=True, frozen=True):
    """What the buyer was, or is, asked about a line until ``answer_by``: with a yes it comes to ``total``."""

    about: AskedAbout
    total: Money
    answer_by: datetime | None


class ChangedLineState(Out, kw_only=True, frozen=True):
    """What a line was, or is: ``total`` is what was owed for it, never above ``agreed_total``, and nothing while it is ``proposed``."""

    quantity: str
    short_of: str
    total: Money
    agreed_total: Money | None
    substitution: SubstitutionOut
    weight: Weight | None
    proposed: bool
    asked: ChangedLineQuestion | None


class OrderChangeLine(Out, kw_only=True, frozen=True):
    """A line before and after a change; null where there was none, or it was taken out. ``outcome`` is how a question about it has ended by the change."""

    line_id: str
    product_id: str
    farm_id: str
    title: str
    unit: UnitOut
    before: ChangedLineState | None
    after: ChangedLineState | None
    outcome: QuestionEnd | None


class OrderMove(Out, kw_only=True, frozen=True):
    """How a farm's part was, and is, handed over, without the address of a delivery."""

    farm_id: str
    before: Fulfilment
    after: Fulfilment


class ChangedTotals(Out, kw_only=True, frozen=True):
    """What the whole order came to."""

    goods: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money


class OrderChange(Out, kw_only=True, frozen=True):
    """A change of an order that is no step of a part, by whom and why: of its lines, or of when and where it is handed over. ``version`` is the order's after it. A farm sees its own part alone, and no
    totals."""

    version: int
    kind: ChangeKindOut
    by: ActorOut
    reason: str
    at: datetime
    lines: list[OrderChangeLine]
    moves: list[OrderMove]
    before: ChangedTotals | None
    after: ChangedTotals | None


class OrderChangesQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of changes; ``token`` is the key of a mailed link, which stands for its guest."""

    token: Annotated[str, Meta(max_length=100)] | None = None


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "OrderChange.kind": "What was done.",
    "moves": "The parts whose window was moved, as far as the caller may see them.",
    "OrderMove.before": "How it was handed over before.",
    "OrderMove.after": "How it is handed over.",
    "OrderChangeLine.line_id": "The line of the order.",
    "OrderChange.at": "When it was changed.",
    "ChangedTotals.total": "What the buyer owed.",
    "ChangedLineState.total": "What was owed for the line; 0 while it is proposed.",
    "ChangedLineState.asked": "What its buyer was asked about it then; null: nothing.",
    "ChangedLineQuestion.total": "What the line comes to with a yes.",
    "ChangedLineQuestion.answer_by": "By when its buyer was to answer; null: that is not known, of a change from before it was kept.",
    "OrderChangeLine.outcome": "How what its buyer was asked about it has ended by this change, whose `by` is the buyer, if they answered; null: it has not, or nothing was asked. With a part that is cancelled or expires, it ends by that step.",
    "OrderChange.lines": "The lines that changed, as far as the caller may see them.",
    **dict.fromkeys(("OrderChange.before", "OrderChange.after"), "What the whole order came to; null for a farm, which sees its own part alone."),
    "OrderChangeLine.before": "The line before the change; null: there was none.",
    "OrderChangeLine.after": "The line after the change; null: it was taken out.",
    "OrderChangeLine.title": "Its title when it was ordered: to its buyer as they saw it, in their language, to everybody else the farm's own.",
    "ChangedLineState.substitution": SUBSTITUTION,
    "ChangedLineState.weight": "What all of it weighed; null until it is weighed.",
}  # fmt: skip
