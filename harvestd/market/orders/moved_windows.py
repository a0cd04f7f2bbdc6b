"""Orders follow their market day: what they show of its name, and of the time and the place of their windows, becomes what these are by now.

It is read under the orders' locks, not taken from the event: events come in any order, and of two the later one finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import attrs

from harvestd.kernel.events import Event
from harvestd.market.days.standing_rules import here
from harvestd.market.orders import moved_rows as rows
from harvestd.market.orders.moved_rows import Outdated, public
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork

#: The orders that are changed in one unit of work; the others follow by an event of their own.
BATCH = 200


@attrs.frozen
class _Renewed:
    """A part, what it shows from now on, and whether it is handed over at another time or place."""

    part: Outdated
    shown: dict[str, Any]
    moved: bool


async def follow(unit: UnitOfWork, event: Envelope) -> None:
    """Have the orders of a market day show it as it is, and tell of those that are handed over at another time or place."""
    found = await rows.orders(unit.tx, event.data["market_day_id"], BATCH + 1)
    parts = [_renewed(part) for part in await rows.locked(unit.tx, found[:BATCH])] if found else []
    orders = [[*own] for _, own in groupby(parts, key=lambda one: one.part.order_id)]
    if orders:
        await rows.renew(unit.tx, [[(one.part, one.shown) for one in own] for own in orders], unit.now)
        for own in orders:
            unit.record(*_told(own))
    if len(found) > BATCH:
        data = {**event.data, "windows": [], "rest": True}
        unit.record(Event(event.type, event.aggregate, event.version, data))


def _renewed(part: Outdated) -> _Renewed:
    was, is_ = part.fulfilment.get("window", {}), part.window
    point = {} if part.point is None else {"pickup_point": part.point}
    shown = {**part.fulfilment, "window": is_, **point}
    elsewhere = part.point is not None and not here(part.fulfilment.get("pickup_point"), part.point)
    return _Renewed(part, shown, elsewhere or _times(was) != _times(is_))


def _times(window: dict[str, Any]) -> list[Any]:
    return [datetime.fromisoformat(window[name]) if name in window else None for name in ("from", "to")]


def _told(own: Sequence[_Renewed]) -> list[Event]:
    """That parts of an order show another window; and, in one event, that some of them are handed over at another time or place."""
    first = own[0].part
    base = {
        "order_id": first.order_id,
        "number": first.number,
        "buyer_id": first.buyer_id,
        "actor": "admin",
        "reason": "",
    }
    aggregate, version = f"order:{first.order_id}", first.version + 1
    steps = [
        Event(
            "order.updated", aggregate, version,
            base | {"farm_id": one.part.farm_id, "from": one.part.status, "to": one.part.status, "order_status": one.part.order_status},
        )
        for one in own
    ]  # fmt: skip
    moved = [
        {"farm_id": one.part.farm_id, "before": public(one.part.fulfilment), "after": public(one.shown)}
        for one in own
        if one.moved
    ]
    return [*steps, *([Event("order.moved", aggregate, version, base | {"parts": moved})] if moved else [])]
