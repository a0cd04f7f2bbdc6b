"""Steps of a placed order: what becomes of its parts, its status and its amounts, and who is told. Pure.

Who may take them is in ``fulfilment.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from harvestd.kernel.events import Event
from harvestd.market.orders.fulfilment import (
    CALLED_OFF,
    NO_DAYS,
    Actor,
    Standing,
    cancellable,
    require_step,
    status_of,
)
from harvestd.market.orders.order import OVER, Totals
from harvestd.market.orders.recomputing import Amounts, goods_of, recomputed


@attrs.frozen(kw_only=True)
class Moved:
    """A change of an order: the parts that change to ``to``, by whom and why, and the consequences; ``amounts`` is what it all comes to then."""

    actor: str
    reason: str
    to: str
    farms: tuple[str, ...]
    status: str
    version: int
    totals: Totals
    events: tuple[Event, ...]
    amounts: Amounts


def move(order: Standing, farm_id: str, to: str, actor: Actor, reason: str) -> Moved:
    """Move a farm's part to its next status, for the farm or the market's staff; raises :class:`IllegalTransition` with the
    possible steps. A step to ``cancelled`` is :func:`cancel` of that part."""
    require_step(order, farm_id, to)
    if to == "cancelled":
        return cancel(order, (farm_id,), actor, reason)
    return _moved(order, (farm_id,), to, actor, reason)


def cancel(
    order: Standing, farms: Sequence[str] | None, actor: Actor, reason: str, open_days: Mapping[str, bool] = NO_DAYS
) -> Moved:
    """Cancel the parts of ``farms``, or all that are not over yet, as :data:`CANCELS` allows; raises :class:`IllegalTransition`."""
    return _moved(order, cancellable(order, farms, actor, open_days), "cancelled", actor, reason)


def call_off(order: Standing, farms: Sequence[str], reason: str, day_id: str, day: str) -> Moved:
    """:func:`cancel` the parts of ``farms``, since the staff have cancelled their market day, which the events name."""
    moved = cancel(order, farms, "admin", reason or CALLED_OFF)
    named = {"market_day_id": day_id, "market_day": day}
    return attrs.evolve(moved, events=tuple(attrs.evolve(one, data=one.data | named) for one in moved.events))


def expire(order: Standing) -> Moved | None:
    """Expire the parts that no farm confirmed before the hold ran out; None if there are none."""
    waiting = tuple(part.farm_id for part in order.parts if part.status == "placed")
    return _moved(order, waiting, "expired", "clock", "no farm confirmed it in time") if waiting else None


def gives_coupon_back(order: Standing, status: str) -> bool:
    """Whether the use of its coupon is given back: the whole order ends, with this status, and nothing of it was ever on its way."""
    return order.pricing.discount is not None and status in OVER and not order.left


def _moved(order: Standing, farms: tuple[str, ...], to: str, actor: Actor, reason: str) -> Moved:
    before = {part.farm_id: part.status for part in order.parts}
    parts = [attrs.evolve(part, status=to) if part.farm_id in farms else part for part in order.parts]
    status, version = status_of(parts), order.version + 1
    amounts = recomputed(
        parts, order.lines, order.pricing, order.totals, lost=None if actor == "buyer" else goods_of(order.parts, order.lines)
    )  # fmt: skip
    base = {"order_id": order.id, "number": order.number, "buyer_id": order.buyer_id, "actor": actor, "reason": reason}
    events = [
        Event("order.updated", f"order:{order.id}", version,
              base | {"farm_id": farm, "from": before[farm], "to": to, "order_status": status})
        for farm in farms
    ]  # fmt: skip
    events += ended(order, status, version, actor, reason)
    return Moved(
        actor=actor,
        reason=reason,
        to=to,
        farms=farms,
        status=status,
        version=version,
        totals=amounts.totals,
        amounts=amounts,
        events=tuple(events),
    )


def ended(order: Standing, status: str, version: int, actor: Actor, reason: str) -> list[Event]:
    """The event of an order that is over with this version, and was not before."""
    if status == order.status or status not in ("completed", "cancelled", "expired"):
        return []
    data = {"order_id": order.id, "number": order.number, "buyer_id": order.buyer_id, "actor": actor, "reason": reason}
    return [Event(f"order.{status}", f"order:{order.id}", version, data)]


def told(moved: Moved, families: Sequence[str] = ()) -> tuple[Event, ...]:
    """The events of a change; the first carries the cache families that it invalidates."""
    return with_families(moved.events, families)


def with_families(events: tuple[Event, ...], families: Sequence[str]) -> tuple[Event, ...]:
    """The same events, of which the first carries the cache families that all invalidate."""
    if not families:
        return events
    first, *rest = events
    return (attrs.evolve(first, data=first.data | {"families": list(families)}), *rest)
