"""Rows of the market's own pick-up points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Point(msgspec.Struct, frozen=True):
    """A pick-up point of the market; position in degrees, and what each of its windows holds unless it says otherwise."""

    id: str
    name: str
    address: str
    latitude: float | None
    longitude: float | None
    hours: str
    max_orders: int | None
    max_crates: int | None
    max_grams: int | None
    version: int
    created_at: datetime
    updated_at: datetime


_COLUMNS = ", ".join(Point.__struct_fields__)
_LIST = Statement(
    "pickup_points.list",
    f"select {_COLUMNS} from pickup_points where id < coalesce(:after::uuid, {LAST_ID}) and archived_at is null order by id desc limit :limit",
    Point,
)
_COUNT = counting.counting("pickup_points.count", "pickup_points where archived_at is null")
_ONE = Statement(
    "pickup_points.one", f"select {_COLUMNS} from pickup_points where id = :id and archived_at is null", Point
)
_LOCK = Statement(
    "pickup_points.lock",
    f"select {_COLUMNS} from pickup_points where id = :id and archived_at is null for update",
    Point,
)
#: Those that windows are about to refer to stay, and stay in use, until the transaction ends.
_KEEP = Statement(
    "pickup_points.keep",
    f"select {_COLUMNS} from pickup_points where id = any(:ids::uuid[]) and archived_at is null order by id for key share",
    Point,
)
_OF_FARMS = Statement(
    "pickup_points.of_farms",
    """select point ->> 'id', f.id from farms f, jsonb_array_elements(f.pickup_points) as point
        where f.pickup_points @> any(array(select jsonb_build_array(jsonb_build_object('id', id)) from unnest(:ids::text[]) as id))
          and point ->> 'id' = any(:ids::text[])""",
    lambda id, farm_id: (id, farm_id),
)
_KEEP_FARMS = Statement(
    "pickup_points.keep_farms", "select id from farms where id = any(:ids::uuid[]) order by id for share", nothing
)
_USED = Statement("pickup_points.used", "select exists (select from windows where point_id = :id)", scalar)
_INSERT = Statement(
    "pickup_points.insert",
    f"insert into pickup_points ({_COLUMNS}) values ({', '.join(f':{name}' for name in Point.__struct_fields__)})",
    nothing,
)
_CHANGED = [name for name in Point.__struct_fields__ if name not in ("id", "created_at")]
_UPDATE = Statement(
    "pickup_points.update",
    f"update pickup_points set {', '.join(f'{name} = :{name}' for name in _CHANGED)} where id = :id",
    nothing,
)
_ARCHIVE = Statement("pickup_points.archive", "update pickup_points set archived_at = :now where id = :id", nothing)
_DELETE = Statement("pickup_points.delete", "delete from pickup_points where id = :id", nothing)


async def listed(reader: Reader, after: str | None, limit: int) -> list[Point]:
    """The market's pick-up points, newest first."""
    return await reader.rows(_LIST, after=after, limit=limit)


async def count(reader: Reader) -> int:
    """How many there are."""
    return await counting.count(reader, _COUNT)


async def one(reader: Reader, id: str) -> Point | None:
    """A pick-up point of the market."""
    return await reader.row(_ONE, id=id)


async def lock(tx: Transaction, id: str) -> Point | None:
    """The same, locked until the transaction ends."""
    return await tx.row(_LOCK, id=id)


async def keep(tx: Transaction, ids: Sequence[str]) -> dict[str, Point]:
    """Those of these that there are, by id; none is deleted until the transaction ends."""
    return {point.id: point for point in await tx.rows(_KEEP, ids=list(ids))}


async def of_farms(reader: Reader, ids: Sequence[str]) -> dict[str, str]:
    """The farms whose pick-up points have these ids, by those."""
    found: list[Any] = await reader.rows(_OF_FARMS, ids=list(ids))
    return dict(found)


async def keep_of_farms(tx: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """The same; the farms keep these points until the transaction ends."""
    farms = await of_farms(tx, ids)
    if not farms:
        return farms
    await tx.run(_KEEP_FARMS, ids=sorted(set(farms.values())))
    return await of_farms(tx, ids)


async def archive(tx: Transaction, id: str, now: datetime) -> None:
    """Have a locked point be in no list, and take no windows any more; those that were at it keep it."""
    await tx.run(_ARCHIVE, id=id, now=now)


async def is_used(reader: Reader, id: str) -> bool:
    """Whether any window is at a point."""
    return bool(await reader.row(_USED, id=id))


async def insert(tx: Transaction, point: Point) -> None:
    """Store a new point."""
    await tx.run(_INSERT, **msgspec.structs.asdict(point))


async def update(tx: Transaction, point: Point) -> None:
    """Store a changed one."""
    columns = msgspec.structs.asdict(point)
    del columns["created_at"]
    await tx.run(_UPDATE, **columns)


async def delete(tx: Transaction, id: str) -> None:
    """Delete one that no window is at."""
    await tx.run(_DELETE, id=id)
