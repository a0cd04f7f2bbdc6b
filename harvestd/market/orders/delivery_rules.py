"""Fulfilment: each farm's part of an order has its own method. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept

#: The default: pick-up, at the farm.
PLAIN: dict[str, Any] = {"method": "pickup"}
NO_WINDOWS: Mapping[str, Mapping[str, Any]] = {}


@attrs.frozen(kw_only=True)
class Way:
    """The fulfilment that a request asks for; ``path`` is its place in the body. ``farm_id`` is None for one that covers all farms."""

    path: str
    farm_id: str | None = None
    method: str = "pickup"
    pickup_point_id: str | None = None
    address: str = ""
    market_day_id: str | None = None
    window_id: str | None = None

    def at(self, name: str) -> str:
        """The place of one of its fields in the body: all that a quote has is named by the quote."""
        return self.path if self.path == "quote_id" else f"{self.path}.{name}"


@attrs.frozen
class Farm:
    """A farm of an order, with its pick-up points as ``{id, name, address, position, hours}``."""

    name: str
    pickup_points: Sequence[Mapping[str, Any]] = ()


def chosen(
    farms: Mapping[str, Farm], asked: Sequence[Way], windows: Mapping[str, Mapping[str, Any]] = NO_WINDOWS
) -> dict[str, dict[str, Any]]:
    """The fulfilment of each farm's part, as it is stored, by farm.

    ``windows`` are those of the farms' parts, in a market that sells by days: ``{window, pickup_point?}``. ``asked`` is empty, one fulfilment for all farms, or one for each. A farm's pick-up point is valid for its own part only. Raises
    :class:`Invalid` with every fulfilment that is missing, wrong or of a farm that is not part of the order.
    """
    if not asked:
        return dict.fromkeys(farms, PLAIN)
    accept(*faults(farms, asked, windows))
    return {
        farm_id: _stored(way, farms[farm_id], windows.get(farm_id))
        for way in asked
        for farm_id in _concerned(way, farms)
    }


def faults(
    farms: Mapping[str, Farm], asked: Sequence[Way], windows: Mapping[str, Mapping[str, Any]]
) -> list[FieldError]:
    """Every fulfilment that is wrong or of a farm that is not part of the order; if none is, what is missing."""
    found: list[FieldError] = []
    given: set[str] = set()
    for way in asked:
        found += [*alone(way), *_misplaced(way, farms, given)]
        concerned = _concerned(way, farms)
        single = way.farm_id is not None or len(farms) == 1
        points = (_point_fault(way, id, farms[id], alone=single) for id in concerned if id not in windows)
        found += [fault for fault in points if fault is not None]
        given.update(concerned)
    return found or _missing(farms, given)


def _concerned(way: Way, farms: Mapping[str, Farm]) -> list[str]:
    """The farms whose parts it is for."""
    return [farm_id for farm_id in farms if way.farm_id in (None, farm_id)]


def _misplaced(way: Way, farms: Mapping[str, Farm], given: Collection[str]) -> Iterator[FieldError]:
    """That it is for a farm that is not part of the order, or for one that has one."""
    field = way.at("farm_id")
    if way.farm_id is not None and way.farm_id not in farms:
        params = {"reason": "no-farm-of-order"}
        yield FieldError(field, "is not a farm of this order", code="not-found", params=params)
    elif way.farm_id in given:
        yield FieldError(field, "is already given above", code="given-twice")


def _missing(farms: Mapping[str, Farm], given: Collection[str]) -> list[FieldError]:
    """That it is not said how the goods of some farms reach their buyer."""
    names = ", ".join(farm.name for farm_id, farm in farms.items() if farm_id not in given)
    message = f"does not say how the goods of {names} reach you"
    return [FieldError("fulfilments", message, code="required", params={"farms": names})] if names else []


def alone(way: Way) -> list[FieldError]:
    """Faults of a fulfilment by itself, whichever farm it is for."""
    faults = []
    if way.market_day_id is not None:
        message = "is of no use, since window_id says which day it is; leave it out"
        params = {"reason": "day-of-window"}
        faults.append(FieldError(way.at("market_day_id"), message, code="not-accepted", params=params))
    if way.method == "delivery" and not way.address:
        faults.append(
            FieldError(way.at("address"), "is needed for delivery", code="required", params={"reason": "for-delivery"})
        )
    if way.method == "delivery" and way.pickup_point_id is not None:
        message = "is only for the method pickup"
        faults.append(
            FieldError(way.at("pickup_point_id"), message, code="not-accepted", params={"reason": "with-pickup"})
        )
    return faults


def _stored(way: Way, farm: Farm, at_window: Mapping[str, Any] | None) -> dict[str, Any]:
    """A fulfilment without faults as it is kept with a farm's part; in a window, that has the pick-up point."""
    stored = {"method": way.method, **({"address": way.address} if way.address else {}), **(at_window or {})}
    point = None if at_window is not None or way.method == "delivery" else _point(way, farm)
    return stored if point is None else stored | {"pickup_point": dict(point)}


def _point(way: Way, farm: Farm) -> Mapping[str, Any] | None:
    return next((point for point in farm.pickup_points if point["id"] == way.pickup_point_id), None)


def _point_fault(way: Way, farm_id: str, farm: Farm, *, alone: bool) -> FieldError | None:
    """That the pick-up point is none of the farm's; ``alone`` is whether it is for this farm only."""
    if way.pickup_point_id is None or way.method == "delivery" or _point(way, farm) is not None:
        return None
    field, lister = way.at("pickup_point_id"), f"GET /api/farms/{farm_id}"
    if alone:
        message = f"is not a pick-up point of {farm.name}; {lister} lists them"
        params = {"reason": "point-of-one-farm", "farm": farm.name, "list": lister}
        return FieldError(field, message, code="not-found", params=params)
    message = f"is not a pick-up point of {farm.name}; name one for each farm in fulfilments"
    return FieldError(field, message, code="not-found", params={"reason": "point-of-farm", "farm": farm.name})
