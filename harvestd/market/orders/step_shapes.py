"""The statuses of an order and of a farm's part, and the steps between them: as they are shown, and as they are asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, get_args

from msgspec import Meta, field

from harvestd.market.orders.order import MAX_REASON
from harvestd.web.shapes import In, Out
from harvestd.web.vocabulary import closed

OrderStatus = Literal["placed", "confirmed", "ready", "out_for_delivery", "completed", "cancelled", "expired"]
OrderStatusOut = Annotated[
    str,
    closed(
        "OrderStatus",
        get_args(OrderStatus),
        "The status of an order or of a farm's part; an order has the status of its least advanced active part.",
    ),
]
PartStep = Annotated[
    Literal["confirmed", "ready", "out_for_delivery", "completed", "cancelled"],
    closed(
        "PartStep",
        ("confirmed", "ready", "out_for_delivery", "completed", "cancelled"),
        "The statuses that a farm's part can be moved to.",
    ),
]
ActorOut = Annotated[str, closed("Actor", ("buyer", "farm", "admin", "clock"), "Who took a step.")]


class OrderStep(Out, kw_only=True, frozen=True):
    """A status change of a farm's part; ``from`` is null for the placing of the order."""

    farm_id: str
    from_: OrderStatusOut | None = field(name="from")
    to: OrderStatusOut
    at: datetime
    by: ActorOut
    reason: str


class CancelOrder(In, kw_only=True, frozen=True):
    """The reason, which the other parties can read."""

    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class MovePart(In, kw_only=True, frozen=True):
    """The next status of the farm's part."""

    to: PartStep
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "by": "Who did it: the buyer, the farm, an admin, or the clock.",
    "OrderStep.at": "When it happened.",
    "OrderStep.farm_id": "Id of the farm whose part took the step.",
    "OrderStep.to": "The new status of the part.",
    "OrderStep.from": "The previous status of the part; null for the placing of the order.",
    "OrderStep.reason": "The reason given for the step.",
    "MovePart.to": "The new status of the part.",
}  # fmt: skip
