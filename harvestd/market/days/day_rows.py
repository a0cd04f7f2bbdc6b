"""Rows of market days, and of the farms that take part in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from harvestd.market.days.day_rules import Timed
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Day(msgspec.Struct, frozen=True):
    """A market day. ``due_at`` is when its next step comes by itself, ``edited`` whether it was changed by hand since its schedule made it,
    ``closed_full`` whether it is closed because it was full: it opens again when a place returns."""

    id: str
    name: str
    status: str
    opens_at: datetime
    closes_at: datetime
    ends_at: datetime
    due_at: datetime | None
    soon_told: bool
    all_farms: bool
    holds_minutes: int
    metadata: dict[str, str]
    edited: bool
    version: int
    created_at: datetime
    updated_at: datetime
    closed_full: bool = False

    @property
    def timed(self) -> Timed:
        """What its steps go by."""
        return Timed(
            status=self.status, opens_at=self.opens_at, closes_at=self.closes_at, ends_at=self.ends_at, soon_told=self.soon_told,
            full=self.closed_full,
        )  # fmt: skip


class Listed(NamedTuple):
    """A day of a list, and how many windows and farms it has."""

    day: Day
    parts: int


class DayFarm(msgspec.Struct, frozen=True):
    """A farm that takes part in a day, and how many minutes earlier the day closes for it."""

    day_id: str
    farm_id: str
    slug: str
    name: str
    lead_minutes: int


_COLUMNS = ", ".join(Day.__struct_fields__)
_CHANGED = [name for name in Day.__struct_fields__ if name not in ("id", "created_at")]
_ONE = Statement("market_days.one", f"select {_COLUMNS} from market_days where id = :id", Day)
_LOCK = Statement("market_days.lock", f"select {_COLUMNS} from market_days where id = :id for no key update", Day)
_LIST = Statement(
    "market_days.list",
    f"""select {_COLUMNS}, ((select count(*) from windows w where w.day_id = market_days.id)
                            + (select count(*) from market_day_farms m where m.day_id = market_days.id))::int from market_days
         where (opens_at, id) < (coalesce(:after_at::timestamptz, 'infinity'), coalesce(:after_id::uuid, {LAST_ID}))
           and (:status::text is null or status = :status) order by opens_at desc, id desc limit :limit""",
    lambda *columns: Listed(Day(*columns[:-1]), columns[-1]),
)
_COUNT = counting.counting("market_days.count", "market_days where :status::text is null or status = :status")
_DUE = Statement(
    "market_days.due", "select id::text from market_days where due_at <= :now order by due_at, id limit :limit", scalar
)
_NEXT_DUE = Statement("market_days.next_due", "select min(due_at) from market_days where due_at is not null", scalar)
_ANY = Statement("market_days.any", "select exists (select from market_days where status <> 'cancelled')", scalar)
_INSERT = Statement(
    "market_days.insert",
    f"insert into market_days ({_COLUMNS}) values ({', '.join(f':{name}' for name in Day.__struct_fields__)})",
    nothing,
)
_UPDATE = Statement(
    "market_days.update",
    f"update market_days set {', '.join(f'{name} = :{name}' for name in _CHANGED)} where id = :id",
    nothing,
)
_DELETE = Statement("market_days.delete", "delete from market_days where id = :id", nothing)
_FARMS = Statement(
    "market_days.farms",
    """select d.day_id, d.farm_id, f.slug, f.name, d.lead_minutes from market_day_farms d join farms f on f.id = d.farm_id
        where d.day_id = any(:day_ids::uuid[]) order by d.day_id, d.position""",
    DayFarm,
)
_LEAVE = Statement("market_days.leave", "delete from market_day_farms where day_id = :day_id", nothing)
_JOIN = Statement(
    "market_days.join",
    """insert into market_day_farms (day_id, farm_id, lead_minutes, position)
       select :day_id, t.farm_id, t.lead, t.position from unnest(:farm_ids::uuid[], :leads::int[]) with ordinality as t(farm_id, lead, position)""",
    nothing,
)
_KNOWN = Statement("market_days.known_farms", "select id::text from farms where id = any(:ids::uuid[])", scalar)


async def one(reader: Reader, id: str) -> Day | None:
    """A market day."""
    return await reader.row(_ONE, id=id)


async def lock(tx: Transaction, id: str) -> Day | None:
    """The same, locked until the transaction ends."""
    return await tx.row(_LOCK, id=id)


async def listed(reader: Reader, after: tuple[datetime, str] | None, limit: int, status: str | None) -> list[Listed]:
    """Market days, the one that opens last first."""
    at, id = after or (None, None)
    return await reader.rows(_LIST, after_at=at, after_id=id, status=status, limit=limit)


async def count(reader: Reader, status: str | None) -> int:
    """How many there are."""
    return await counting.count(reader, _COUNT, status=status)


async def due(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Ids of the days that have a step to take by now, in the order of those."""
    return await reader.rows(_DUE, now=now, limit=limit)


async def next_due(reader: Reader) -> datetime | None:
    """When the first day has a step to take; None if none has."""
    found: datetime | None = await reader.row(_NEXT_DUE)
    return found


async def has_any(reader: Reader) -> bool:
    """Whether there is a day that is not cancelled."""
    return bool(await reader.row(_ANY))


async def insert(tx: Transaction, day: Day) -> None:
    """Store a new day."""
    await tx.run(_INSERT, **msgspec.structs.asdict(day))


async def update(tx: Transaction, day: Day) -> None:
    """Store a changed, locked one."""
    columns: dict[str, Any] = msgspec.structs.asdict(day)
    del columns["created_at"]
    await tx.run(_UPDATE, **columns)


async def delete(tx: Transaction, id: str) -> None:
    """Delete a day, with its windows."""
    await tx.run(_DELETE, id=id)


async def farms_of(reader: Reader, day_ids: Sequence[str]) -> dict[str, list[DayFarm]]:
    """The farms that take part in some days, by day, in order; none of a day in which all do."""
    found: dict[str, list[DayFarm]] = {id: [] for id in day_ids}
    for farm in await reader.rows(_FARMS, day_ids=list(day_ids)):
        found[farm.day_id].append(farm)
    return found


async def put_farms(tx: Transaction, day_id: str, farms: Sequence[tuple[str, int]], *, fresh: bool = False) -> None:
    """Have these farms take part in a locked day, or a ``fresh`` one, each with its lead in minutes, and no others."""
    if not fresh:
        await tx.run(_LEAVE, day_id=day_id)
    if farms:
        await tx.run(_JOIN, day_id=day_id, farm_ids=[id for id, _ in farms], leads=[lead for _, lead in farms])


async def known_farms(reader: Reader, ids: Sequence[str]) -> set[str]:
    """Those of these ids that farms have."""
    return set(await reader.rows(_KNOWN, ids=list(ids)))
