"""Farms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.farms.rules import MAX_ADDRESS, MAX_CERTIFICATION, MAX_CERTIFICATIONS, MAX_POINT_NAME, TEXTS
from harvestd.web.shapes import CountedQuery, Id, In, MinorUnits, Money, Out, Position, Season, Slug


class Location(In, kw_only=True, frozen=True):
    """Position in degrees, both null if it is unknown, and the postal address."""

    latitude: Annotated[Decimal, Meta(description="-90 to 90")] | None
    longitude: Annotated[Decimal, Meta(description="-180 to 180")] | None
    address: Annotated[str, Meta(max_length=MAX_ADDRESS)] = ""


class LocationOut(Out, kw_only=True, frozen=True):
    """Position in degrees, null if unknown."""

    latitude: float | None
    longitude: float | None
    address: str


class PickupPointIn(In, kw_only=True, frozen=True):
    """A pick-up point: with ``id`` one that the farm has, without it a new one."""

    id: Id | None = None
    name: Annotated[str, Meta(min_length=1, max_length=MAX_POINT_NAME)]
    address: Annotated[str, Meta(max_length=MAX_ADDRESS)] = ""


class PickupPoint(Out, kw_only=True, frozen=True):
    """A pick-up point of a farm."""

    id: str
    name: str
    address: str


class Farm(Out, kw_only=True, frozen=True):
    """A farm; ``distance_km`` if the request gave a position."""

    id: str
    slug: str
    name: str
    description: str
    location: LocationOut
    certifications: list[str]
    season: Season | None
    pickup_points: list[PickupPoint]
    order_minimum: Money
    version: int
    created_at: datetime
    updated_at: datetime
    distance_km: float | UnsetType = UNSET


class FarmsQuery(CountedQuery, kw_only=True, frozen=True):
    """``near`` is ``latitude,longitude``; ``q`` a part of the name."""

    near: Position | None = None
    radius_km: Annotated[float, Meta(gt=0, le=500)] | None = None
    q: Annotated[str, Meta(max_length=100)] = ""


class ChangeFarm(In, kw_only=True, frozen=True):
    """The fields to change."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = dict.fromkeys(("latitude", "longitude", "address"), "in-location")

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)] | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=TEXTS["description"].longest)] | UnsetType = UNSET
    location: Location | UnsetType | None = UNSET
    certifications: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=MAX_CERTIFICATION)]],
            Meta(max_length=MAX_CERTIFICATIONS),
        ]
        | UnsetType
    ) = UNSET
    pickup_points: Annotated[list[PickupPointIn], Meta(max_length=50)] | UnsetType = UNSET
    order_minimum: Money | MinorUnits | UnsetType = UNSET


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "certifications": "Schemes that the farm is certified by, in its own words.",
    "distance_km": "Kilometres from the position that was asked about.",
    "latitude": "Degrees, -90 to 90.",
    "location": "Position in degrees, and the address for people.",
    "longitude": "Degrees, -180 to 180.",
    "near": "`latitude,longitude` in degrees, such as `48.85,2.35`.",
    "order_minimum": "Orders below this are not taken by the farm.",
    "pickup_points": "Where the farm hands over.",
    "radius_km": "Kilometres around `near`, which it needs.",
    "FarmsQuery.radius_km": "Kilometres around `near`, which it needs: only farms within it are listed. 50 unless said.",
}  # fmt: skip
