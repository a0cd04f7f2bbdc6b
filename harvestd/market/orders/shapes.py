"""Orders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, get_args

from msgspec import UNSET, Meta, UnsetType, field

from harvestd.market.catalogue.fact_shapes import WORDS as FACTS
from harvestd.market.catalogue.fact_shapes import Facts
from harvestd.market.catalogue.measure_shapes import MeasureOut, Weight
from harvestd.market.farms.delivery_shapes import PointPosition
from harvestd.market.orders.order import MAX_ADDRESS, MAX_NOTE, MAX_REASON
from harvestd.web.shapes import (
    CountedQuery,
    FarmId,
    Id,
    Ids,
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
OrderActionOut = Annotated[str, closed("OrderAction", ("cancel",), "What the caller can do with an order.")]
FulfilmentMethod = Literal["pickup", "delivery"]
FulfilmentMethodOut = Annotated[
    str, closed("FulfilmentMethod", get_args(FulfilmentMethod), "How goods reach the buyer.")
]


class OrderLineIn(In, kw_only=True, frozen=True):
    """A product, or a pack size of it, and its quantity. Packs are counted."""

    product_id: ProductId
    quantity: Quantity
    variant_id: Id | None = None


class FulfilmentIn(In, kw_only=True, frozen=True):
    """How the goods reach the buyer: ``address`` is for delivery, ``pickup_point_id`` for pick-up at a point of the farm."""

    method: FulfilmentMethod = "pickup"
    pickup_point_id: PickupPointId | None = None
    address: Annotated[str, Meta(max_length=MAX_ADDRESS)] | None = None
    market_day_id: Id | None = None


class FarmFulfilmentIn(FulfilmentIn, kw_only=True, frozen=True):
    """The fulfilment of one farm's part."""

    farm_id: FarmId


class PlaceOrder(In, kw_only=True, frozen=True):
    """An order of ``lines`` or, without them, of the cart. Several lines of one product are merged into one.
    With ``expected_total`` the order is refused if the total differs, or if anything that the buyer agreed to has changed since
    a product was added: a price, what it is for, a unit, a step, a minimum quantity. ``fulfilment`` is for all farms, ``fulfilments`` has one for each
    farm; a farm's pick-up point counts only for its own part."""

    lines: Annotated[list[OrderLineIn], Meta(max_length=500)] | None = None
    fulfilment: FulfilmentIn | None = None
    fulfilments: Annotated[list[FarmFulfilmentIn], Meta(min_length=1, max_length=100)] | None = None
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""
    expected_total: Money | MinorUnits | None = None


class OrderLine(Out, kw_only=True, frozen=True):
    """A line of an order at the agreed price: ``unit_price`` for ``price_per``. ``facts`` are what was told of the food before it was ordered. ``total`` is
    ``estimated`` where pieces are priced by what they weigh: each at ``estimated_weight`` until it is weighed."""

    id: str
    product_id: str
    variant_id: str | None
    title: str
    quantity: str
    unit: UnitOut
    unit_price: Money
    price_per: PricePer
    total: Money
    priced_by: MeasureOut
    estimated: bool
    estimated_weight: Weight | None
    facts: Facts


class OrderFarm(Out, kw_only=True, frozen=True):
    """A farm by name."""

    id: str
    name: str


class OrderPickupPoint(Out, kw_only=True, frozen=True):
    """A farm's pick-up point, as it was when the order was placed."""

    id: str
    name: str
    address: str = ""
    position: PointPosition | None = None
    hours: str = ""


class Fulfilment(Out, kw_only=True, frozen=True):
    """The fulfilment of an order or a part."""

    method: FulfilmentMethodOut
    pickup_point: OrderPickupPoint | UnsetType = UNSET
    address: str | UnsetType = UNSET


class OrderBuyer(Out, kw_only=True, frozen=True):
    """Who ordered; shown to the farms in the order and the market's staff."""

    name: str
    phone: str | UnsetType = UNSET


class OrderStep(Out, kw_only=True, frozen=True):
    """A status change of a farm's part; ``from`` is null for the placing of the order."""

    farm_id: str
    from_: OrderStatusOut | None = field(name="from")
    to: OrderStatusOut
    at: datetime
    by: ActorOut
    reason: str


