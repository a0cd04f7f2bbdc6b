"""Farms."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from harvestd.web.shapes.values import (
    Id,
    In,
    ListQuery,
    MinorUnits,
    Money,
    Out,
    Season,
    Slug,
)


class Location(In, kw_only=True, frozen=True):
    """Position in degrees, and the address for people."""

    latitude: Annotated[Decimal, Meta(description="-90 to 90")]
    longitude: Annotated[Decimal, Meta(description="-180 to 180")]
    address: Annotated[str, Meta(max_length=500)] = ""


class LocationOut(Out, kw_only=True, frozen=True):
    """Position in degrees, null where unknown."""

    latitude: float | None
    longitude: float | None
    address: str


class PickupPointIn(In, kw_only=True, frozen=True):
    """A place where a farm hands over; without ``id`` it is a new one."""

    id: Id | None = None
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    address: Annotated[str, Meta(max_length=500)] = ""


class PickupPoint(Out, kw_only=True, frozen=True):
    """A place where a farm hands over."""

    id: str
    name: str
    address: str


class Farm(Out, kw_only=True, frozen=True):
    """A farm; ``distance_km`` where a position was asked from."""

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


class FarmsQuery(ListQuery, kw_only=True, frozen=True):
    """``near`` is ``latitude,longitude``; ``q`` a part of the name."""

    near: str | None = None
    radius_km: Annotated[float, Meta(gt=0, le=500)] | None = None
    q: Annotated[str, Meta(max_length=100)] = ""


class ChangeFarm(In, kw_only=True, frozen=True):
    """The fields to change."""

    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=10_000)] | UnsetType = UNSET
    location: Location | UnsetType | None = UNSET
    certifications: list[Annotated[str, Meta(min_length=1, max_length=100)]] | UnsetType = UNSET
    pickup_points: Annotated[list[PickupPointIn], Meta(max_length=50)] | UnsetType = UNSET
    order_minimum: Money | MinorUnits | UnsetType = UNSET
