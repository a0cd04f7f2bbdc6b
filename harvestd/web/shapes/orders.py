"""Orders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from harvestd.web.shapes.values import (
    Id,
    In,
    ListQuery,
    MinorUnits,
    Money,
    Out,
    Quantity,
)


class OrderLineIn(In, kw_only=True, frozen=True):
    """How much of which product."""

    product_id: Id
    quantity: Quantity


class FulfilmentIn(In, kw_only=True, frozen=True):
    """How the goods reach the buyer; ``address`` for delivery, ``pickup_point_id`` one of a farm's for pick-up."""

    method: Literal["pickup", "delivery"] = "pickup"
    pickup_point_id: Id | None = None
    address: Annotated[str, Meta(max_length=500)] | None = None
    market_day_id: Id | None = None


class PlaceOrder(In, kw_only=True, frozen=True):
    """An order: of the lines or, without them, of the cart. ``expected_total`` refuses it when the total is another."""

    lines: list[OrderLineIn] | None = None
    fulfilment: FulfilmentIn | None = None
    note: Annotated[str, Meta(max_length=2000)] = ""
    expected_total: Money | MinorUnits | None = None


class OrderLine(Out, kw_only=True, frozen=True):
    """A line of an order, at the price that was agreed."""

    id: str
    product_id: str
    title: str
    quantity: str
    unit: str
    unit_price: Money
    total: Money


class OrderFarm(Out, kw_only=True, frozen=True):
    """A farm by name."""

    id: str
    name: str


class OrderPart(Out, kw_only=True, frozen=True):
    """One farm's part."""

    farm: OrderFarm
    status: str
    lines: list[OrderLine]
    subtotal: Money


class OrderTotals(Out, kw_only=True, frozen=True):
    """What is owed: goods and fees and tax less discount. Of the parts that stand."""

    goods: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money


class Order(Out, kw_only=True, frozen=True):
    """An order. A farm sees its own part, and the totals of that alone."""

    id: str
    number: str
    status: str
    lines: list[OrderLine]
    parts: list[OrderPart]
    totals: OrderTotals
    fulfilment: dict[str, Any]
    note: str
    placed_at: datetime
    version: int


OrderStatus = Literal["placed", "confirmed", "ready", "out_for_delivery", "completed", "cancelled", "expired"]


class OrdersQuery(ListQuery, kw_only=True, frozen=True):
    """``status`` keeps the orders (for a farm: its parts) that have it."""

    status: OrderStatus | None = None


class CancelOrder(In, kw_only=True, frozen=True):
    """Why; the other parties read it."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class MovePart(In, kw_only=True, frozen=True):
    """The next status of the farm's part."""

    to: Literal["confirmed", "ready", "out_for_delivery", "completed", "cancelled"]
    reason: Annotated[str, Meta(max_length=500)] = ""
