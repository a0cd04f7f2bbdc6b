"""The steps of market days: those that come by themselves, each once, and what follows one that somebody has them take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from harvestd.kernel.events import Event
from harvestd.kernel.families import MARKET_DAYS, market_day, stale
from harvestd.market.days import day_rows as rows
from harvestd.market.days import day_rules as rules
from harvestd.market.days import full_rows, window_rows
from harvestd.parts import Parts
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import UnitOfWork
from harvestd.unit_of_work import change as changing

#: The name of the periodic task that has the days take their steps; and the days that take one in one run.
TASK, BATCH = "market days", 200
#: Why a day closes that has no place left.
FULL = "full"
Farms = Sequence[tuple[str, int]]


async def stepped(unit: UnitOfWork, day: rows.Day, farms: Farms) -> rows.Day:
    """A locked, or new, day after the steps that are due by now, with their events; and with the time of its next one."""
    soon = _soon(unit.parts)
    version = day.version
    for at, step, timed in rules.due(day.timed, soon, unit.now):
        version += 1
        day = msgspec.structs.replace(
            day,
            status=timed.status,
            soon_told=timed.soon_told,
            closed_full=timed.full,
            version=version,
            updated_at=unit.now,
        )
        if step.event:
            unit.record(told(day, step.event, farms, at, "cut-off" if step.to == "closed" else ""))
        else:
            unit.record(stale(f"market_day:{day.id}", version, MARKET_DAYS, market_day(day.id)))
    following = rules.next_step(day.timed, soon)
    return msgspec.structs.replace(day, due_at=following[0] if following else None)


def _soon(parts: Parts) -> timedelta:
    return timedelta(seconds=parts.settings.market_day_closing_soon)


def told(day: rows.Day, type: str, farms: Iterable[tuple[str, int]], at: datetime, reason: str) -> Event:
    """The event of a step that a day has taken, which drops what shows it from the caches."""
    data = {
        "market_day_id": day.id, "name": day.name, "farms": [id for id, _ in farms], "all_farms": day.all_farms, "at": at.isoformat(),
        "reason": reason, "families": [MARKET_DAYS, market_day(day.id)],
    }  # fmt: skip
    return Event(type, f"market_day:{day.id}", day.version, data)


async def ended(unit: UnitOfWork, before: rows.Day, status: str, reason: str) -> rows.Day:
    """A locked day that somebody has closed or cancelled."""
    full = (status, reason) == ("closed", FULL)
    after = msgspec.structs.replace(
        before, status=status, closed_full=full, version=before.version + 1, updated_at=unit.now
    )
    farms = await farms_of(unit, before)
    forget(unit)
    unit.record(told(after, f"market_day.{status}", farms or (), unit.now, reason))
    after = await stepped(unit, after, farms or ())
    await rows.update(unit.tx, after)
    return after


async def farms_of(unit: UnitOfWork, day: rows.Day) -> Farms | None:
    """The farms of a day, with their leads; None: all."""
    if day.all_farms:
        return None
    return [(one.farm_id, one.lead_minutes) for one in (await rows.farms_of(unit.tx, [day.id]))[day.id]]


def forget(unit: UnitOfWork) -> None:
    """This process forgets whether there is a day at the commit; the others are told by the database itself."""
    if unit.parts.market_days is not None:
        unit.on_commit(unit.parts.market_days.changed)


async def step_all(parts: Parts, going_on: GoingOn = always) -> None:
    """Have the days take the steps that are due, each day in its own unit of work."""
    for day_id in await rows.due(parts.database, parts.now(), BATCH):
        if not await going_on():
            break
        await changing(parts, partial(step, day_id=day_id))
    for day_id in await full_rows.full(parts.database, BATCH):
        if not await going_on():
            break
        await changing(parts, partial(close_full, day_id=day_id))
    for day_id in await full_rows.free(parts.database, parts.now(), BATCH):
        if not await going_on():
            break
        await changing(parts, partial(reopen, day_id=day_id))


async def step(unit: UnitOfWork, day_id: str) -> None:
    """Have a day take its steps that are due; whoever comes second finds none."""
    day = await rows.lock(unit.tx, day_id)
    if day is None or day.due_at is None or day.due_at > unit.now:
        return
    after = await stepped(unit, day, await farms_of(unit, day) or ())
    await rows.update(unit.tx, after)


async def close_full(unit: UnitOfWork, day_id: str) -> None:
    """Close an open day whose windows are all full, unless somebody has returned a place by now."""
    day = await rows.lock(unit.tx, day_id)
    await window_rows.lock(unit.tx, day_id)
    if day is not None and await full_rows.full(unit.tx, 1, day_id):
        await ended(unit, day, "closed", FULL)


async def reopen(unit: UnitOfWork, day_id: str) -> None:
    """Open a day again that closed because it was full and has a place again, unless that is taken by now, or its cut-off has come."""
    day = await rows.lock(unit.tx, day_id)
    await window_rows.lock(unit.tx, day_id)
    if day is None or not await full_rows.free(unit.tx, unit.now, 1, day_id):
        return
    after = msgspec.structs.replace(day, status="open", closed_full=False, version=day.version + 1, updated_at=unit.now)
    farms = await farms_of(unit, day) or ()
    unit.record(told(after, "market_day.reopened", farms, unit.now, ""))
    await rows.update(unit.tx, await stepped(unit, after, farms))


async def next_due(parts: Parts) -> datetime | None:
    """When the first day has a step to take; now, if one is full, or has a place again."""
    now = parts.now()
    if await full_rows.full(parts.database, 1) or await full_rows.free(parts.database, now, 1):
        return now
    return await rows.next_due(parts.database)
