"""The bodies by which an order's lines are changed: amended, short, weighed, answered about."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.carts.shapes import LineNote, SubstitutionIn
from harvestd.market.catalogue.measure_rules import WeightUnit
from harvestd.market.orders.order import MAX_REASON
from harvestd.market.orders.placing_shapes import SUBSTITUTION
from harvestd.web.shapes import Id, In, MinorUnits, Money, Out, ProductId, Quantity
from harvestd.web.vocabulary import closed

Reason = Annotated[str, Meta(max_length=MAX_REASON)]
_UNITS = closed("WeightUnit", ("kg", "g", "lb", "oz"), "Units of weight.")


class LineChange(In, kw_only=True, frozen=True):
    """A change of one line. With ``line_id``, of that one: ``quantity`` is what it has then (0 or null takes it out), and what is omitted stays as it is. With ``product_id``, that much of the
    product, or of a pack size of it, is added: to the line that has it at today's terms, else as a line of its own. What is added by somebody who does not speak for the buyer is a line of
    its own that does not count before its buyer accepts it; 0 takes that back."""

    line_id: Id | UnsetType = UNSET
    product_id: ProductId | UnsetType = UNSET
    variant_id: Id | None = None
    quantity: Quantity | UnsetType | None = UNSET
    substitution: SubstitutionIn | UnsetType = UNSET
    note: LineNote | UnsetType = UNSET


class ChangeOrder(In, kw_only=True, frozen=True):
    """Changes of an order: all of them, or none. With ``cart``, what its buyer has in the cart is added, and the cart is empty then. A line keeps the price at which it was ordered; what is added costs
    what it costs today. To take out all that is of a farm is to cancel its part. With ``expected_total`` the change is refused if the order comes to another total then."""

    lines: Annotated[list[LineChange], Meta(max_length=500)] = []
    cart: bool = False
    expected_total: Money | MinorUnits | None = None
    reason: Reason = ""


class SubstituteIn(In, kw_only=True, frozen=True):
    """So much of a product, or of a pack size of it, in the place of what is short."""

    product_id: ProductId
    quantity: Quantity
    variant_id: Id | None = None


class ShortLine(In, kw_only=True, frozen=True):
    """How much of the line is short in all, 0 if nothing is any more; and what comes in its place. The same again changes nothing."""

    quantity: Quantity
    substitute: SubstituteIn | None = None
    reason: Reason = ""


class WeighLine(In, kw_only=True, frozen=True):
    """What all that its buyer gets of the line weighs. The same again changes nothing."""

    quantity: Quantity
    unit: Annotated[WeightUnit, _UNITS] = "kg"


class WeighingIn(In, kw_only=True, frozen=True):
    """What a line weighs; a row without ``line_id`` or ``quantity`` fails."""

    line_id: Id | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET
    unit: Annotated[WeightUnit, _UNITS] = "kg"


class Weighings(In, kw_only=True, frozen=True):
    """What lines of the farm's orders weigh, of any number of orders; with ``market_day_id``, of parts in windows of that day alone: a row of another fails."""

    market_day_id: Id | None = None
    weighings: Annotated[list[WeighingIn], Meta(min_length=1, max_length=1000)]


class WeighingError(Out, kw_only=True, frozen=True):
    """Why nothing came of a row."""

    field: str
    code: str
    message: str
    params: dict[str, str]


class WeighingResult(Out, kw_only=True, frozen=True):
    """What came of a row."""

    index: int
    status: Annotated[str, closed("WeighingStatus", ("weighed", "unchanged", "failed"), "What came of a weighing.")]
    order_id: str | None
    line_id: str | None
    errors: list[WeighingError]


class WeighingResults(Out, kw_only=True, frozen=True):
    """What came of each row, in their order."""

    results: list[WeighingResult]


class AnswerLine(In, kw_only=True, frozen=True):
    """Whether its buyer wants what they are asked about: what is proposed in the place of what is short, what the farm would add, or pieces that weigh more than was
    agreed on. ``expected_total`` is what a yes is to; without it, and without ``If-Match``, it is to no more than the line was first asked about with."""

    accept: bool
    expected_total: Money | MinorUnits | None = None


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "accept": "Whether the buyer wants it.",
    "AnswerLine.expected_total": "What the line, not the order, comes to with a yes: the `asked.total` of the line in the order. If it comes to something else by now, nothing is answered (409).",
    "cart": "Whether what is in the buyer's cart is added.",
    "ChangeOrder.lines": "What becomes of lines, and what is added.",
    "ChangeOrder.expected_total": "The total that the order is to have then; if it has another, nothing is changed (409).",
    "ChangeOrder.reason": "Why; needed unless it is the buyer who changes the order. The other parties can read it.",
    "LineChange.line_id": "A line of the order.",
    "LineChange.product_id": "A product of which something is added.",
    "LineChange.variant_id": "The pack size; null or omitted for the product itself.",
    "LineChange.quantity": "Of a line: what it has then; 0 or null takes it out, omitted leaves it. Of a product: how much is added.",
    "LineChange.substitution": SUBSTITUTION,
    "LineChange.note": "A message to the farm about this line.",
    "ShortLine.quantity": "How much of the line is short in all.",
    "ShortLine.reason": "Why; the buyer can read it.",
    "substitute": "What comes in its place, as far as the buyer lets it; null or omitted: nothing.",
    "SubstituteIn.variant_id": "The pack size; null or omitted for the product itself.",
    "WeighLine.quantity": "What all of it weighs, in `unit`.",
    "WeighLine.unit": "A unit of weight.",
    "weighings": "What lines weigh, one a row.",
    "Weighings.market_day_id": "The market day whose goods are weighed; null or omitted: any, or none.",
    "WeighingIn.line_id": "A line of an order that has a part of the farm.",
    "WeighingIn.quantity": "What all of it weighs, in `unit`.",
    "WeighingIn.unit": "A unit of weight.",
    "WeighingResult.index": "The position of the row, from 0.",
    "WeighingResult.status": "What came of it.",
    "WeighingResult.order_id": "The order of the line; null: there is none.",
    "WeighingResult.line_id": "The line; null: there is none.",
    "WeighingResult.errors": "Why nothing came of it.",
    "WeighingResults.results": "What came of each row, in their order.",
    "WeighingError.field": "The field, as `weighings[17].quantity`.",
    "WeighingError.code": "The kind of error, as in problems.",
    "WeighingError.message": "It in words.",
    "WeighingError.params": "The values of the message.",
}  # fmt: skip
