"""The life cycle of a placed order: the steps of each farm's part, and who may take them, cancel it and change it, in which status. Pure.

What becomes of an order by a step is in ``stepping.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import attrs

from harvestd.kernel.errors import FieldError, IllegalTransition
from harvestd.kernel.languages import Status
from harvestd.kernel.sentences import worded
from harvestd.market.orders.order import OVER, Line, Part, Totals
from harvestd.market.pricing.terms import PLAIN, Pricing

Actor = Literal["buyer", "farm", "admin", "clock"]
Change = Literal["amend", "extend", "short", "weigh", "answer"]

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
#: The statuses of what has not left its farm.
WITHDRAWABLE = frozenset({"placed", "confirmed", "ready"})
#: The statuses in which a part can be cancelled.
CANCELLABLE = frozenset(status for status, steps in STEPS.items() if "cancelled" in steps)
#: The reason of what is cancelled with its market day, if the staff gave none for that.
CALLED_OFF = "the market day was cancelled"
#: Who may cancel a part, in which of its statuses: its buyer until it has left the farm, unless something was weighed for them, its farm and the market's staff as
#: :data:`STEPS` allows. What is weighed in a market day is the buyer's until that is closed, as for their amendments.
CANCELS: dict[Actor, frozenset[str]] = {"buyer": WITHDRAWABLE, "farm": CANCELLABLE, "admin": CANCELLABLE}
#: The order of the statuses; an order is as far as its least advanced part that is neither cancelled nor expired.
PROGRESS = ("placed", "confirmed", "ready", "out_for_delivery", "completed")


#: Who may change what of a part, in which of its statuses, besides its status. Its buyer changes it until its farm has confirmed it; the farm and the market's staff
#: as long as nothing has left the farm, with a reason. Who delivers may weigh what they hand over. An order is extended by the part of a farm that is new in it.
CHANGES: dict[Change, dict[Actor, frozenset[str]]] = {
    "amend": {"buyer": frozenset({"placed"}), "farm": WITHDRAWABLE, "admin": WITHDRAWABLE},
    "extend": {"buyer": WITHDRAWABLE, "farm": WITHDRAWABLE, "admin": WITHDRAWABLE},
    "short": {"farm": WITHDRAWABLE, "admin": WITHDRAWABLE},
    "weigh": {"farm": WITHDRAWABLE | {"out_for_delivery"}, "admin": WITHDRAWABLE | {"out_for_delivery"}},
    "answer": {"buyer": WITHDRAWABLE, "clock": frozenset(STEPS)},
}


@attrs.frozen(kw_only=True)
class Standing:
    """An order in its current state, from its locked rows: its lines without those that were taken out; a guest's has no ``buyer_id``; ``pricing`` are the rules
    by which it is billed, ``left`` is whether any of it was ever on its way."""

    id: str
    number: str
    buyer_id: str | None
    status: str
    version: int
    parts: tuple[Part, ...]
    totals: Totals
    lines: tuple[Line, ...] = ()
    pricing: Pricing = PLAIN
    left: bool = False

    def in_place_of(self, line_id: str) -> tuple[Line, ...]:
        """What came in a line's place, of farms whose part is not over: what is over keeps its lines for the books."""
        return tuple(one for one in self.lines if one.replaces == line_id and self.part(one.farm_id).status not in OVER)

    def part(self, farm_id: str) -> Part:
        """The part of one of its farms."""
        return next(part for part in self.parts if part.farm_id == farm_id)


def acting(order: Standing, *, buyer: bool, staff: bool, farms: Collection[str]) -> tuple[Actor, list[str] | None]:
    """The actor's role for a whole order, and the farms whose parts they act on (None: all). ``farms`` are the actor's own."""
    if buyer:
        return "buyer", None
    return ("admin", None) if staff else ("farm", [part.farm_id for part in order.parts if part.farm_id in farms])


