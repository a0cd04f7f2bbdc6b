"""What becomes of a market day that orders stand on, and of the pick-up points of its windows. Pure.

Refused, with how many orders stand in the way: that a farm leaves, a window goes or changes its method, a point goes. Carried out and told: another time or place
of a window, by one mail for each order and one for each farm. Carried out and shown by the orders from then on: the day's name. Nothing to them is the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import msgspec

from harvestd.kernel.errors import FieldError

#: What of a pick-up point says where it is.
WHERE = ("id", "name", "address", "position")


class OfFarm(msgspec.Struct, frozen=True):
    """How many orders a day has of a farm."""

    farm_id: str
    name: str
    orders: int


class AtPoint(msgspec.Struct, frozen=True):
    """A window at a pick-up point, of a day that is not over; how many places of it are taken, and whether any of these orders is still to be handed over."""

    window_id: str
    day_id: str
    orders: int
    live: bool


@attrs.frozen
class At:
    """When and where a window is; ``point`` as it is stored."""

    start: datetime
    end: datetime
    point: Mapping[str, Any] | None

    def same(self, other: At) -> bool:
        """Whether whoever goes by the one comes right by the other."""
        return (self.start, self.end) == (other.start, other.end) and here(self.point, other.point)


def here(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two pick-up points, as they are stored, are in one place and have one name."""
    if one is None or other is None:
        return one is other
    return all((one.get(name) or None) == (other.get(name) or None) for name in WHERE)


def left(field: str, farms: Iterable[OfFarm]) -> list[FieldError]:
    """The faults of farms that have orders, and are to leave."""
    return [
        FieldError(
            field, f"leaves out {one.name}, of which there are orders ({one.orders}); cancel or move them first", code="has-orders",
            params={"orders": str(one.orders), "farm": one.name},
        )
        for one in farms
    ]  # fmt: skip


def stays(field: str, orders: int) -> FieldError:
    """The fault of what is to go, or to become something else, and has orders."""
    message = f"stays as it is: orders stand on it ({orders}); cancel or move them first"
    return FieldError(field, message, code="has-orders", params={"orders": str(orders)})


def at_point(field: str, windows: Sequence[AtPoint]) -> list[FieldError]:
    """The fault of a pick-up point that is to go while orders are for windows at it."""
    orders = sum(one.orders for one in windows)
    return [stays(field, orders)] if orders else []
