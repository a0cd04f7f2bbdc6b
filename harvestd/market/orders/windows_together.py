"""The windows of orders that are placed together: their days, and then what is left of them, are locked once, and each order has what those before it leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import msgspec

from harvestd.kernel.events import Event
from harvestd.market.days import day_steps, slot_rows, standing_rows
from harvestd.market.days.slot_rows import NOTHING, NOTHING_HELD
from harvestd.market.days.slots import Slot
from harvestd.market.days.standing_rules import Stands
from harvestd.market.days.window_rules import MEASURES, Capacity, Measures
from harvestd.market.orders import windows
from harvestd.market.orders.delivery_rules import Way
from harvestd.market.orders.order import Placed
from harvestd.market.orders.windows import Booking
from harvestd.unit_of_work import UnitOfWork


async def begin(unit: UnitOfWork, asked: Sequence[Sequence[Way]], by_days: bool) -> list[Booking | None]:
    """The windows of each order, before any product is locked, as :func:`windows.begin` has them of one; ``by_days`` is whether the market sells by days."""
    named = [{way.window_id for way in ways if way.window_id is not None} for ways in asked]
    every = sorted(set[str]().union(*named))
    slots = await slot_rows.lock(unit.tx, every) if every else {}
    return [
        Booking(ways, {id: slots[id] for id in sorted(ids) if id in slots}) if ids or by_days else None
        for ways, ids in zip(asked, named, strict=True)
    ]


@attrs.define
class Places:
    """``room`` is what each locked window holds and what is taken of that by now, ``taken`` what each order takes, by the order's and the window's id, and what
    was held of it. Once somebody has to know, ``open`` are all that take orders, and ``stands`` is what stands on the locked ones."""

    room: dict[str, tuple[Capacity, Measures]]
    taken: list[tuple[str, str, Measures, Measures]] = attrs.field(factory=list)
    open: list[Slot] | None = None
    stands: Mapping[str, Stands] | None = None

    async def take(
        self, unit: UnitOfWork, booking: Booking, order: Placed, held: Mapping[str, Measures] = NOTHING_HELD
    ) -> list[Event]:
        """Have an order that was decided take its places, less what is ``held`` for it already; returns what tells of it. Raises ``WindowFull``, and takes nothing, if a
        window has not that much left in any measure."""
        at = {farm_id: one.slot.id for farm_id, one in booking.parts.items()}
        wanted = windows.measured(((x.farm_id, at[x.farm_id], x.load) for x in order.lines), windows.terms(unit.parts))
        short = {
            id
            for id, measures in wanted.items()
            if id not in self.room or self._short(id, measures, held.get(id, NOTHING))
        }
        if short:
            lacking = [one for one in booking.parts.values() if one.slot.id in short]
            raise windows.none_left(unit, await self._others(unit), await self._stands(unit), lacking, wanted)
        for id, measures in wanted.items():
            capacity, before = self.room[id]
            own = held.get(id, NOTHING)
            self.room[id] = capacity, before.more(measures).less(own)
            self.taken.append((order.id, id, measures, own))
        return windows.changed(one.slot.day_id for one in booking.parts.values())

    def store(self, unit: UnitOfWork) -> None:
        """Store what is taken, with the commit at the latest."""
        if self.taken:
            slot_rows.take_all(unit.tx, self.taken)
            unit.on_commit(lambda: unit.parts.due(day_steps.TASK))

    async def _others(self, unit: UnitOfWork) -> list[Slot]:
        """The windows that may be named instead, read once: many orders may find one full. What the group has taken of them is taken."""
        if self.open is None:
            self.open = await slot_rows.of_open_days(unit.tx, unit.now, windows.MANY)
        return [
            msgspec.structs.replace(slot, **{f"taken_{name}": getattr(self.room[slot.id][1], name) for name in MEASURES})
            if slot.id in self.room else slot for slot in self.open
        ]  # fmt: skip

    async def _stands(self, unit: UnitOfWork) -> Mapping[str, Stands]:
        """What stands on the windows of these orders, read once, too."""
        if self.stands is None:
            self.stands = await standing_rows.on_windows(unit.tx, sorted(self.room), unit.now)
        return self.stands

    def _short(self, id: str, wanted: Measures, held: Measures) -> bool:
        """Whether less is left than is wanted beyond what is held, in any measure."""
        capacity, taken = self.room[id]
        return any(getattr(wanted, name) > getattr(held, name) for name in capacity.short(taken.less(held), wanted))


async def places(unit: UnitOfWork, bookings: Sequence[Booking | None]) -> Places:
    """What is left of the windows of these orders, locked after all else that they lock."""
    ids = {id for one in bookings if one is not None for id in one.slots}
    return Places(await slot_rows.lock_places(unit.tx, sorted(ids)) if ids else {})
