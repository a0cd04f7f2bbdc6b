"""Windows of market days as an order takes them: what is refused, by name. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import msgspec

from harvestd.kernel.errors import FieldError, MarketClosed
from harvestd.kernel.sentences import worded
from harvestd.market.days.day_rules import closes_for
from harvestd.market.days.slots import Hours, Slot
from harvestd.market.farms.delivery_rules import codes_in, postcode
from harvestd.market.orders.delivery_rules import Farm, Way


@attrs.frozen
class Booked:
    """The window of a farm's part."""

    way: Way
    slot: Slot


def booked(farms: Mapping[str, Farm], ways: Sequence[Way], slots: Mapping[str, Slot]) -> dict[str, Booked]:
    """The window of each farm's part, as far as there is one that exists."""
    return {
        farm_id: Booked(way, slots[way.window_id])
        for way in ways
        for farm_id in (farms if way.farm_id is None else [way.farm_id])
        if farm_id in farms and way.window_id is not None and way.window_id in slots
    }


def faults(farms: Mapping[str, Farm], ways: Sequence[Way], slots: Mapping[str, Slot]) -> Iterator[FieldError]:
    """Faults of the windows that are asked for, or are missing, in a market that sells by days."""
    for way in ways:
        if way.farm_id is not None and way.farm_id not in farms:
            continue  # which is a fault of its own
        field = way.at("window_id")
        if way.window_id is None:
            message = "is needed: this market sells by market days; GET /api/cart/windows lists the windows"
            yield FieldError(field, message, code="required", params={"reason": "by-days"})
        elif way.window_id not in slots:
            message = "is no window; GET /api/cart/windows lists them"
            yield FieldError(field, message, code="not-found", params={"list": "GET /api/cart/windows"})
        else:
            yield from _unfit(way, slots[way.window_id], farms)
    if not ways:
        message = (
            "with a window_id is needed: this market sells by market days; GET /api/cart/windows lists the windows"
        )
        yield FieldError("fulfilment", message, code="required", params={"reason": "by-days"})


def _unfit(way: Way, slot: Slot, farms: Mapping[str, Farm]) -> Iterator[FieldError]:
    """Faults of a way that does not go with its window, and of farms that do not take part."""
    if way.method != slot.method:
        message = f"must be {slot.method}, as the window is for that"
        params = {"allowed": slot.method, "reason": "by-window"}
        yield FieldError(way.at("method"), message, code="not-one-of", params=params)
    if (
        way.pickup_point_id is not None
        and slot.method == "pickup"
        and (slot.point or {}).get("id") != way.pickup_point_id
    ):
        message = "is not where this window is; leave it out"
        yield FieldError(way.at("pickup_point_id"), message, code="not-accepted", params={"reason": "by-window"})
    if way.method == slot.method == "delivery" and way.address and not _delivers(slot.area, way.address):
        message = "has none of the postcodes of this window; choose another window"
        yield FieldError(way.at("address"), message, code="not-accepted", params={"reason": "outside-area"})
    for farm_id in farms if way.farm_id is None else [way.farm_id] if way.farm_id in farms else []:
        if (slot.leads is not None and farm_id not in slot.leads) or slot.farm_id not in (None, farm_id):
            name = farms[farm_id].name
            message = f"is not for {name}, which has no part in it; choose another window for it"
            named = {"reason": "farm-of-window", "farm": name}
            yield FieldError(way.at("window_id"), message, code="not-found", params=named)


def _delivers(area: Mapping[str, Any] | None, address: str) -> bool:
    """Whether deliveries go to an address, as far as is known: an address has no position, so circles and polygons are for people to look at."""
    if area is None or area["postcodes"] is None:
        return True
    said = codes_in(address)
    return any(postcode(code) in said for code in area["postcodes"])


def check_open(
    parts: Mapping[str, Booked], farms: Mapping[str, Farm], now: datetime, held: Container[str] = ()
) -> None:
    """Raise :class:`MarketClosed` if a day has not opened yet or is closed, for all or for a farm that needs longer, or if its window has begun; where a place is ``held``
    in the window, only if the day is cancelled, or the window over."""
    late = [
        fault
        for farm_id, one in parts.items()
        if (fault := (_lost(one, now) if one.slot.id in held else _late(one, farm_id, farms[farm_id].name, now)))
    ]
    if late:
        raise MarketClosed("ordering for this window is over, or has not begun", tuple(dict.fromkeys(late)))


def takes_orders(hours: Hours, now: datetime) -> bool:
    """Whether a window takes orders of a farm now."""
    return _is_open(hours, now) and now < closes_for(hours.closes_at, hours.lead_minutes)


def takes_changes(hours: Hours, now: datetime) -> bool:
    """Whether a window takes changes of what is ordered for it: as long as it takes orders, or would if it were not full."""
    full = hours.status == "closed" and hours.closed_full
    return takes_orders(msgspec.structs.replace(hours, status="open") if full else hours, now)


def _is_open(hours: Hours, now: datetime) -> bool:
    return hours.status == "open" and hours.opens_at <= now < min(hours.closes_at, hours.starts_at)


def _late(one: Booked, farm_id: str, name: str, now: datetime) -> FieldError | None:
    field, slot, hours = one.way.at("window_id"), one.slot, one.slot.hours(farm_id)
    if not _is_open(hours, now):
        return _closed(field, slot)
    if not takes_orders(hours, now):
        message = f"is closed for {name}, which needs longer to get ready; choose another window for it"
        return FieldError(field, message, code="expired", params={"reason": "farm-closed", "farm": name})
    return None


def _lost(one: Booked, now: datetime) -> FieldError | None:
    """The fault of a window whose place is held, and of no use any more: no cut-off takes it away."""
    field, slot = one.way.at("window_id"), one.slot
    if slot.status == "cancelled":
        message = f"is of {slot.day_name}, which was cancelled; choose another window"
        return FieldError(field, message, code="expired", params={"reason": "day-cancelled", "value": slot.day_name})
    return _closed(field, slot) if slot.status == "done" or slot.ends_at <= now else None


def _closed(field: str, slot: Slot) -> FieldError:
    message = f"is of {slot.day_name}, which does not take orders now; choose another window"
    return FieldError(field, message, code="expired", params={"reason": "day-closed", "value": slot.day_name})


def closed() -> MarketClosed:
    """For an order without a window while no day is open."""
    return MarketClosed(worded("the market is closed; GET /api/market-days says when it opens"))


def shown(slot: Slot) -> dict[str, Any]:
    """The window as the contract shows it in an order."""
    return {
        "id": slot.id, "market_day_id": slot.day_id, "market_day_name": slot.day_name, "from": slot.starts_at, "to": slot.ends_at
    }  # fmt: skip
