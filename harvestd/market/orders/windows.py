"""The places that orders take in the windows of market days: taken as one is placed, returned once as it, or a part of it, is over. Those of quotes: ``held_places.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from harvestd.kernel.errors import FieldError, WindowFull
from harvestd.kernel.events import Event
from harvestd.kernel.families import market_day, stale
from harvestd.kernel.formatting import moment
from harvestd.kernel.names import accept
from harvestd.market.days import (
    day_actions,
    day_steps,
    load_rules,
    slot_rows,
    standing_rows,
    standing_rules,
    window_rows,
)
from harvestd.market.days.load_rules import Load, Terms
from harvestd.market.days.slot_rows import NOTHING, NOTHING_HELD
from harvestd.market.days.slots import Slot
from harvestd.market.days.standing_rules import NOBODY, Stands
from harvestd.market.days.window_rules import Measures
from harvestd.market.orders import windowed_rules as rules
from harvestd.market.orders.delivery_rules import Farm, Way
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.order import Part, Placed
from harvestd.market.orders.windowed_rules import Booked
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from harvestd.unit_of_work import UnitOfWork

#: Windows that are looked at to name the next free one.
MANY = 200
_LINES = Statement(
    "order_windows.lines",
    """select l.farm_id, p.window_id, ceil(l.load_grams * (l.quantity - l.short_of) / l.quantity)::bigint,
              ceil(l.load_crates * (l.quantity - l.short_of) / l.quantity)::bigint
         from order_lines l join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
        where l.order_id = :order_id and p.window_id is not null and l.removed_at is null and not l.proposed""",
    lambda farm_id, window_id, grams, crates: (farm_id, window_id, Load(grams=grams, crates=crates)),
)


def terms(parts: Parts) -> Terms:
    """What is counted for pieces of unknown weight, and for a crate."""
    return Terms(piece=parts.settings.piece_weight, crate=parts.settings.crate_weight)


@attrs.define
class Booking:
    """The windows that an order asks for, whose days do not change until it is placed; ``parts`` are those of the farms, once these are known."""

    ways: Sequence[Way]
    slots: Mapping[str, Slot]
    parts: Mapping[str, Booked] = attrs.field(factory=dict)


async def begin(unit: UnitOfWork, ways: Sequence[Way]) -> Booking | None:
    """The windows of an order, before its products are locked; None in a market without days, which costs nothing."""
    ids = sorted({way.window_id for way in ways if way.window_id is not None})
    if not ids and not await day_actions.any_days(unit):
        return None
    return Booking(ways, await slot_rows.lock(unit.tx, ids) if ids else {})


async def fit(
    unit: UnitOfWork, booking: Booking, farms: Mapping[str, Farm], held: Mapping[str, Measures] = NOTHING_HELD
) -> list[FieldError]:
    """The faults of an order's windows, for the farms that it is from; ``held`` is what the quote that it is of holds of some. Raises ``MarketClosed``, also for an order
    without any while no day is open."""
    wrong = [*rules.faults(farms, booking.ways, booking.slots)]
    if any(fault.code == "required" for fault in wrong) and not await slot_rows.of_open_days(unit.tx, unit.now, 1):
        raise rules.closed()
    booking.parts = rules.booked(farms, booking.ways, booking.slots)
    if not wrong:
        rules.check_open(booking.parts, farms, unit.now, held)
    return wrong


async def take(
    unit: UnitOfWork, booking: Booking, order: Placed, held: Mapping[str, Measures] = NOTHING_HELD
) -> list[Event]:
    """Take the places of an order that is about to be stored, less what is ``held`` for it already, which becomes the order's; returns what tells of it. Raises ``WindowFull``
    if a window has not that much left in any measure."""
    wanted = measured(
        ((line.farm_id, booking.parts[line.farm_id].slot.id, line.load) for line in order.lines), terms(unit.parts)
    )
    taken = await slot_rows.take(unit.tx, order.id, wanted, held=held)
    lacking = [one for one in booking.parts.values() if one.slot.id not in taken]
    if lacking:
        raise await full(unit, lacking, wanted)
    unit.on_commit(lambda: unit.parts.due(day_steps.TASK))
    return changed(one.slot.day_id for one in booking.parts.values())


async def join(unit: UnitOfWork, order: Standing, opened: Sequence[Part], *, in_time: bool) -> None:
    """See that farms which an amendment brings into a locked order take part in the day of its window, and, if it has to be ``in_time``, take orders still. Raises
    ``Invalid`` and ``MarketClosed``. An order that has several windows, or none, says nothing of where a new part belongs."""
    ids = {part.window_id for part in order.parts if part.window_id is not None}
    if not opened or len(ids) != 1:
        return
    slots = await slot_rows.lock(unit.tx, sorted(ids))
    farms = {part.farm_id: Farm(part.farm_name) for part in opened}
    ways = [Way(path="lines", window_id=slot.id, method=slot.method) for slot in slots.values()]
    accept(*(attrs.evolve(fault, field="lines") for fault in rules.faults(farms, ways, slots)))
    if in_time:
        rules.check_open(rules.booked(farms, ways, slots), farms, unit.now)


def measured(lines: Iterable[tuple[str, str, Load]], counted: Terms) -> dict[str, Measures]:
    """What the lines of an order, with their farms and windows, take of each window."""
    loads: dict[str, list[Load]] = {}
    for _, window_id, load in lines:
        loads.setdefault(window_id, []).append(load)
    return {window_id: load_rules.together(some, counted) for window_id, some in loads.items()}


async def full(unit: UnitOfWork, lacking: Sequence[Booked], wanted: Mapping[str, Measures]) -> WindowFull:
    """The refusal, which names the next window of the same method that takes as much, and says how long places are held that may come back."""
    others = await slot_rows.of_open_days(unit.tx, unit.now, MANY)
    stands = await standing_rows.on_windows(unit.tx, [one.slot.id for one in lacking], unit.now)
    return none_left(unit, others, stands, lacking, wanted)


def none_left(
    unit: UnitOfWork, others: Sequence[Slot], stands: Mapping[str, Stands], lacking: Sequence[Booked], wanted: Mapping[str, Measures]
) -> WindowFull:  # fmt: skip
    """The same, of windows that are known, and what stands on those that are ``lacking``."""
    now, zone = unit.now, unit.parts.settings.market_timezone
    errors = []
    for one in lacking:
        measures = wanted[one.slot.id]
        free = [
            slot for slot in others
            if slot.id != one.slot.id and slot.method == one.slot.method and slot.leads == one.slot.leads
            and not slot.capacity.short(slot.taken, measures)
        ]  # fmt: skip
        following = min(free, key=lambda slot: (slot.starts_at < one.slot.starts_at, slot.starts_at), default=None)
        said, params = ["is full"], dict[str, str]()
        if following is not None:
            at = following.starts_at
            said.append(f"the next free one begins on {moment(at, ZoneInfo(zone))}")
            params = {"next": following.id, "from": at.isoformat().replace("+00:00", "Z"), "zone": zone}
        else:
            said.append("there is no other window that has this much left")
        minutes = standing_rules.minutes(stands.get(one.slot.id, NOBODY), now)
        if minutes:
            said.append(f"some of it is held for others, for {minutes} minutes at most")
            params["minutes"] = str(minutes)
        errors.append(FieldError(one.way.at("window_id"), "; ".join(said), code="window-full", params=params))
    return WindowFull("the window has not this much left; nothing was taken", tuple(dict.fromkeys(errors)))


async def of_day(unit: UnitOfWork, day_id: str) -> set[str]:
    """The windows of a market day."""
    return {one.id for one in (await window_rows.of_days(unit.tx, [day_id]))[day_id]}


def shown(booking: Booking) -> dict[str, dict[str, Any]]:
    """The windows of the farms' parts, and where they are picked up, as the order keeps and shows it."""
    return {farm_id: _at(one.slot) for farm_id, one in booking.parts.items()}


