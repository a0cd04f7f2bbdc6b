"""Distances in SQL, as in :mod:`harvestd.kernel.geography`: one expression for the listing and for search."""

from __future__ import annotations

from harvestd.kernel.geography import RADIUS_KM


def distance_sql(latitude: str, longitude: str, from_latitude: str, from_longitude: str) -> str:
    """Kilometres between two positions; each argument is an SQL expression in degrees."""
    return f"""{2 * RADIUS_KM} * asin(least(1, sqrt(
        power(sin(radians({latitude} - {from_latitude}) / 2), 2) + cos(radians({from_latitude})) * cos(radians({latitude}))
        * power(sin(radians({longitude} - {from_longitude}) / 2), 2))))"""
