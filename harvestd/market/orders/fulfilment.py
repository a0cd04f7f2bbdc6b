"""What becomes of a placed order: the steps of each farm's part, withdrawal, expiry. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import attrs

from harvestd.kernel.errors import FieldError, IllegalTransition
from harvestd.kernel.events import Event
from harvestd.kernel.sentences import worded
from harvestd.market.orders.placing import Part, Totals

#: From each status of a farm's part: where the farm may take it. ``expired`` is the clock's alone.
STEPS: dict[str, frozenset[str]] = {
    "placed": frozenset({"confirmed", "cancelled"}),
    "confirmed": frozenset({"ready", "cancelled"}),
    "ready": frozenset({"out_for_delivery", "completed", "cancelled"}),
    "out_for_delivery": frozenset({"completed", "cancelled"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
}
#: The statuses from which a buyer may still withdraw: nothing has left the farm.
WITHDRAWABLE = frozenset({"placed", "confirmed", "ready"})
#: Those from which a farm, or the market's staff, may.
CANCELLABLE = frozenset(status for status, steps in STEPS.items() if "cancelled" in steps)
OVER = frozenset({"cancelled", "expired"})
#: How far along; an order is as far as the least advanced of its parts that are not over.
PROGRESS = ("placed", "confirmed", "ready", "out_for_delivery", "completed")


@attrs.frozen(kw_only=True)
class Standing:
    """An order as its locked rows say it is now."""

    id: str
    number: str
    buyer_id: str
    status: str
    version: int
    parts: tuple[Part, ...]
    totals: Totals


@attrs.frozen(kw_only=True)
class Moved:
    """A change of an order: the parts that change to ``to``, by whom and why, and what follows from it."""

    actor: str
    reason: str
    to: str
    farms: tuple[str, ...]
    status: str
    version: int
    totals: Totals
    events: tuple[Event, ...]


Actor = Literal["buyer", "farm", "admin", "clock"]


def acting(order: Standing, *, buyer: bool, staff: bool, farms: Collection[str]) -> tuple[Actor, list[str] | None]:
    """As what somebody acts on an order as a whole, and on which farms' parts (None: on all). ``farms`` are theirs."""
    if buyer:
        return "buyer", None
    return ("admin", None) if staff else ("farm", [part.farm_id for part in order.parts if part.farm_id in farms])


def move(order: Standing, farm_id: str, to: str, actor: Actor, reason: str) -> Moved:
    """A farm (or the market's staff for it) takes its part a step further; raises :class:`IllegalTransition` with what is
    possible. To cancel a part so is :func:`cancel` of it."""
    part = next(part for part in order.parts if part.farm_id == farm_id)
    if to not in STEPS[part.status]:
        possible = ", ".join(sorted(STEPS[part.status]))
        message = f"possible now: {possible}" if possible else "nothing more is possible: this part is final"
        params = {"allowed": possible} if possible else {"allowed": "", "reason": "final"}
        error = FieldError("to", message, code="not-one-of", params=params)
        same = worded("this part is already {to}", to=to)
        other = worded("this part is {status}, which cannot become {to}", status=part.status, to=to)
        raise IllegalTransition(same if part.status == to else other, (error,))
    if to == "cancelled":
        return cancel(order, (farm_id,), actor, reason)
    return _moved(order, (farm_id,), to, actor, reason)


def can_cancel(order: Standing, farms: Sequence[str] | None, actor: Actor) -> bool:
    """Whether :func:`cancel` would do it."""
    try:
        return bool(_cancellable(order, farms, actor))
    except IllegalTransition:
        return False


def cancel(order: Standing, farms: Sequence[str] | None, actor: Actor, reason: str) -> Moved:
    """Withdraw the parts of ``farms``, or all that are not over; raises :class:`IllegalTransition`.

    A buyer may withdraw while nothing has left a farm; a farm and the market's staff as :data:`STEPS` has it.
    """
    return _moved(order, _cancellable(order, farms, actor), "cancelled", actor, reason)


def _cancellable(order: Standing, farms: Sequence[str] | None, actor: Actor) -> tuple[str, ...]:
    own = [part for part in order.parts if (farms is None or part.farm_id in farms)]
    live = [part for part in own if part.status not in OVER]
    if not live:
        raise IllegalTransition(worded("this order is already {status}", status=order.status))
    allowed = WITHDRAWABLE if actor == "buyer" else CANCELLABLE
    gone = [part for part in live if part.status not in allowed]
    if gone:
        raise IllegalTransition(
            worded(
                "the part of {farm} is already {status} and can no longer be cancelled",
                farm=gone[0].farm_name,
                status=gone[0].status,
            )
        )
    return tuple(part.farm_id for part in live)


def expire(order: Standing) -> Moved | None:
    """The hold ran out: the parts that no farm confirmed expire; None when there is none."""
    waiting = tuple(part.farm_id for part in order.parts if part.status == "placed")
    return _moved(order, waiting, "expired", "clock", "no farm confirmed it in time") if waiting else None


def status_of(parts: Sequence[Part]) -> str:
    """The order's status: its least advanced part that is not over; when all are, how they ended."""
    live = [PROGRESS.index(part.status) for part in parts if part.status not in OVER]
    if live:
        return PROGRESS[min(live)]
    return "expired" if all(part.status == "expired" for part in parts) else "cancelled"


def totals_of(parts: Sequence[Part], totals: Totals) -> Totals:
    """Goods of the parts that stand; an order that is over as a whole keeps what was agreed, for the books."""
    standing = [part.subtotal for part in parts if part.status not in OVER]
    return attrs.evolve(totals, goods=sum(standing)) if standing else totals


def _moved(order: Standing, farms: tuple[str, ...], to: str, actor: Actor, reason: str) -> Moved:
    before = {part.farm_id: part.status for part in order.parts}
    parts = [attrs.evolve(part, status=to) if part.farm_id in farms else part for part in order.parts]
    status, version = status_of(parts), order.version + 1
    base = {"order_id": order.id, "number": order.number, "buyer_id": order.buyer_id, "actor": actor, "reason": reason}
    events = [
        Event("order.updated", f"order:{order.id}", version,
              base | {"farm_id": farm, "from": before[farm], "to": to, "order_status": status})
        for farm in farms
    ]  # fmt: skip
    if status != order.status and status in ("completed", "cancelled", "expired"):
        events.append(Event(f"order.{status}", f"order:{order.id}", version, base))
    return Moved(
        actor=actor,
        reason=reason,
        to=to,
        farms=farms,
        status=status,
        version=version,
        totals=totals_of(parts, order.totals),
        events=tuple(events),
    )


def told(moved: Moved, families: Sequence[str] = ()) -> tuple[Event, ...]:
    """The events of a change, the first of them with what it made stale."""
    if not families:
        return moved.events
    first, *rest = moved.events
    return (attrs.evolve(first, data=first.data | {"families": list(families)}), *rest)