def require_step(order: Standing, farm_id: str, to: str) -> None:
    """Raise :class:`IllegalTransition` unless this is a step of a farm's part."""
    part = order.part(farm_id)
    if to not in STEPS[part.status]:
        possible = ", ".join(sorted(STEPS[part.status]))
        message = f"possible now: {possible}" if possible else "nothing more is possible: this part is final"
        params = {"allowed": possible} if possible else {"allowed": "", "reason": "final"}
        error = FieldError("to", message, code="not-one-of", params=params)
        same = worded("this part is already {to}", to=Status(to))
        other = worded("this part is {status}, which cannot become {to}", status=Status(part.status), to=Status(to))
        raise IllegalTransition(same if part.status == to else other, (error,))


#: A market without market days: what a part is closed by is its status.
NO_DAYS: Mapping[str, bool] = {}


def changeable(change: Change, status: str, actor: Actor, day_open: bool | None = None) -> bool:
    """Whether somebody may change a part of this status so. Its buyer may amend one that belongs to a market day until that is closed, confirmed or
    not."""
    if actor == "buyer" and change in ("amend", "extend") and day_open is not None:
        return day_open and status in WITHDRAWABLE
    return status in CHANGES[change].get(actor, frozenset())


def require(
    order: Standing, farm_id: str, change: Change, actor: Actor, open_days: Mapping[str, bool] = NO_DAYS
) -> Part:
    """A part that somebody is about to change; raises :class:`IllegalTransition` if they may not, or no longer. ``open_days`` says of the parts that belong
    to a market day whether that is open."""
    part = order.part(farm_id)
    if changeable(change, part.status, actor, open_days.get(farm_id)):
        return part
    if actor == "buyer" and change in ("amend", "extend") and part.status in WITHDRAWABLE:
        raise IllegalTransition(
            worded("the part of {farm} can no longer be changed by you; ask the farm to do so", farm=part.farm_name)
        )
    raise IllegalTransition(
        worded(
            "the part of {farm} is already {status} and can no longer be changed",
            farm=part.farm_name,
            status=Status(part.status),
        )
    )


def can_cancel(
    order: Standing, farms: Sequence[str] | None, actor: Actor, open_days: Mapping[str, bool] = NO_DAYS
) -> bool:
    """Whether any part can be cancelled, and none of these is refused."""
    try:
        return bool(cancellable(order, farms, actor, open_days))
    except IllegalTransition:
        return False


def cancellable(
    order: Standing, farms: Sequence[str] | None, actor: Actor, open_days: Mapping[str, bool] = NO_DAYS
) -> tuple[str, ...]:
    """The farms whose parts are cancelled with those of ``farms``, or with all that are not over yet, as :data:`CANCELS` allows; raises :class:`IllegalTransition`."""
    own = [part for part in order.parts if (farms is None or part.farm_id in farms)]
    live = [part for part in own if part.status not in OVER]
    if not live:
        raise IllegalTransition(worded("this order is already {status}", status=Status(order.status)))
    refused = next((part for part in live if not _may_cancel(order, part, actor, open_days)), None)
    if refused is None:
        return tuple(part.farm_id for part in live)
    if actor == "buyer" and refused.status in WITHDRAWABLE:
        raise IllegalTransition(
            worded(
                "what {farm} has weighed for you can no longer be cancelled by you; ask the farm, or the market's staff, to do so",
                farm=refused.farm_name,
            )
        )
    raise IllegalTransition(
        worded(
            "the part of {farm} is already {status} and can no longer be cancelled",
            farm=refused.farm_name,
            status=Status(refused.status),
        )
    )


def _may_cancel(order: Standing, part: Part, actor: Actor, open_days: Mapping[str, bool]) -> bool:
    if part.status not in CANCELS.get(actor, frozenset()):
        return False
    weighed = any(line.weighed is not None for line in order.lines if line.farm_id == part.farm_id)
    return actor != "buyer" or not weighed or open_days.get(part.farm_id, False)


def status_of(parts: Sequence[Part]) -> str:
    """The order's status: that of its least advanced part that is neither cancelled nor expired; if there is none, how they ended."""
    live = [PROGRESS.index(part.status) for part in parts if part.status not in OVER]
    if live:
        return PROGRESS[min(live)]
    return "expired" if all(part.status == "expired" for part in parts) else "cancelled"
