"""The places that quotes hold in the windows of market days: taken as one is held, returned once as it is replaced or over. An order of it makes them its own (``windows.take``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harvestd.kernel.errors import FieldError, MarketError, WindowFull
from harvestd.market.days import slot_rows
from harvestd.market.days.load_rules import Load
from harvestd.market.days.slot_rows import NOTHING
from harvestd.market.days.slots import Place
from harvestd.market.days.window_rules import Measures
from harvestd.market.orders import windows
from harvestd.market.orders.order import Line
from harvestd.market.orders.windows import Booking
from harvestd.unit_of_work import UnitOfWork


async def room(
    unit: UnitOfWork, booking: Booking, lines: Iterable[Line], own: Mapping[str, Place] | None
) -> tuple[MarketError, ...]:
    """The refusal of lines that would take more of their windows than is left; nothing is taken. ``own`` is what whoever asks holds, in order to hold these lines instead: then the
    windows are locked, as the last of all, so that what fits can be taken. None: they only ask."""
    wanted = _wanted(unit, booking, lines)
    there = {one.slot.id: (one.slot.capacity, one.slot.taken) for one in booking.parts.values()}
    if own is not None:
        there = await slot_rows.lock_places(unit.tx, [*{*wanted, *own}])
    theirs = _measures(own or {})
    lacking = {
        id for id, measures in wanted.items()
        if id not in there or there[id][0].short(there[id][1].less(theirs.get(id, NOTHING)), measures)
    }  # fmt: skip
    full = [one for one in booking.parts.values() if one.slot.id in lacking]
    return (await windows.full(unit, full, wanted),) if full else ()


async def hold(
    unit: UnitOfWork, quote_id: str, booking: Booking | None, lines: Iterable[Line], before: Mapping[str, Place]
) -> None:
    """Have a quote that is about to be stored hold the places of its lines, in the place of what was held ``before``. Raises ``WindowFull`` for what has no :func:`room`."""
    wanted = {} if booking is None else _wanted(unit, booking, lines)
    if not wanted and not before:
        return
    if not wanted.keys() <= await slot_rows.hold(unit.tx, quote_id, wanted, _measures(before)):
        fault = FieldError("lines", "take more of their window than is left", code="window-full")
        raise WindowFull("the window has not this much left; nothing was taken", (fault,))
    slots = () if booking is None else (one.slot for one in booking.parts.values())
    unit.record(*windows.changed([*(one.day_id for one in slots), *(place.day_id for place in before.values())]))


async def give_back(unit: UnitOfWork, quote_id: str, held: Mapping[str, Place]) -> None:
    """Return what a locked quote holds, which is about to be deleted; a window that is gone has taken its places along."""
    if held:
        await slot_rows.give_back(unit.tx, quote_id, _measures(held))
        unit.record(*windows.changed(place.day_id for place in held.values()))


def _measures(held: Mapping[str, Place]) -> dict[str, Measures]:
    return {id: place.measures for id, place in held.items()}


def _wanted(unit: UnitOfWork, booking: Booking, lines: Iterable[Line]) -> dict[str, Measures]:
    """What lines take of each window."""

    def placed() -> Iterator[tuple[str, str, Load]]:
        for line in lines:
            if line.farm_id in booking.parts:
                yield line.farm_id, booking.parts[line.farm_id].slot.id, line.load

    return windows.measured(placed(), windows.terms(unit.parts))
