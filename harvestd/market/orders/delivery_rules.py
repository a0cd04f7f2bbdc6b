"""Fulfilment: each farm's part of an order has its own method. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    errors: list[FieldError] = []
    found: dict[str, dict[str, Any]] = {}
    for way in asked:
        errors += alone(way)
        if way.farm_id is not None and way.farm_id not in farms:
            errors.append(
                FieldError(
                    f"{way.path}.farm_id",
                    "is not a farm of this order",
                    code="not-found",
                    params={"reason": "no-farm-of-order"},
                )
            )
        elif way.farm_id in found:
            errors.append(FieldError(f"{way.path}.farm_id", "is already given above", code="given-twice"))
        for farm_id in farms if way.farm_id is None else [way.farm_id] if way.farm_id in farms else []:
            at_window = windows.get(farm_id)
            single = way.farm_id is not None or len(farms) == 1
            stored = (
                _stored(way, farm_id, farms[farm_id], alone=single) if at_window is None else _stored_at(way, at_window)
            )
            if isinstance(stored, FieldError):
                errors.append(stored)
            else:
                found[farm_id] = stored
    if missing := [farm.name for farm_id, farm in farms.items() if not errors and farm_id not in found]:
        names = ", ".join(missing)
        errors.append(
            FieldError(
                "fulfilments",
                f"does not say how the goods of {names} reach you",
                code="required",
                params={"farms": names},
            )
        )
    accept(*errors)
    return found


def alone(way: Way) -> list[FieldError]:
    """Faults of a fulfilment by itself, whichever farm it is for."""
    faults = []
    if way.market_day_id is not None:
        message = "is of no use, since window_id says which day it is; leave it out"
        params = {"reason": "day-of-window"}
        faults.append(FieldError(f"{way.path}.market_day_id", message, code="not-accepted", params=params))
    if way.method == "delivery" and not way.address:
        faults.append(
            FieldError(
                f"{way.path}.address", "is needed for delivery", code="required", params={"reason": "for-delivery"}
            )
        )
    if way.method == "delivery" and way.pickup_point_id is not None:
        message = "is only for the method pickup"
        faults.append(
            FieldError(f"{way.path}.pickup_point_id", message, code="not-accepted", params={"reason": "with-pickup"})
        )
    return faults


def _stored_at(way: Way, window: Mapping[str, Any]) -> dict[str, Any]:
    """The fulfilment in a window, whose pick-up point counts."""
    return {"method": way.method, **({"address": way.address} if way.address else {}), **window}


def _stored(way: Way, farm_id: str, farm: Farm, *, alone: bool) -> dict[str, Any] | FieldError:
    stored: dict[str, Any] = {"method": way.method}
    if way.address:
        stored["address"] = way.address
    if way.pickup_point_id is None or way.method == "delivery":
        return stored
    point = next((point for point in farm.pickup_points if point["id"] == way.pickup_point_id), None)
    if point is None:
        field, lister = f"{way.path}.pickup_point_id", f"GET /api/farms/{farm_id}"
        if alone:
            message = f"is not a pick-up point of {farm.name}; {lister} lists them"
            params = {"reason": "point-of-one-farm", "farm": farm.name, "list": lister}
            return FieldError(field, message, code="not-found", params=params)
        message = f"is not a pick-up point of {farm.name}; name one for each farm in fulfilments"
        return FieldError(field, message, code="not-found", params={"reason": "point-of-farm", "farm": farm.name})
    return stored | {"pickup_point": dict(point)}