def renewed(ways: Mapping[str, dict[str, Any]], booking: Booking) -> dict[str, dict[str, Any]]:
    """Fulfilments with their windows as these are now: a quote has them as they were."""
    return {
        farm_id: {**way, **_at(booking.parts[farm_id].slot)} if farm_id in booking.parts else way
        for farm_id, way in ways.items()
    }


def _at(slot: Slot) -> dict[str, Any]:
    point = {} if slot.point is None else {"pickup_point": slot.point}
    return {"window": rules.shown(slot), **point}


async def settle(unit: UnitOfWork, order_id: str, live: Collection[str]) -> None:
    """Have a locked order take of its windows what the parts of the farms that are ``live`` take, and return the rest: it does so once, since what it took is noted
    with it. Raises ``WindowFull`` if it would take more than is left."""
    places = {one.window_id: one for one in await slot_rows.places(unit.tx, order_id)}
    if not places:
        return
    lines = [line for line in await unit.tx.rows(_LINES, order_id=order_id) if line[0] in live]
    wanted = measured(lines, terms(unit.parts))
    before = {id: place.measures for id, place in places.items()}
    after = {id: now for id in places if (now := wanted.get(id, NOTHING)) != before[id]}
    if not after:
        return
    held = {id: before[id] for id in after}
    if await slot_rows.take(unit.tx, order_id, after, fresh=False, held=held) != set(after):
        fault = FieldError("lines", "take more of their window than is left", code="window-full")
        raise WindowFull("the window has not this much left; nothing was changed", (fault,))
    await slot_rows.keep(unit.tx, order_id, after)
    unit.record(*changed(places[id].day_id for id in after))
    unit.on_commit(lambda: unit.parts.due(day_steps.TASK))


def changed(days: Iterable[str]) -> list[Event]:
    """What tells that something else is left of these market days."""
    return [stale(f"market_day:{id}", 1, market_day(id)) for id in sorted({*days})]
