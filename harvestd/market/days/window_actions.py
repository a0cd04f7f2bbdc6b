"""The windows of a market day, put as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from harvestd.kernel.errors import Conflict, FieldError
from harvestd.kernel.names import accept
from harvestd.market.days import point_rows, standing_rows, standing_rules, window_rules
from harvestd.market.days import window_rows as rows
from harvestd.market.days.day_bodies import AskedWindow
from harvestd.market.days.day_rules import FAR, LONGEST
from harvestd.market.days.point_rows import Point
from harvestd.market.days.window_rules import Capacity, Measures
from harvestd.unit_of_work import UnitOfWork

_LEFT_OUT = "orders have places in a window that is left out, or quotes that are held for some minutes; keep it, or cancel the orders first"


async def put(
    unit: UnitOfWork, day_id: str, opens_at: datetime, asked: Sequence[AskedWindow], *, fresh: bool = False
) -> None:
    """Have a locked day, or a ``fresh`` one, have these windows: those that it has, by their ids, as they are asked for; new ones; and no others. Raises ``Invalid``, also
    for a capacity below what is taken, and ``Conflict`` where something is taken of a window that would go, or be of another method."""
    present = {} if fresh else {one.id: one for one in await rows.lock(unit.tx, day_id)}
    ids = [one.point_id for one in asked if one.point_id is not None]
    points = await point_rows.keep(unit.tx, ids) if ids else {}
    others = [id for id in ids if id not in points]
    farms = await point_rows.keep_of_farms(unit.tx, others) if others else {}
    found = [_window(unit, day_id, i, one, present, points, farms) for i, one in enumerate(asked)]
    faults = [fault for one in asked for fault in _faults(one, opens_at, present, points, farms)]
    faults += [
        fault
        for one, window in zip(asked, found, strict=True)
        for fault in window_rules.below_taken(one.path, window.capacity, window.taken)
    ]
    accept(*faults, message="the windows cannot be accepted")
    kept = {one.id for one in found}
    gone = [one for one in present.values() if one.id not in kept]
    await _check_standing(unit, asked, found, present, gone)
    if gone:
        await rows.delete(unit.tx, [one.id for one in gone])
    fresh_ones = [window for window in found if window.id not in present]
    if fresh_ones:
        await rows.insert(unit.tx, fresh_ones)
    for window in found:
        if window.id in present and not rows.same(window, present[window.id]):
            await rows.update(unit.tx, window)


async def _check_standing(
    unit: UnitOfWork, asked: Sequence[AskedWindow], found: Sequence[rows.Window], present: Mapping[str, rows.Window], gone: Sequence[rows.Window]
) -> None:  # fmt: skip
    """Raise ``Conflict`` for windows of which something is taken and that would go, or be of another method than what was ordered for them."""
    turned = {
        window.id: f"{one.path}.method"
        for one, window in zip(asked, found, strict=True)
        if window.taken != Measures() and window.method != present[window.id].method
    }
    taken = [*turned, *(one.id for one in gone if one.taken != Measures())]
    stands = {
        id: one
        for id, one in (await standing_rows.on_windows(unit.tx, taken, unit.now)).items()
        if one.orders or one.holds
    }
    others = [standing_rules.stays(field, stands[id], unit.now) for id, field in turned.items() if id in stands]
    if others:
        raise Conflict("a window with orders is to be of another method; leave it, and add another one", tuple(others))
    left = [stands[one.id] for one in gone if one.id in stands]
    if left:
        raise Conflict(_LEFT_OUT, (standing_rules.stays("windows", standing_rules.together(left), unit.now),))


def _faults(
    one: AskedWindow, opens_at: datetime, present: Mapping[str, rows.Window], points: Mapping[str, Point], farms: Mapping[str, str]
) -> list[FieldError]:  # fmt: skip
    """Faults of a window among those of its day."""
    faults = [window_rules.too_early(one.path, one.end, opens_at), _too_far(one, opens_at)]
    if one.id is not None and one.id not in present:
        message = "is no window of this market day; leave the id out to add one"
        faults.append(FieldError(f"{one.path}.id", message, code="not-found", params={"reason": "window-of-day"}))
    if one.point_id is not None and one.point_id not in points and one.point_id not in farms:
        message = "is no pick-up point; GET /api/pickup-points lists the market's, GET /api/farms/{id} a farm's"
        params = {"list": "GET /api/pickup-points"}
        faults.append(FieldError(f"{one.path}.pickup_point_id", message, code="not-found", params=params))
    return [fault for fault in faults if fault is not None]


def _too_far(one: AskedWindow, opens_at: datetime) -> FieldError | None:
    """The fault of a window that is so far from its day that nothing but a mistake makes it."""
    if opens_at - one.start > LONGEST:
        return FieldError(f"{one.path}.from", "must be later than opens_at", code="before-start")
    if one.end - opens_at > FAR:
        params = {"maximum": str(FAR.days), "reason": "days"}
        message = f"must be at most {FAR.days} days after opens_at"
        return FieldError(f"{one.path}.to", message, code="above-maximum", params=params)
    return None


def _window(
    unit: UnitOfWork, day_id: str, position: int, one: AskedWindow, present: Mapping[str, rows.Window],
    points: Mapping[str, Point], farms: Mapping[str, str],
) -> rows.Window:  # fmt: skip
    """A window as it is stored; what it holds is, unless it says so, what its point does."""
    known = present.get(one.id or "")
    point = points.get(one.point_id or "")
    holds = Capacity()
    if one.capacity is not None:
        holds = one.capacity
    elif point is not None:
        holds = Capacity(orders=point.max_orders, crates=point.max_crates, grams=point.max_grams)
    taken = known.taken if known is not None else Measures()
    farm_id = farms.get(one.point_id or "") if point is None else None
    return rows.Window(
        id=known.id if known is not None else unit.new_id(), day_id=day_id, position=position, method=one.method,
        point_id=one.point_id if point is not None else None, farm_id=farm_id, farm_point_id=one.point_id if farm_id is not None else None,
        area=one.area, starts_at=one.start, ends_at=one.end, max_orders=holds.orders, max_crates=holds.crates, max_grams=holds.grams,
        taken_orders=taken.orders, taken_crates=taken.crates, taken_grams=taken.grams,
    )  # fmt: skip
