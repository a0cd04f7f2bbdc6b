"""Orders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, get_args

from msgspec import UNSET, Meta, UnsetType, field

from harvestd.market.orders.placing import MAX_ADDRESS, MAX_NOTE, MAX_REASON
from harvestd.web.shapes import (
    CountedQuery,
    FarmId,
    Id,
    In,
    MinorUnits,
    Money,
    Out,
    PickupPointId,
    PricePer,
    ProductId,
    Quantity,
    UnitOut,
)
from harvestd.web.vocabulary import closed

OrderStatus = Literal["placed", "confirmed", "ready", "out_for_delivery", "completed", "cancelled", "expired"]
OrderStatusOut = Annotated[
    str,
    closed(
        "OrderStatus",
        get_args(OrderStatus),
        "Of an order and of each farm's part; an order is as far as the least advanced part that stands.",
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
OrderActionOut = Annotated[str, closed("OrderAction", ("cancel",), "What can be done with an order.")]
FulfilmentMethod = Literal["pickup", "delivery"]
FulfilmentMethodOut = Annotated[
    str, closed("FulfilmentMethod", get_args(FulfilmentMethod), "How goods reach the buyer.")
]


class OrderLineIn(In, kw_only=True, frozen=True):
    """A quantity of a product."""

    product_id: ProductId
    quantity: Quantity


class FulfilmentIn(In, kw_only=True, frozen=True):
    """The fulfilment of an order; ``address`` for delivery, ``pickup_point_id`` one of a farm's for pick-up."""

    method: FulfilmentMethod = "pickup"
    pickup_point_id: PickupPointId | None = None
    address: Annotated[str, Meta(max_length=MAX_ADDRESS)] | None = None
    market_day_id: Id | None = None


class FarmFulfilmentIn(FulfilmentIn, kw_only=True, frozen=True):
    """The fulfilment of one farm's part."""

    farm_id: FarmId


class PlaceOrder(In, kw_only=True, frozen=True):
    """An order of ``lines`` or, without them, of the cart. Lines of one product are merged into one.
    With ``expected_total`` it is refused if the total differs, or if any term that the buyer agreed to has changed since
    the product was put in: a price, the amount it is for, a unit, a step, a minimum quantity. ``fulfilment`` is one for all farms,
    ``fulfilments`` one for each; a farm's pick-up point is valid for its own part only."""

    lines: Annotated[list[OrderLineIn], Meta(max_length=500)] | None = None
    fulfilment: FulfilmentIn | None = None
    fulfilments: Annotated[list[FarmFulfilmentIn], Meta(min_length=1, max_length=100)] | None = None
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""
    expected_total: Money | MinorUnits | None = None


class OrderLine(Out, kw_only=True, frozen=True):
    """An order line, at the agreed price: ``unit_price`` for ``price_per``."""

    id: str
    product_id: str
    title: str
    quantity: str
    unit: UnitOut
    unit_price: Money
    price_per: PricePer
    total: Money


class OrderFarm(Out, kw_only=True, frozen=True):
    """A farm by name."""

    id: str
    name: str


class OrderPickupPoint(Out, kw_only=True, frozen=True):
    """A farm's pick-up point, as it was when the order was placed."""

    id: str
    name: str
    address: str = ""


class Fulfilment(Out, kw_only=True, frozen=True):
    """The fulfilment of an order or a part."""

    method: FulfilmentMethodOut
    pickup_point: OrderPickupPoint | UnsetType = UNSET
    address: str | UnsetType = UNSET


class OrderBuyer(Out, kw_only=True, frozen=True):
    """The buyer; shown to the farms of the order and the market's staff."""

    name: str
    phone: str | UnsetType = UNSET


class OrderStep(Out, kw_only=True, frozen=True):
    """A status step of a farm's part: ``from`` is null when it was placed."""

    farm_id: str
    from_: OrderStatusOut | None = field(name="from")
    to: OrderStatusOut
    at: datetime
    by: ActorOut
    reason: str


class OrderPart(Out, kw_only=True, frozen=True):
    """One farm's part; ``reason`` is that of its last step."""

    farm: OrderFarm
    status: OrderStatusOut
    fulfilment: Fulfilment
    reason: str
    lines: list[OrderLine]
    subtotal: Money


class OrderTotals(Out, kw_only=True, frozen=True):
    """The amounts owed for the parts that are neither cancelled nor expired: goods, fees and tax, less discount. An order that is
    cancelled or expired as a whole keeps the agreed amounts, and nothing is owed for it."""

    goods: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money


class Order(Out, kw_only=True, frozen=True):
    """An order. A farm sees only its own part, with the totals and steps of that part. ``fulfilment`` is null if the parts
    shown differ in it; ``can`` lists the actions that the caller may take on the order now."""

    id: str
    number: str
    status: OrderStatusOut
    lines: list[OrderLine]
    parts: list[OrderPart]
    totals: OrderTotals
    fulfilment: Fulfilment | None
    note: str
    buyer: OrderBuyer | UnsetType = UNSET
    steps: list[OrderStep]
    can: list[OrderActionOut]
    placed_at: datetime
    updated_at: datetime
    version: int


class OrdersQuery(CountedQuery, kw_only=True, frozen=True):
    """``status`` selects the orders (for a farm: its parts) with that status."""

    status: OrderStatus | None = None


class CancelOrder(In, kw_only=True, frozen=True):
    """The reason, which the other parties can read."""

    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class MovePart(In, kw_only=True, frozen=True):
    """The next status of the farm's part."""

    to: PartStep
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "discount": "What is taken off. Nothing feeds this yet: always 0.",
    "expected_total": "The total that the buyer has seen; if it is another by now, nothing is ordered (409).",
    "by": "Who did it: the buyer, the farm, an admin, or the clock.",
    "at": "When it happened.",
    "buyer": "Who ordered, for the farms that prepare it.",
    "steps": "What became of it, and when.",
    "can": "What the caller may do with it now.",
    "farm_id": "Id of the farm.",
    "OrderStep.farm_id": "Id of the farm whose part it is a step of.",
    "fees": "What is added for the market's or the farm's work. Nothing feeds this yet: always 0.",
    "fulfilment": "How the goods reach the buyer.",
    "goods": "The sum of the lines of the parts that stand.",
    "market_day_id": "Id of a market day. There are none yet: any is refused.",
    "method": "How the goods reach the buyer.",
    "note": "A message of the buyer to the farms.",
    "pickup_point": "Where the goods are handed over.",
    "pickup_point_id": "Id of a pick-up point of the farm.",
    "placed_at": "When it was placed.",
    "OrdersQuery.status": "Only orders (for a farm: parts) with this status.",
    "tax": "Tax that is added to the prices. Nothing feeds this yet: always 0.",
    "OrderStep.to": "The status that the part came to.",
    "OrderStep.from": "The status that the part had; null when it was placed.",
    "OrderStep.reason": "Why, as whoever took the step said.",
    "fulfilments": "How the goods of each farm reach the buyer, where it is not the same for all.",
    "MovePart.to": "The status that the part is to have.",
    "OrderTotals.total": "What the buyer owes: goods, fees and tax less discount. Of an order that is over as a whole, what was agreed.",
    "totals": "What is owed; of an order that is cancelled or expired as a whole, what was agreed.",
    "OrderLine.unit_price": "The agreed price, of `price_per`.",
}  # fmt: skip
