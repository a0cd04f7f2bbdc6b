"""Great-circle distances in kilometres between positions in degrees, and what is within a circle or a polygon."""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, cos, degrees, radians, sin, sqrt

import attrs

#: Mean radius of the Earth (IUGG), and a little more than the longest distance on it.
RADIUS_KM = 6371.0088
FARTHEST_KM = 20_016.0


@attrs.frozen
class Box:
    """A box in degrees, west of which is never east of it: over the antimeridian it has every longitude."""

    south: float
    north: float
    west: float
    east: float


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The great-circle distance by the haversine formula."""
    a, b = radians(latitude), radians(other_latitude)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * RADIUS_KM * asin(min(1.0, sqrt(half)))


def is_inside(corners: Sequence[tuple[float, float]], latitude: float, longitude: float) -> bool:
    """Whether a position is within a polygon of latitudes and longitudes, in a plane of degrees (so not over the antimeridian): by how many of its sides
    a ray to the east crosses."""
    inside = False
    for (south, west), (north, east) in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        if (south > latitude) != (north > latitude):
            crossed = west + (latitude - south) / (north - south) * (east - west)
            inside = inside != (longitude < crossed)
    return inside


def shown_km(distance: float) -> float:
    """A distance as shown in all responses: rounded to the metre."""
    return round(distance, 3)


def box_around(latitude: float, longitude: float, radius_km: float) -> Box:
    """A box that contains every point within ``radius_km``."""
    high = degrees(radius_km / RADIUS_KM)
    south, north = max(-90.0, latitude - high), min(90.0, latitude + high)
    if south <= -90.0 or north >= 90.0:
        return Box(south, north, -180.0, 180.0)
    wide = degrees(asin(min(1.0, sin(radians(high)) / cos(radians(latitude)))))
    west, east = longitude - wide, longitude + wide
    return Box(south, north, west, east) if -180.0 < west and east < 180.0 else Box(south, north, -180.0, 180.0)
