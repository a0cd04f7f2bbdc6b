"""Where a farm delivers, and where its goods are picked up."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from harvestd.market.farms.delivery_rules import (
    MAX_AREA_NAME,
    MAX_AREAS,
    MAX_CORNERS,
    MAX_NOTE,
    MAX_POSTCODE,
    MAX_POSTCODES,
)
from harvestd.market.farms.rules import MAX_ADDRESS, MAX_HOURS, MAX_POINT_NAME
from harvestd.web.shapes import Id, In, MinorUnits, Money, Out, PerCent

Radius = Annotated[Decimal, Meta(description="More than 0, 500 at most.")]


class PointPositionIn(In, kw_only=True, frozen=True):
    """Position in degrees."""

    latitude: Annotated[Decimal, Meta(description="-90 to 90")]
    longitude: Annotated[Decimal, Meta(description="-180 to 180")]


class PointPosition(Out, kw_only=True, frozen=True):
    """Position in degrees."""

    latitude: float
    longitude: float


Corners = Annotated[list[PointPositionIn], Meta(max_length=MAX_CORNERS)]


class AreaIn(In, kw_only=True, frozen=True):
    """An area: a list of postcodes, a circle round the farm, or a polygon; and its terms."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_AREA_NAME)]
    postcodes: (
        Annotated[
            list[Annotated[str, Meta(max_length=MAX_POSTCODE, examples=["1010"])]], Meta(max_length=MAX_POSTCODES)
        ]
        | None
    ) = None
    radius_km: Radius | None = None
    polygon: Corners | None = None
    fee: Money | MinorUnits = 0
    minimum: Money | MinorUnits = 0
    free_from: Money | MinorUnits | None = None
    rate: PerCent = Decimal(0)


class DeliveryIn(In, kw_only=True, frozen=True):
    """Where the farm delivers: the first area that a place is in counts."""

    areas: Annotated[list[AreaIn], Meta(min_length=1, max_length=MAX_AREAS)]
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""


class Area(Out, kw_only=True, frozen=True):
    """An area: a list of postcodes, a circle round the farm, or a polygon; and its terms."""

    name: str
    postcodes: list[str] | None
    radius_km: float | None
    polygon: list[PointPosition] | None
    fee: Money
    minimum: Money
    free_from: Money | None
    rate: str


class Delivery(Out, kw_only=True, frozen=True):
    """Where the farm delivers: the first area that a place is in counts."""

    areas: list[Area]
    note: str


class PickupPointIn(In, kw_only=True, frozen=True):
    """A pick-up point of a farm: with ``id`` an existing one, without it a new one."""

    id: Id | None = None
    name: Annotated[str, Meta(min_length=1, max_length=MAX_POINT_NAME)]
    address: Annotated[str, Meta(max_length=MAX_ADDRESS)] = ""
    position: PointPositionIn | None = None
    hours: Annotated[str, Meta(max_length=MAX_HOURS, examples=["Sat 9:00-12:00"])] = ""


class PickupPoint(Out, kw_only=True, frozen=True):
    """A place where buyers pick up a farm's goods."""

    id: str
    name: str
    address: str
    position: PointPosition | None = None
    hours: str = ""


def corners(given: Sequence[PointPositionIn] | None) -> list[tuple[Decimal, Decimal]] | None:
    """The corners of a polygon as the rules take them."""
    return None if given is None else [(one.latitude, one.longitude) for one in given]


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "delivery": "Where the farm says that it delivers, and on which terms, by which orders are charged; null if it says nothing of it.",
    "areas": "The areas, in order: the first that a place is in counts. An address that names postcodes of several is delivered on the strictest of their terms.",
    "postcodes": "The postcodes in it, which are compared without spaces and hyphens; null if it is none of postcodes.",
    **dict.fromkeys(("Area.radius_km", "AreaIn.radius_km"), "Radius in kilometres around the farm; null if it is no circle."),
    "polygon": "The corners of it, in degrees, 10 degrees wide and high at most; null if it is no polygon.",
    **dict.fromkeys(("Area.fee", "AreaIn.fee"), "What a delivery there costs."),
    **dict.fromkeys(("Area.minimum", "AreaIn.minimum"), "Minimum order for delivery there."),
    **dict.fromkeys(("Area.free_from", "AreaIn.free_from"), "Goods for this amount are delivered free of charge; null for none. Not less than the least order, where there is a fee."),
    **dict.fromkeys(("Area.rate", "AreaIn.rate"), "Per cent of tax on the fee."),
    **dict.fromkeys(("Delivery.note", "DeliveryIn.note"), "What buyers are told of it: days, hours."),
    **dict.fromkeys(("PickupPoint.position", "PickupPointIn.position"), "Where it is, in degrees; null if unknown."),
    "hours": "When it is open, in the farm's words.",
}  # fmt: skip
