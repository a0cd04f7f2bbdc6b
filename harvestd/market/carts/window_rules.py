"""Which windows of market days can take a cart: all of it, or what of it is from some farms. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs

from harvestd.market.days.day_rules import closes_for
from harvestd.market.days.load_rules import Load, Terms, together
from harvestd.market.days.slots import Slot


@attrs.frozen
class Offer:
    """A window, the farms of the cart whose goods it can take, whether these are all of them, what is left of it, and until when it can be ordered for."""

    slot: Slot
    farms: tuple[str, ...]
    common: bool
    left: Mapping[str, int]
    closes_at: datetime


def offers(slots: Iterable[Slot], loads: Mapping[str, Sequence[Load]], terms: Terms, now: datetime) -> list[Offer]:
    """The windows of open days with enough left for the cart's goods of the farms that take part and are still in time; those for all of its farms first,
    then by when they begin. Of an empty cart every window with a place."""
    found = []
    for slot in slots:
        farms = tuple(farm_id for farm_id in loads if _takes(slot, farm_id, now))
        wanted = together((one for farm_id in farms for one in loads[farm_id]), terms)
        if (loads and not farms) or slot.capacity.short(slot.taken, wanted) or slot.capacity.is_full(slot.taken):
            continue
        lead = max((_lead(slot, farm_id) for farm_id in farms), default=0)
        closes_at = min(closes_for(slot.closes_at, lead), slot.starts_at)
        found.append(Offer(slot, farms, len(farms) == len(loads), slot.capacity.left(slot.taken), closes_at))
    return sorted(found, key=lambda one: (not one.common, one.slot.starts_at, one.slot.id))


def _lead(slot: Slot, farm_id: str) -> int:
    return (slot.leads or {}).get(farm_id, 0)


def _takes(slot: Slot, farm_id: str, now: datetime) -> bool:
    part = slot.leads is None or farm_id in slot.leads
    return part and slot.farm_id in (None, farm_id) and now < closes_for(slot.closes_at, _lead(slot, farm_id))
