"""That market days with orders are not what these show of them any more: it is recorded in the transaction of the change, and the orders follow by the event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from harvestd.kernel.events import Event
from harvestd.kernel.families import market_day
from harvestd.market.days import day_rows, standing_rows, window_rows
from harvestd.market.days.standing_rules import At, AtPoint
from harvestd.market.days.window_rows import Window
from harvestd.unit_of_work import UnitOfWork

#: A window, and it before and after.
Move = tuple[str, At, At]


async def of_day(
    unit: UnitOfWork, before: day_rows.Day, after: day_rows.Day, was: Sequence[Window], is_: Sequence[Window]
) -> None:
    """Tell what has become of the windows of a locked day, and of its name, if any order shows that."""
    known = {one.id: at(one) for one in was}
    moves = [(one.id, known[one.id], at(one)) for one in is_ if one.id in known and not known[one.id].same(at(one))]
    if not moves and before.name == after.name:
        return
    live = await standing_rows.live_windows(unit.tx, after.id)
    moves = [move for move in moves if move[0] in live]
    if live and (moves or before.name != after.name):
        unit.record(told(after.id, after.version, after.name, moves))


async def of_point(
    unit: UnitOfWork, windows: Sequence[AtPoint], before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Tell that a locked pick-up point is somewhere else, or has another name, as far as there are orders at its ``windows``."""
    for day_id, own in groupby([one for one in windows if one.live], key=lambda one: one.day_id):
        day = await day_rows.one(unit.tx, day_id)
        assert day is not None
        ids = {one.window_id for one in own}
        windows_of_day = (await window_rows.of_days(unit.tx, [day_id]))[day_id]
        moves = [
            (x.id, At(x.starts_at, x.ends_at, before), At(x.starts_at, x.ends_at, after))
            for x in windows_of_day
            if x.id in ids
        ]
        unit.record(told(day_id, day.version, day.name, moves))


def at(window: Window) -> At:
    """When and where a window is."""
    return At(window.starts_at, window.ends_at, window.point)


def told(day_id: str, version: int, name: str, moves: Iterable[Move]) -> Event:
    """The event."""
    windows = [{"window_id": id, "before": _told(was), "after": _told(is_)} for id, was, is_ in moves]
    data = {"market_day_id": day_id, "name": name, "windows": windows, "families": [market_day(day_id)]}
    return Event("market_day.changed", f"market_day:{day_id}", version, data)


def _told(one: At) -> dict[str, Any]:
    return {
        "from": one.start.isoformat(),
        "to": one.end.isoformat(),
        "pickup_point": None if one.point is None else dict(one.point),
    }
