"""Use cases of market days, one function each: made, changed, copied, closed, cancelled and deleted by the market's staff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from harvestd.kernel.errors import Conflict, FieldError, IllegalTransition, NotFound, Unavailable
from harvestd.kernel.families import MARKET_DAYS, market_day, stale
from harvestd.kernel.languages import Status
from harvestd.kernel.names import accept
from harvestd.kernel.sentences import worded
from harvestd.market.days import day_rows as rows
from harvestd.market.days import day_rules as rules
from harvestd.market.days import moving, standing_rows, standing_rules, window_actions, window_rows
from harvestd.market.days.day_bodies import AskedWindow
from harvestd.market.days.day_steps import TASK, Farms, ended, farms_of, forget, stepped
from harvestd.parts import Parts
from harvestd.store.postgres.database import Database
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.market_day import zone_of

NO_DAY = "there is no such market day"

_LEFT_OUT = "a farm that is left out has orders in this market day, or quotes that are held for some minutes"


async def create(unit: UnitOfWork, given: Mapping[str, Any]) -> rows.Day:
    """Make a day, given all fields of its body; one that opens by now is open at once. Raises ``Invalid``."""
    farms, asked = given["farms"], given["windows"]
    accept(
        *rules.time_faults(given, unit.now), *await _strangers(unit, farms), message="the market day cannot be accepted"
    )
    day = rows.Day(
        id=unit.new_id(), name=given["name"], status="planned", opens_at=given["opens_at"], closes_at=given["closes_at"],
        ends_at=rules.ends(given["closes_at"], [one.end for one in asked]), due_at=None, soon_told=False, all_farms=farms is None,
        holds_minutes=given["holds_minutes"], metadata=given["metadata"], edited=False, version=1, created_at=unit.now, updated_at=unit.now,
    )  # fmt: skip
    day = await stepped(unit, day, farms or ())
    await rows.insert(unit.tx, day)
    forget(unit)
    await rows.put_farms(unit.tx, day.id, farms or (), fresh=True)
    await window_actions.put(unit, day.id, day.opens_at, asked, fresh=True)
    unit.record(stale(f"market_day:{day.id}", day.version, MARKET_DAYS, market_day(day.id)))
    return day


async def change(
    unit: UnitOfWork, day_id: str, given: Mapping[str, Any], check: Callable[[int], None]
) -> tuple[rows.Day, rows.Day]:
    """Change a day; returns what it was and what it is. ``check`` is called with its version. Raises ``NotFound``, ``Invalid``, and ``Conflict`` for
    what can no longer be changed."""
    before = await _locked(unit, day_id)
    check(before.version)
    late = rules.unchangeable(
        before.status, [name for name in given if await _differs(unit, before, name, given[name])]
    )
    if late:
        raise Conflict(worded("the market day is {status}", status=Status(before.status)), tuple(late))
    if given.get("farms") is not None:
        await _check_leaving(unit, day_id, given["farms"])
    farms: Farms | None = given["farms"] if "farms" in given else await farms_of(unit, before)
    times = {"opens_at": before.opens_at, "closes_at": before.closes_at} | dict(given)
    moved = "closes_at" in given and given["closes_at"] != before.closes_at
    faults = [*rules.time_faults(times, unit.now if moved else None)]
    faults += await _strangers(unit, farms if "farms" in given else None)
    if "windows" not in given and times["opens_at"] != before.opens_at:
        faults += await _left_behind(unit, day_id, times["opens_at"])
    accept(*faults, message="the market day cannot be accepted")
    present = (await window_rows.of_days(unit.tx, [day_id]))[day_id]
    if "windows" in given:
        await window_actions.put(unit, day_id, times["opens_at"], given["windows"])
        unit.on_commit(lambda: unit.parts.due(TASK))
    if "farms" in given:
        await rows.put_farms(unit.tx, day_id, farms or ())
    plain = {
        name: given[name] for name in ("name", "opens_at", "closes_at", "holds_minutes", "metadata") if name in given
    }
    windows = (await window_rows.of_days(unit.tx, [day_id]))[day_id] if "windows" in given else present
    ends = rules.ends(times["closes_at"], [one.ends_at for one in windows])
    after = msgspec.structs.replace(
        before, **plain, all_farms=farms is None, ends_at=ends, soon_told=before.soon_told and not moved,
        edited=True, version=before.version + 1, updated_at=unit.now,
    )  # fmt: skip
    after = await stepped(unit, after, farms or ())
    await rows.update(unit.tx, after)
    unit.record(stale(f"market_day:{day_id}", after.version, MARKET_DAYS, market_day(day_id)))
    await moving.of_day(unit, before, after, present, windows)
    return before, after


async def _check_leaving(unit: UnitOfWork, day_id: str, farms: Farms) -> None:
    """Raise ``Conflict`` if a farm that is no longer to take part in a locked day has orders in it, or quotes that are held."""
    leaving = await standing_rows.of_others(unit.tx, day_id, [id for id, _ in farms], unit.now)
    if leaving:
        raise Conflict(_LEFT_OUT, tuple(standing_rules.left("farms", leaving, unit.now)))


async def _left_behind(unit: UnitOfWork, day_id: str, opens_at: datetime) -> list[FieldError]:
    """The fault of windows that would be over before their day opens."""
    present = (await window_rows.of_days(unit.tx, [day_id]))[day_id]
    if all(one.ends_at > opens_at for one in present):
        return []
    return [FieldError("windows", "must not be over before opens_at; give them, too", code="before-start")]


async def renew(unit: UnitOfWork, day_id: str, given: Mapping[str, Any]) -> None:
    """Have a day be as its schedule says by now, given all fields of a day; unless somebody has changed it by hand, or it has opened, before it was locked."""
    before = await _locked(unit, day_id)
    if before.edited or before.status != "planned":
        return
    farms, asked = given["farms"], given["windows"]
    plain = {name: given[name] for name in ("name", "opens_at", "closes_at", "holds_minutes", "metadata")}
    after = msgspec.structs.replace(
        before, **plain, all_farms=farms is None, ends_at=rules.ends(given["closes_at"], [one.end for one in asked]), version=before.version + 1,
        updated_at=unit.now,
    )  # fmt: skip
    await window_actions.put(unit, day_id, given["opens_at"], asked)
    await rows.put_farms(unit.tx, day_id, farms or ())
    after = await stepped(unit, after, farms or ())
    await rows.update(unit.tx, after)
    unit.record(stale(f"market_day:{day_id}", after.version, MARKET_DAYS, market_day(day_id)))


async def _differs(unit: UnitOfWork, before: rows.Day, name: str, value: Any) -> bool:
    """Whether a field that is given is to become another: what is sent as it was read is no change."""
    if name == "farms":
        known = await farms_of(unit, before)
        return bool((None if known is None else list(known)) != (None if value is None else list(value)))
    if name == "windows":
        return True
    return bool(getattr(before, name) != value)


async def _strangers(unit: UnitOfWork, farms: Farms | None) -> list[FieldError]:
    """Faults of farms that do not exist."""
    if not farms:
        return []
    known = await rows.known_farms(unit.tx, [id for id, _ in farms])
    message, params = "is no farm; GET /api/farms lists them", {"list": "GET /api/farms"}
    return [
        FieldError(f"farms[{i}].farm_id", message, code="not-found", params=params)
        for i, (id, _) in enumerate(farms)
        if id not in known
    ]


async def copy(unit: UnitOfWork, day_id: str, opens_at: datetime, name: str | None) -> rows.Day:
    """Make a day like another, at another time: all its times move by as many days, and keep their time of the clock. Raises ``NotFound`` and ``Invalid``."""
    origin = await rows.one(unit.tx, day_id)
    if origin is None:
        raise NotFound(NO_DAY)
    accept(*rules.copy_faults(opens_at, unit.now), message="the market day cannot be accepted")
    zone = zone_of(unit.parts.settings)
    by = rules.days_between(origin.opens_at, opens_at, zone)

    def later(at: datetime) -> datetime:
        return rules.shifted(at, by, zone)

    windows = (await window_rows.of_days(unit.tx, [day_id]))[day_id]
    asked = [
        AskedWindow(
            path=f"windows[{i}]", id=None, method=one.method, point_id=one.point_id or one.farm_point_id, area=one.area,
            start=later(one.starts_at), end=later(one.ends_at), capacity=one.capacity,
        )
        for i, one in enumerate(windows)
    ]  # fmt: skip
    given = {
        "name": name or origin.name, "opens_at": opens_at, "closes_at": later(origin.closes_at), "farms": await farms_of(unit, origin),
        "windows": asked, "holds_minutes": origin.holds_minutes, "metadata": origin.metadata,
    }  # fmt: skip
    return await create(unit, given)


async def close(unit: UnitOfWork, day_id: str, reason: str = "staff") -> tuple[rows.Day, rows.Day]:
    """Close an open day now; one that is closed stays so, also if it would open again when a place returns. Raises ``NotFound`` and ``IllegalTransition``."""
    before = await _locked(unit, day_id)
    if before.status == "closed" and before.closed_full:
        return before, await ended(unit, before, "closed", reason)
    if before.status in ("closed", "done"):
        return before, before
    if before.status not in rules.CLOSABLE:
        raise _illegal(before, "closed")
    return before, await ended(unit, before, "closed", reason)


async def cancel(unit: UnitOfWork, day_id: str, reason: str) -> tuple[rows.Day, rows.Day]:
    """Cancel a day that is not over; one that is cancelled stays so. Raises ``NotFound`` and ``IllegalTransition``."""
    before = await _locked(unit, day_id)
    if before.status == "cancelled":
        return before, before
    if before.status not in rules.CANCELLABLE:
        raise _illegal(before, "cancelled")
    return before, await ended(unit, before, "cancelled", reason)


async def any_days(unit: UnitOfWork) -> bool:
    """Whether the market sells by days: it has one that is not cancelled. Normally that is known, and costs nothing."""
    near = unit.parts.market_days
    return bool(await (rows.has_any(unit.tx) if near is None else near.any(unit.tx)))


async def by_days(parts: Parts) -> bool | None:
    """The same for whoever asks outside a change; None while nobody can know, without a database."""
    reader: Database | None = parts.database  # a site that is made for its contract alone has none
    near = parts.market_days
    try:
        return None if reader is None else bool(await (rows.has_any(reader) if near is None else near.any(reader)))
    except Unavailable:
        return None


def _illegal(day: rows.Day, to: str) -> IllegalTransition:
    return IllegalTransition(
        worded("the market day is {status}, which cannot become {to}", status=Status(day.status), to=Status(to))
    )


async def delete(unit: UnitOfWork, day_id: str, check: Callable[[int], None]) -> rows.Day:
    """Delete a day that is planned or cancelled and has no order. Raises ``NotFound``, and ``Conflict`` for others."""
    before = await _locked(unit, day_id)
    check(before.version)
    if before.status not in ("planned", "cancelled"):
        raise Conflict(
            worded(
                "the market day is {status}, so it stays; one that is planned can be deleted, or cancel it",
                status=Status(before.status),
            )
        )
    orders = await standing_rows.count(unit.tx, day_id)
    if orders:
        raise Conflict(
            "orders name this market day, so it is not deleted; cancel it, and it is out of the way",
            (standing_rules.named("id", orders),),
        )
    await rows.delete(unit.tx, day_id)
    forget(unit)
    unit.record(stale(f"market_day:{day_id}", before.version + 1, MARKET_DAYS, market_day(day_id)))
    return before


async def _locked(unit: UnitOfWork, day_id: str) -> rows.Day:
    found = await rows.lock(unit.tx, day_id)
    if found is None:
        raise NotFound(NO_DAY)
    return found
