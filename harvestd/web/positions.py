"""Positions in queries: ``near=latitude,longitude``."""

from __future__ import annotations

import math

from harvestd.market.errors import Invalid


def position(near: str, field: str = "near") -> tuple[float, float]:
    """The position in degrees; raises :class:`Invalid` naming ``field``."""
    try:
        latitude, longitude = (float(part) for part in near.split(","))
    except ValueError as error:
        raise Invalid.of(field, "must be latitude,longitude in degrees, such as 48.85,2.35") from error
    if not (math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180):
        raise Invalid.of(field, "latitude is -90 to 90 and longitude -180 to 180")
    return latitude, longitude
