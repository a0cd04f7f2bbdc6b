"""Use cases of pick-up points. Those of the market are rows of their own; those of a farm are with the farm, as ever, and change as it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from harvestd.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from harvestd.kernel.families import PICKUP_POINTS, pickup_point, stale
from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.market.days import moving, standing_rows, standing_rules
from harvestd.market.days import point_rows as rows
from harvestd.market.farms import actions as farm_actions
from harvestd.market.farms import rows as farm_rows
from harvestd.market.farms.rules import checked
from harvestd.store.postgres.statements import Reader
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Caller

NO_POINT = "there is no such pick-up point"
#: The points of one farm, as everywhere.
MAX_OF_FARM = 50
_USED = "windows of market days are at this pick-up point; move them first, or rename it"
Check = Callable[[int], None]


@attrs.frozen
class OfFarm:
    """A farm's point, ``{id, name, address, position, hours}``, and the farm."""

    farm: farm_rows.Farm
    point: Mapping[str, Any]


Found = rows.Point | OfFarm


async def find(reader: Reader, id: str, caller: Caller | None = None) -> Found:
    """A pick-up point, whosever it is. Raises ``NotFound``; to a ``caller`` who wants to change it, what :func:`farm_actions.refusal` says."""
    own = await rows.one(reader, id)
    if own is not None:
        return own
    farm_id = (await rows.of_farms(reader, [id])).get(id)
    (farm,) = await farm_rows.by_ids(reader, [farm_id]) if farm_id else (None,)
    if farm is None:
        missing = NotFound(NO_POINT)
        raise missing if caller is None else await farm_actions.refusal(reader, caller, missing)
    return OfFarm(farm, _of(farm, id))


def _of(farm: farm_rows.Farm, id: str) -> Mapping[str, Any]:
    found = next((point for point in farm.pickup_points if point["id"] == id), None)
    if found is None:
        raise NotFound(NO_POINT)
    return found


def _require_staff(caller: Caller) -> None:
    caller.require_scope(Permission.CHANGE_POINTS)
    if not may_everywhere(caller.role, Permission.CHANGE_POINTS):
        raise Forbidden("the market's own pick-up points are its staff's; give farm_id for one of your farm")


async def create(unit: UnitOfWork, caller: Caller, farm_id: str | None, given: Mapping[str, Any]) -> Found:
    """Make a point, of the market or of a farm. Raises ``NotFound`` without the farm, ``Forbidden`` and ``Invalid``."""
    if farm_id is None:
        _require_staff(caller)
        point = rows.Point(**given, id=unit.new_id(), version=1, created_at=unit.now, updated_at=unit.now)
        await rows.insert(unit.tx, point)
        _changed(unit, point)
        return point
    farm = await farm_actions.locked(unit, caller, Permission.CHANGE_POINTS, farm_id)
    if len(farm.pickup_points) >= MAX_OF_FARM:
        message = f"a farm has {MAX_OF_FARM} pick-up points at most; delete one first"
        raise Invalid.of("farm_id", message, "not-accepted", reason="too-many-points")
    point_id = unit.new_id()
    after = await _put(unit, farm, [*farm.pickup_points, {"id": point_id, **_kept(given)}])
    return OfFarm(after, _of(after, point_id))


async def change(unit: UnitOfWork, caller: Caller, id: str, given: Mapping[str, Any], check: Check) -> Found:
    """Change a point. Raises ``NotFound``, ``Forbidden`` and ``Invalid``."""
    before = await _locked(unit, caller, id, check)
    if isinstance(before, rows.Point):
        after = msgspec.structs.replace(before, **given, version=before.version + 1, updated_at=unit.now)
        await rows.update(unit.tx, after)
        _changed(unit, after)
        await _moved(unit, _stored(before), _stored(after))
        return after
    points = [{**one, **_kept(given)} if one["id"] == id else one for one in before.farm.pickup_points]
    farm = await _put(unit, before.farm, points)
    return OfFarm(farm, _of(farm, id))


async def delete(unit: UnitOfWork, caller: Caller, id: str, check: Check) -> Found:
    """Delete a point, or put it away if windows have been at it. Raises ``NotFound`` and ``Forbidden``, and ``Conflict`` for one of the market that windows of a day that is not over
    are at, and for one of a farm that there are orders for."""
    before = await _locked(unit, caller, id, check)
    if isinstance(before, OfFarm):
        await _put(unit, before.farm, [one for one in before.farm.pickup_points if one["id"] != id])
        return before
    windows = await standing_rows.at_points(unit.tx, [id], unit.now)
    if windows:
        raise Conflict(_USED, tuple(standing_rules.at_point("id", windows, unit.now)))
    if await rows.is_used(unit.tx, id):
        await rows.archive(unit.tx, id, unit.now)
    else:
        await rows.delete(unit.tx, id)
    _changed(unit, msgspec.structs.replace(before, version=before.version + 1))
    return before


async def follow(unit: UnitOfWork, changed: farm_actions.PointsChanged) -> None:
    """Follow a farm that changes its points, on whichever way. Raises ``Conflict`` for one that goes and that there are orders for, at a day that is not over."""
    after = {one["id"]: one for one in changed.after}
    gone = [one["id"] for one in changed.before if one["id"] not in after]
    windows = await standing_rows.at_points(unit.tx, gone, unit.now) if gone else []
    faults = standing_rules.at_point("pickup_points", windows, unit.now)
    if faults:
        raise Conflict(_USED, tuple(faults))
    for one in changed.before:
        if one["id"] in after:
            await _moved(unit, one, after[one["id"]])


async def _moved(unit: UnitOfWork, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Tell that a locked point is somewhere else, or has another name."""
    if not standing_rules.here(before, after):
        await moving.of_point(unit, await standing_rows.at_points(unit.tx, [before["id"]], unit.now), before, after)


def _stored(point: rows.Point) -> dict[str, Any]:
    """A point of the market as windows and orders have it."""
    at = None if point.latitude is None else {"latitude": point.latitude, "longitude": point.longitude}
    return {"id": point.id, "name": point.name, "address": point.address, "position": at, "hours": point.hours}


async def _locked(unit: UnitOfWork, caller: Caller, id: str, check: Check) -> Found:
    """A point, locked with what it belongs to, which the caller may change."""
    own = await rows.lock(unit.tx, id)
    if own is not None:
        _require_staff(caller)
        check(own.version)
        return own
    farm_id = (await rows.of_farms(unit.tx, [id])).get(id)
    if farm_id is None:
        raise await farm_actions.refusal(unit.tx, caller, NotFound(NO_POINT))
    farm = await farm_actions.locked(unit, caller, Permission.CHANGE_POINTS, farm_id)
    check(farm.version)
    return OfFarm(farm, _of(farm, id))


async def _put(unit: UnitOfWork, farm: farm_rows.Farm, points: Sequence[Mapping[str, Any]]) -> farm_rows.Farm:
    """A locked farm with these points."""
    return await farm_actions.change(unit, farm, checked({"pickup_points": [*points]}))


def _kept(given: Mapping[str, Any]) -> dict[str, Any]:
    """The given columns of a point as a farm keeps them."""
    found = {name: given[name] for name in ("name", "address", "hours") if name in given}
    if "latitude" in given:
        at = None if given["latitude"] is None else {name: given[name] for name in ("latitude", "longitude")}
        found["position"] = at
    return found


def _changed(unit: UnitOfWork, point: rows.Point) -> None:
    unit.record(stale(f"pickup_point:{point.id}", point.version, PICKUP_POINTS, pickup_point(point.id)))
