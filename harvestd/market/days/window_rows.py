"""Rows of the windows of market days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from harvestd.market.days.window_rules import Capacity, Measures
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class Window(msgspec.Struct, frozen=True):
    """A window; ``point`` is where it is, ``{id, name, address, position, hours}`` (None for a delivery, or if the farm has it no more), ``area`` where its
    deliveries go (None: anywhere). Exactly one of ``point_id`` and ``farm_point_id`` is given for a pick-up."""

    id: str
    day_id: str
    position: int
    method: str
    point_id: str | None
    farm_id: str | None
    farm_point_id: str | None
    area: dict[str, Any] | None
    starts_at: datetime
    ends_at: datetime
    max_orders: int | None
    max_crates: int | None
    max_grams: int | None
    taken_orders: int = 0
    taken_crates: int = 0
    taken_grams: int = 0
    point: dict[str, Any] | None = None

    @property
    def capacity(self) -> Capacity:
        """What it holds."""
        return Capacity(orders=self.max_orders, crates=self.max_crates, grams=self.max_grams)

    @property
    def taken(self) -> Measures:
        """What is taken of that."""
        return Measures(orders=self.taken_orders, crates=self.taken_crates, grams=self.taken_grams)


_STORED = tuple(name for name in Window.__struct_fields__ if name != "point")
#: What is stored of one anew when it is changed.
_CHANGED = tuple(name for name in _STORED if name not in ("id", "day_id") and not name.startswith("taken_"))
_COLUMNS = f"""{", ".join(f"w.{name}" for name in _STORED)},
    case when p.id is null then f.point else jsonb_build_object('id', p.id, 'name', p.name, 'address', p.address, 'hours', p.hours,
         'position', case when p.latitude is not null then jsonb_build_object('latitude', p.latitude, 'longitude', p.longitude) end) end"""
_FROM = """windows w left join pickup_points p on p.id = w.point_id
    left join lateral (select point from farms, jsonb_array_elements(farms.pickup_points) as point
                        where farms.id = w.farm_id and point ->> 'id' = w.farm_point_id::text) f on true"""
_OF_DAYS = Statement(
    "windows.of_days",
    f"select {_COLUMNS} from {_FROM} where w.day_id = any(:day_ids::uuid[]) order by w.day_id, w.position",
    Window,
)
_TYPES = {
    "position": "integer", "method": "text", "area": "jsonb", "starts_at": "timestamptz", "ends_at": "timestamptz", "max_orders": "integer",
    "max_crates": "integer", "max_grams": "bigint", "taken_orders": "integer", "taken_crates": "bigint", "taken_grams": "bigint",
}  # fmt: skip
_INSERT = Statement(
    "windows.insert",
    f"""insert into windows ({", ".join(_STORED)})
        select * from unnest({", ".join(f":{name}::{_TYPES.get(name, 'uuid')}[]" for name in _STORED)}) as t({", ".join(_STORED)})""",
    nothing,
)
_UPDATE = Statement(
    "windows.update",
    f"update windows set {', '.join(f'{name} = :{name}' for name in _CHANGED)} where id = :id",
    nothing,
)
_DELETE = Statement("windows.delete", "delete from windows where id = any(:ids::uuid[])", nothing)
_LOCK = Statement("windows.lock", "select id::text from windows where day_id = :day_id order by id for update", nothing)


async def of_days(reader: Reader, day_ids: Sequence[str]) -> dict[str, list[Window]]:
    """The windows of some days, by day, in order."""
    found: dict[str, list[Window]] = {id: [] for id in day_ids}
    for window in await reader.rows(_OF_DAYS, day_ids=list(day_ids)):
        found[window.day_id].append(window)
    return found


async def lock(tx: Transaction, day_id: str) -> list[Window]:
    """The windows of a locked day, locked too, in order: nobody takes a place in them, or returns one, until the transaction ends."""
    await tx.rows(_LOCK, day_id=day_id)
    return (await of_days(tx, [day_id]))[day_id]


async def insert(tx: Transaction, windows: Sequence[Window]) -> None:
    """Store new windows."""
    await tx.run(_INSERT, **{name: [getattr(window, name) for window in windows] for name in _STORED})


def same(one: Window, other: Window) -> bool:
    """Whether nothing is to be stored of one to make it the other."""
    return all(getattr(one, name) == getattr(other, name) for name in _CHANGED)


async def update(tx: Transaction, window: Window) -> None:
    """Store a changed one, but for what is taken of it."""
    await tx.run(_UPDATE, id=window.id, **{name: getattr(window, name) for name in _CHANGED})


async def delete(tx: Transaction, ids: Sequence[str]) -> None:
    """Delete windows of which nothing is taken."""
    await tx.run(_DELETE, ids=list(ids))
