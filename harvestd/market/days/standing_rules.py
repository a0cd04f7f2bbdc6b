"""What becomes of a market day that orders stand on, or quotes that are held, and of the pick-up points of its windows. Pure.

Refused, with how many stand in the way: that a farm leaves, a window goes or changes its method, a point goes. Carried out and told: another time or place
of a window, by one mail for each order and one for each farm. Carried out and shown by the orders from then on: the day's name. Nothing to them is the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any

import attrs
import msgspec

from harvestd.kernel.errors import FieldError

#: What of a pick-up point says where it is.
WHERE = ("id", "name", "address", "position")


class Stands(msgspec.Struct, frozen=True):
    """How many orders stand on something, and how many quotes that are held, until when at most (None: there are none)."""

    orders: int = 0
    holds: int = 0
    until: datetime | None = None


#: What nothing stands on.
NOBODY = Stands()


class OfFarm(msgspec.Struct, frozen=True):
    """What a day has of a farm."""

    farm_id: str
    name: str
    stands: Stands


class AtPoint(msgspec.Struct, frozen=True):
    """A window at a pick-up point, of a day that is not over; what stands on it, and whether any of its orders is still to be handed over."""

    window_id: str
    day_id: str
    stands: Stands
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


def left(field: str, farms: Iterable[OfFarm], now: datetime) -> Iterator[FieldError]:
    """The faults of farms that have orders, or quotes that are held, and are to leave."""
    for one in farms:
        orders, holds, most = _numbers(one.stands, now)
        if one.stands.orders:
            message = f"leaves out {one.name}, of which there are orders ({orders}); cancel them first"
            yield FieldError(field, message, code="has-orders", params={"orders": orders, "farm": one.name})
        else:
            message = (
                f"leaves out {one.name}, of which quotes are held ({holds}), for {most} minutes at most; try again then"
            )
            params = {"orders": orders, "farm": one.name, "holds": holds, "minutes": most, "reason": "farm-held"}
            yield FieldError(field, message, code="has-orders", params=params)


def stays(field: str, stands: Stands, now: datetime) -> FieldError:
    """The fault of what is to go, or to become something else, while something stands on it: quotes end by themselves, orders do not."""
    orders, holds, most = _numbers(stands, now)
    if stands.orders:
        message = f"stays as it is: orders stand on it ({orders}); cancel them first"
        return FieldError(field, message, code="has-orders", params={"orders": orders})
    message = f"stays as it is: quotes are held ({holds}) that stand on it, for {most} minutes at most; try again then"
    params = {"orders": orders, "holds": holds, "minutes": most, "reason": "held"}
    return FieldError(field, message, code="has-orders", params=params)


def minutes(stands: Stands, now: datetime) -> int:
    """How many minutes quotes are held at most, 0 if there are none."""
    return 0 if stands.until is None else max(1, ceil((stands.until - now).total_seconds() / 60))


def named(field: str, orders: int) -> FieldError:
    """The fault of a day that is to be deleted and that orders name, whatever became of them."""
    message = f"is named by orders ({orders}), which stay for the books"
    return FieldError(field, message, code="has-orders", params={"orders": str(orders), "reason": "named"})


def _numbers(stands: Stands, now: datetime) -> tuple[str, str, str]:
    """Of orders, of quotes that are held, and of minutes until the last of these is over."""
    return str(stands.orders), str(stands.holds), str(minutes(stands, now))


def at_point(field: str, windows: Sequence[AtPoint], now: datetime) -> list[FieldError]:
    """The fault of a pick-up point that is to go while orders are for windows at it, or quotes."""
    known = together([one.stands for one in windows])
    return [stays(field, known, now)] if known.orders or known.holds else []


def together(some: Sequence[Stands]) -> Stands:
    """What stands on several windows."""
    until = max((one.until for one in some if one.until is not None), default=None)
    return Stands(sum(one.orders for one in some), sum(one.holds for one in some), until)
