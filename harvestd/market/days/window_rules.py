"""Windows of a market day: when and where goods are handed over, and for how many. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.quantities import positive

#: The measures of a window's capacity, and the most of each that can be said; weights are in grams.
MEASURES = ("orders", "crates", "grams")
MAX_PIECES = 1_000_000
#: What an area of a window has at most: less than a farm's, since a body may have a hundred windows.
MAX_WINDOW_POSTCODES, MAX_WINDOW_CORNERS = 150, 100
#: The postcodes and corners of all windows of a day, or of a schedule's round, together: each of its orders and its pages reads them all.
MAX_PLACES = 3000
GRAMS = Decimal(1000)


@attrs.frozen(kw_only=True)
class Measures:
    """So many orders, so many crates, and so much weight."""

    orders: int = 0
    crates: int = 0
    grams: int = 0

    def more(self, other: Measures) -> Measures:
        """With so much besides."""
        return Measures(
            orders=self.orders + other.orders, crates=self.crates + other.crates, grams=self.grams + other.grams
        )

    def less(self, other: Measures) -> Measures:
        """Without so much."""
        return Measures(
            orders=self.orders - other.orders, crates=self.crates - other.crates, grams=self.grams - other.grams
        )


@attrs.frozen(kw_only=True)
class Capacity:
    """What a window, or a pick-up point, holds; None: that is not counted."""

    orders: int | None = None
    crates: int | None = None
    grams: int | None = None

    def left(self, taken: Measures) -> dict[str, int]:
        """What is left, in each measure that is counted."""
        most = {name: getattr(self, name) for name in MEASURES}
        return {name: value - getattr(taken, name) for name, value in most.items() if value is not None}

    def short(self, taken: Measures, wanted: Measures) -> list[str]:
        """The measures in which less is left than is wanted."""
        return [name for name, left in self.left(taken).items() if left < getattr(wanted, name)]

    def is_full(self, taken: Measures) -> bool:
        """Whether not even the smallest order has a place."""
        return any(left <= 0 for left in self.left(taken).values())


def grams(weight_kg: Decimal) -> int:
    """Kilograms with three places as grams."""
    return int(weight_kg * GRAMS)


def capacity_faults(path: str, given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given members of a capacity."""
    for name in ("orders", "crates"):
        value = given.get(name)
        if value is not None and value < 1:
            message = "must be 1 or more; leave it out if it is not counted"
            yield FieldError(f"{path}.{name}", message, code="below-minimum", params={"minimum": "1"})
        elif value is not None and value > MAX_PIECES:
            message = f"must be at most {MAX_PIECES}; leave it out if it is not counted"
            yield FieldError(f"{path}.{name}", message, code="above-maximum", params={"maximum": str(MAX_PIECES)})
    if given.get("weight_kg") is not None and isinstance(
        fault := positive(f"{path}.weight_kg", given["weight_kg"]), FieldError
    ):
        yield fault


def capacity(given: Mapping[str, Any] | None) -> Capacity:
    """A capacity without faults."""
    if given is None:
        return Capacity()
    weight = given["weight_kg"]
    return Capacity(orders=given["orders"], crates=given["crates"], grams=None if weight is None else grams(weight))


def faults(path: str, given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given members of a window, but for those of its capacity and its area."""
    method, start, end = given.get("method"), given.get("from"), given.get("to")
    if start is not None and end is not None and end <= start:
        yield FieldError(f"{path}.to", "must be later than from", code="before-start")
    if method == "pickup" and "pickup_point_id" in given and given["pickup_point_id"] is None:
        message = "is needed for pick-up: a point of the market (GET /api/pickup-points) or of a farm"
        yield FieldError(f"{path}.pickup_point_id", message, code="required", params={"reason": "for-pickup"})
    if method == "pickup" and given.get("area") is not None:
        message = "is only for the method delivery"
        yield FieldError(f"{path}.area", message, code="not-accepted", params={"reason": "with-delivery"})
    if method == "delivery" and given.get("pickup_point_id") is not None:
        message = "is only for the method pickup"
        yield FieldError(f"{path}.pickup_point_id", message, code="not-accepted", params={"reason": "with-pickup"})


def places_fault(places: int) -> FieldError | None:
    """The fault of windows whose areas have so many postcodes and corners together."""
    if places <= MAX_PLACES:
        return None
    message = f"must have at most {MAX_PLACES} postcodes and corners together; leave out the area of those that go anywhere, or make another day"
    return FieldError("windows", message, code="too-long", params={"maximum": str(MAX_PLACES), "reason": "places"})


def too_early(path: str, end: datetime, opens_at: datetime) -> FieldError | None:
    """The fault of a window that is over before its day opens."""
    if end > opens_at:
        return None
    return FieldError(f"{path}.to", "must be later than the day's opens_at", code="before-start")


def below_taken(path: str, most: Capacity, taken: Measures) -> Iterator[FieldError]:
    """The faults of a capacity that is less than is taken of it, by placed orders and by quotes that are held."""
    for name in most.short(Measures(), taken):
        said = str(getattr(taken, name)) if name != "grams" else f"{taken.grams / GRAMS:f}"
        field = "weight_kg" if name == "grams" else name
        message = f"must be at least {said}, which orders and quotes that are held have taken"
        yield FieldError(f"{path}.capacity.{field}", message, code="below-reserved", params={"reserved": said})
