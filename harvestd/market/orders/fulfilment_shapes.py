"""How the goods of an order reach its buyer: as it is chosen, and as it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from harvestd.market.days.window_shapes import FulfilmentMethod, FulfilmentMethodOut
from harvestd.market.farms.delivery_shapes import PointPosition
from harvestd.market.orders.order import MAX_ADDRESS
from harvestd.web.shapes import FarmId, Id, In, Out, PickupPointId


class FulfilmentIn(In, kw_only=True, frozen=True):
    """How the goods reach the buyer: ``address`` is for delivery, ``pickup_point_id`` for pick-up at a point of the farm."""

    method: FulfilmentMethod = "pickup"
    pickup_point_id: PickupPointId | None = None
    address: Annotated[str, Meta(max_length=MAX_ADDRESS)] | None = None
    market_day_id: Id | None = None
    window_id: Annotated[Id, Meta(description="GET /api/cart/windows lists them.")] | None = None


class FarmFulfilmentIn(FulfilmentIn, kw_only=True, frozen=True):
    """The fulfilment of one farm's part."""

    farm_id: FarmId


class OrderPickupPoint(Out, kw_only=True, frozen=True):
    """A pick-up point, as it was when the order was placed; or, at a market day, since somebody moved it."""

    id: str
    name: str
    address: str = ""
    position: PointPosition | None = None
    hours: str = ""


class OrderWindow(Out, kw_only=True, frozen=True):
    """The window of a market day in which goods are handed over, as its buyer chose it; it changes with the day."""

    id: str
    market_day_id: str
    market_day_name: str
    from_: datetime = field(name="from")
    to: datetime


class Fulfilment(Out, kw_only=True, frozen=True):
    """The fulfilment of an order or a part."""

    method: FulfilmentMethodOut
    pickup_point: OrderPickupPoint | UnsetType = UNSET
    address: str | UnsetType = UNSET
    window: OrderWindow | UnsetType = UNSET


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "farm_id": "Id of the farm.",
    **dict.fromkeys(("FulfilmentIn.market_day_id", "FarmFulfilmentIn.market_day_id"), "Of no use, and refused: `window_id` says which day it is."),
    "window_id": "The window of a market day; needed in a market that has any.",
    "window": "When, and in which window of which market day, goods are handed over.",
    "market_day_id": "The market day.",
    "market_day_name": "The name of the market day.",
    "OrderWindow.from": "When handing over begins.",
    "OrderWindow.to": "When it ends.",
    "method": "How the goods reach the buyer.",
    "OrderPickupPoint.position": "Where it is, in degrees; null if unknown.",
    "hours": "When it is open, in the farm's words.",
    "latitude": "Degrees, -90 to 90.",
    "longitude": "Degrees, -180 to 180.",
    "pickup_point": "Where the goods are picked up.",
    "pickup_point_id": "Id of a pick-up point of the farm.",
}  # fmt: skip
