"""The life cycle of a placed order: status steps of each farm's part, cancellation, expiry. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import attrs

from harvestd.kernel.errors import FieldError, IllegalTransition
from harvestd.kernel.events import Event
from harvestd.kernel.sentences import worded
from harvestd.market.orders.order import Part, Totals
from harvestd.market.pricing.amounts import Bill, Good, Pricing, bill, lowered

#: The steps that a farm may take, from each status of its part. Only the clock sets ``expired``.
STEPS: dict[str, frozenset[str]] = {
    "placed": frozenset({"confirmed", "cancelled"}),
    "confirmed": frozenset({"ready", "cancelled"}),
    "ready": frozenset({"out_for_delivery", "completed", "cancelled"}),
    "out_for_delivery": frozenset({"completed", "cancelled"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
}
#: The statuses in which a buyer may still cancel: nothing has left the farm.
WITHDRAWABLE = frozenset({"placed", "confirmed", "ready"})
#: The statuses in which a farm, or the market's staff, may cancel.
CANCELLABLE = frozenset(status for status, steps in STEPS.items() if "cancelled" in steps)
OVER = frozenset({"cancelled", "expired"})
#: The order of the statuses; an order is as far as its least advanced part that is neither cancelled nor expired.
PROGRESS = ("placed", "confirmed", "ready", "out_for_delivery", "completed")


@attrs.frozen(kw_only=True)
class Standing:
    """An order in its current state, from its locked rows; a guest's has no ``buyer_id``. Of one with ``terms``, by which more than its goods is billed,
    ``goods`` are all its lines, and ``left`` is whether any of it was ever on its way."""

    id: str
    number: str
    buyer_id: str | None
    status: str
    version: int
    parts: tuple[Part, ...]
    totals: Totals
    terms: Pricing | None = None
    goods: tuple[Good, ...] = ()
    left: bool = False

    @property
    def ways(self) -> dict[str, str]:
        """How the goods of each farm reach their buyer."""
        return {part.farm_id: part.method for part in self.parts}


@attrs.frozen
class Billed:
    """What an order comes to after a change, and the rules by which it does from then on."""

    bill: Bill
    terms: Pricing


@attrs.frozen(kw_only=True)
class Moved:
    """A change of an order: the parts that change to ``to``, by whom and why, and the consequences; ``billed`` is None if no amounts but the sum of
    the goods changed."""

    actor: str
    reason: str
    to: str
    farms: tuple[str, ...]
    status: str
    version: int
    totals: Totals
    events: tuple[Event, ...]
    billed: Billed | None = None


Actor = Literal["buyer", "farm", "admin", "clock"]


def acting(order: Standing, *, buyer: bool, staff: bool, farms: Collection[str]) -> tuple[Actor, list[str] | None]:
    """The actor's role for a whole order, and the farms whose parts they act on (None: all). ``farms`` are the actor's own."""
    if buyer:
        return "buyer", None
    return ("admin", None) if staff else ("farm", [part.farm_id for part in order.parts if part.farm_id in farms])


def move(order: Standing, farm_id: str, to: str, actor: Actor, reason: str) -> Moved:
    """Move a farm's part to its next status, for the farm or the market's staff; raises :class:`IllegalTransition` with the
    possible steps. A step to ``cancelled`` is :func:`cancel` of that part."""
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
    """Whether :func:`cancel` would succeed."""
    try:
        return bool(_cancellable(order, farms, actor))
    except IllegalTransition:
        return False


def cancel(order: Standing, farms: Sequence[str] | None, actor: Actor, reason: str) -> Moved:
    """Cancel the parts of ``farms``, or all that are not over yet; raises :class:`IllegalTransition`.

    A buyer may cancel while nothing has left a farm; a farm and the market's staff as :data:`STEPS` allows.
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
    """Expire the parts that no farm confirmed before the hold ran out; None if there are none."""
    waiting = tuple(part.farm_id for part in order.parts if part.status == "placed")
    return _moved(order, waiting, "expired", "clock", "no farm confirmed it in time") if waiting else None


def status_of(parts: Sequence[Part]) -> str:
    """The order's status: that of its least advanced part that is neither cancelled nor expired; if there is none, how they ended."""
    live = [PROGRESS.index(part.status) for part in parts if part.status not in OVER]
    if live:
        return PROGRESS[min(live)]
    return "expired" if all(part.status == "expired" for part in parts) else "cancelled"


def totals_of(parts: Sequence[Part], totals: Totals) -> Totals:
    """Goods of the parts that are neither cancelled nor expired; an order without any keeps the agreed total, for accounting."""
    standing = [part.subtotal for part in parts if part.status not in OVER]
    return attrs.evolve(totals, goods=sum(standing)) if standing else totals


def billed_of(order: Standing, parts: Sequence[Part]) -> Billed | None:
    """What is left of an order that is billed by more than its goods, where a part of it has ended: by the rules that were kept with it, of which none may
    cost its buyer what they had come to. None if nothing is left, and for any other order."""
    standing = {part.farm_id for part in parts if part.status not in OVER}
    before = {part.farm_id for part in order.parts if part.status not in OVER}
    if order.terms is None or not standing or standing == before:
        return None
    were, are = ([good for good in order.goods if good.farm_id in farms] for farms in (before, standing))
    terms = lowered(order.terms, were, are, order.ways)
    return Billed(bill(are, terms, order.ways), terms)


def gives_coupon_back(order: Standing, moved: Moved) -> bool:
    """Whether the use of its coupon is given back: the whole order ends, and nothing of it was ever on its way."""
    return order.terms is not None and order.terms.discount is not None and moved.status in OVER and not order.left


def _moved(order: Standing, farms: tuple[str, ...], to: str, actor: Actor, reason: str) -> Moved:
    before = {part.farm_id: part.status for part in order.parts}
    parts = [attrs.evolve(part, status=to) if part.farm_id in farms else part for part in order.parts]
    status, version = status_of(parts), order.version + 1
    billed = billed_of(order, parts)
    totals = totals_of(parts, order.totals)
    if billed is not None:
        totals = Totals.of(billed.bill, billed.terms.tax_included)
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
        totals=totals,
        events=tuple(events),
        billed=billed,
    )


def told(moved: Moved, families: Sequence[str] = ()) -> tuple[Event, ...]:
    """The events of a change; the first carries the cache families that it invalidates."""
    if not families:
        return moved.events
    first, *rest = moved.events
    return (attrs.evolve(first, data=first.data | {"families": list(families)}), *rest)