class OrderPart(Out, kw_only=True, frozen=True):
    """One farm's part of an order; ``reason`` is that of its last step. ``subtotal`` is ``estimated`` if any line is."""

    farm: OrderFarm
    status: OrderStatusOut
    fulfilment: Fulfilment
    reason: str
    lines: list[OrderLine]
    subtotal: Money
    estimated: bool


class OrderTotals(Out, kw_only=True, frozen=True):
    """What is owed for the active parts: goods, fees and tax, less discount. An order that is cancelled or expired as a whole still shows
    what was agreed, but nothing is owed for it. ``total`` is ``estimated`` while any line that it counts is: the farm weighs what it is priced by."""

    goods: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money
    estimated: bool


class Order(Out, kw_only=True, frozen=True):
    """An order. A farm sees only its own part, with the totals and steps of that part. ``fulfilment`` is null if the parts
    shown differ in it; ``can`` is what the caller may do with the order now."""

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
    """``status`` selects the orders (for a farm: its parts) with that status, ``updated_since`` those that were changed since, the oldest change
    first. ``ids`` are all that is asked for."""

    ids: Ids | None = None
    updated_since: datetime | None = None
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
    **FACTS,
    "facts": "What was told of the food before it was ordered.",
    "discount": "The discount. Not implemented yet: always 0.",
    "expected_total": "The total that the buyer has seen; if it has changed since, nothing is ordered (409).",
    "by": "Who did it: the buyer, the farm, an admin, or the clock.",
    "OrderStep.at": "When it happened.",
    "buyer": "Who ordered, for the farms that prepare the order.",
    "steps": "The status changes, with their times.",
    "can": "What the caller may do with it now.",
    "farm_id": "Id of the farm.",
    "OrderStep.farm_id": "Id of the farm whose part took the step.",
    "fees": "Fees of the market or the farm. Not implemented yet: always 0.",
    "fulfilment": "How the goods reach the buyer.",
    "goods": "The sum of the lines of the active parts.",
    "market_day_id": "Id of a market day. Not implemented yet: every value is refused.",
    "method": "How the goods reach the buyer.",
    "note": "A message from the buyer to the farms.",
    "OrderPickupPoint.position": "Where it is, in degrees; null if unknown.",
    "hours": "When it is open, in the farm's words.",
    "latitude": "Degrees, -90 to 90.",
    "longitude": "Degrees, -180 to 180.",
    "pickup_point": "Where the goods are picked up.",
    "pickup_point_id": "Id of a pick-up point of the farm.",
    "placed_at": "When it was placed.",
    "OrdersQuery.ids": "Only these orders, in this order and on one page; those that are not there, or not the caller's to see, are left out. Goes without the other parameters.",
    "OrdersQuery.updated_since": "Only orders that were changed at this time or later, cancelled ones, too; the oldest change first. To go on from where a list ended, ask for its "
    "last page again: what was changed meanwhile follows. A change is listed once all transactions that began before it are over.",
    "OrdersQuery.status": "Only orders (for a farm: parts) with this status.",
    "tax": "Tax added to the prices. Not implemented yet: always 0.",
    "OrderStep.to": "The new status of the part.",
    "OrderStep.from": "The previous status of the part; null for the placing of the order.",
    "OrderStep.reason": "The reason given for the step.",
    "fulfilments": "How the goods of each farm reach the buyer, if it is not the same for all.",
    "MovePart.to": "The new status of the part.",
    "OrderTotals.total": "What the buyer owes: goods, fees and tax less discount. For an order that is cancelled or expired as a whole, what was agreed.",
    "totals": "What is owed; for an order that is cancelled or expired as a whole, what was agreed.",
    "OrderLine.title": "Its title when it was ordered: to its buyer as they saw it, in their language, to everybody else the farm's own.",
    "OrderLine.unit_price": "The agreed price, for `price_per`.",
    "OrderLineIn.variant_id": "The pack size; null or omitted for the product itself.",
    "OrderLine.variant_id": "The pack size; null for the product itself.",
    "OrderLine.priced_by": "What its price is by: what it is sold by or, of pieces, their weight.",
    "estimated": "Whether `total` is an estimate, until the farm has weighed the pieces.",
    "OrderPart.estimated": "Whether `subtotal` is an estimate, until the farm has weighed the pieces.",
    "OrderLine.estimated_weight": "What each piece is estimated to weigh; null unless it is priced by that.",
}  # fmt: skip
