"""Windows of market days, and what they hold, as they are sent and shown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, get_args

from msgspec import Meta, field

from harvestd.market.days.window_rules import MAX_PIECES, MAX_WINDOW_CORNERS, MAX_WINDOW_POSTCODES
from harvestd.market.farms.delivery_rules import MAX_POSTCODE
from harvestd.market.farms.delivery_shapes import PickupPoint, PointPosition, PointPositionIn, Radius
from harvestd.web.shapes import Id, In, Out
from harvestd.web.vocabulary import closed

FulfilmentMethod = Literal["pickup", "delivery"]
FulfilmentMethodOut = Annotated[
    str, closed("FulfilmentMethod", get_args(FulfilmentMethod), "How goods reach the buyer.")
]
Pieces = Annotated[int, Meta(description=f"1 to {MAX_PIECES:,}.")]
Weight = Annotated[Decimal, Meta(description="In kilograms, three places at most.", examples=["250.000"])]


class CapacityIn(In, kw_only=True, frozen=True):
    """How much is taken at most; what is null or left out is not counted."""

    orders: Pieces | None = None
    crates: Pieces | None = None
    weight_kg: Weight | None = None


class CapacityOut(Out, kw_only=True, frozen=True):
    """How much is taken at most; null: that is not counted."""

    orders: int | None
    crates: int | None
    weight_kg: str | None


class Taken(Out, kw_only=True, frozen=True):
    """How much is taken, by placed orders and by quotes that are held."""

    orders: int
    crates: int
    weight_kg: str


class WindowAreaIn(In, kw_only=True, frozen=True):
    """Where deliveries go: postcodes, a circle round `center`, or a polygon."""

    postcodes: (
        Annotated[
            list[Annotated[str, Meta(max_length=MAX_POSTCODE, examples=["1010"])]],
            Meta(max_length=MAX_WINDOW_POSTCODES),
        ]
        | None
    ) = None
    radius_km: Radius | None = None
    center: PointPositionIn | None = None
    polygon: Annotated[list[PointPositionIn], Meta(max_length=MAX_WINDOW_CORNERS)] | None = None


class WindowArea(Out, kw_only=True, frozen=True):
    """Where deliveries go: postcodes, a circle round `center`, or a polygon."""

    postcodes: list[str] | None
    radius_km: float | None
    center: PointPosition | None
    polygon: list[PointPosition] | None


class WindowIn(In, kw_only=True, frozen=True):
    """A window: with ``id`` one that the day has, without it a new one."""

    id: Id | None = None
    method: FulfilmentMethod
    pickup_point_id: Annotated[Id, Meta(description="Of the market, or of a farm.")] | None = None
    area: WindowAreaIn | None = None
    from_: datetime = field(name="from")
    to: datetime
    capacity: CapacityIn | None = None


class Window(Out, kw_only=True, frozen=True):
    """When goods are handed over, and where: at a pick-up point or, delivered, in an area."""

    id: str
    method: FulfilmentMethodOut
    pickup_point: PickupPoint | None
    area: WindowArea | None
    from_: datetime = field(name="from")
    to: datetime
    capacity: CapacityOut
    taken: Taken


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "windows": "When and where goods are handed over, in the staff's order.",
    "WindowIn.pickup_point_id": "Where they are picked up: a point of the market, or of a farm. Only for pick-up.",
    "Window.pickup_point": "Where they are picked up; null for a delivery, or if the farm has the point no more.",
    "WindowIn.area": "Where they are delivered; null: anywhere. Only for delivery.",
    "Window.area": "Where they are delivered; null: anywhere, or a pick-up.",
    **dict.fromkeys(("WindowIn.from", "Window.from"), "When handing over begins."),
    **dict.fromkeys(("WindowIn.to", "Window.to"), "When it ends."),
    "capacity": "How much is taken at most, in each measure that is counted.",
    "taken": "How much is taken, by placed orders and by quotes that are held.",
    "weight_kg": "Kilograms.",
    "crates": "Crates.",
    "center": "The middle of the circle; null if it is none.",
    **dict.fromkeys(("WindowArea.radius_km", "WindowAreaIn.radius_km"), "Radius in kilometres around `center`; null if it is no circle."),
    **dict.fromkeys(("CapacityIn.orders", "CapacityOut.orders", "Taken.orders"), "Orders."),
}  # fmt: skip
