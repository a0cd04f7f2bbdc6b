"""Rows of schedules of market days, and of the rounds that were made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Schedule(msgspec.Struct, frozen=True):
    """A schedule; ``template`` is what a round is like (``schedule_bodies.py``)."""

    id: str
    name: str
    rule: str
    first: date
    exceptions: list[date]
    extra_days: list[date]
    country: str | None
    subdivision: str | None
    on_holiday: str
    rounds_ahead: int | None
    template: dict[str, Any]
    due_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class MadeRound(msgspec.Struct, frozen=True):
    """A round that was made, by which version of its schedule, and its day as it is: its status, and whether it was changed by hand. None for one that was deleted."""

    round: date
    made_by: int
    day_id: str | None
    status: str | None
    edited: bool | None


_COLUMNS = ", ".join(Schedule.__struct_fields__)
_CHANGED = [name for name in Schedule.__struct_fields__ if name not in ("id", "created_at")]
_ONE = Statement("market_schedules.one", f"select {_COLUMNS} from market_schedules where id = :id", Schedule)
_LOCK = Statement(
    "market_schedules.lock", f"select {_COLUMNS} from market_schedules where id = :id for no key update", Schedule
)
_LIST = Statement(
    "market_schedules.list",
    f"select {_COLUMNS} from market_schedules where id < coalesce(:after::uuid, {LAST_ID}) order by id desc limit :limit",
    Schedule,
)
_COUNT = counting.counting("market_schedules.count", "market_schedules")
_DUE = Statement(
    "market_schedules.due",
    "select id::text from market_schedules where due_at <= :now order by due_at, id limit :limit",
    scalar,
)
_NEXT_DUE = Statement(
    "market_schedules.next_due", "select min(due_at) from market_schedules where due_at is not null", scalar
)
_INSERT = Statement(
    "market_schedules.insert",
    f"insert into market_schedules ({_COLUMNS}) values ({', '.join(f':{name}' for name in Schedule.__struct_fields__)})",
    nothing,
)
_UPDATE = Statement(
    "market_schedules.update",
    f"update market_schedules set {', '.join(f'{name} = :{name}' for name in _CHANGED)} where id = :id",
    nothing,
)
_DELETE = Statement("market_schedules.delete", "delete from market_schedules where id = :id", nothing)
_MADE = Statement(
    "market_schedules.made",
    """select r.round, r.made_by, r.day_id, d.status, d.edited from market_rounds r left join market_days d on d.id = r.day_id
        where r.schedule_id = :id and r.round >= :since order by r.round""",
    MadeRound,
)
_NOTE = Statement(
    "market_schedules.note",
    """insert into market_rounds (schedule_id, round, made_by) values (:id, :round, :version) on conflict (schedule_id, round) do nothing""",
    nothing,
)
_OF_DAY = Statement(
    "market_schedules.of_day",
    "update market_rounds set day_id = :day_id, made_by = :version where schedule_id = :id and round = :round",
    nothing,
)
_FORGET = Statement(
    "market_schedules.forget", "delete from market_rounds where schedule_id = :id and round = :round", nothing
)


async def one(reader: Reader, id: str) -> Schedule | None:
    """A schedule."""
    return await reader.row(_ONE, id=id)


async def lock(tx: Transaction, id: str) -> Schedule | None:
    """The same, locked until the transaction ends."""
    return await tx.row(_LOCK, id=id)


async def listed(reader: Reader, after: str | None, limit: int) -> list[Schedule]:
    """Schedules, newest first."""
    return await reader.rows(_LIST, after=after, limit=limit)


async def count(reader: Reader) -> int:
    """How many there are."""
    return await counting.count(reader, _COUNT)


async def due(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Ids of the schedules of which a round is to be made by now."""
    return await reader.rows(_DUE, now=now, limit=limit)


async def next_due(reader: Reader) -> datetime | None:
    """When the first is; None if none is."""
    found: datetime | None = await reader.row(_NEXT_DUE)
    return found


async def insert(tx: Transaction, schedule: Schedule) -> None:
    """Store a new schedule."""
    await tx.run(_INSERT, **msgspec.structs.asdict(schedule))


async def update(tx: Transaction, schedule: Schedule) -> None:
    """Store a changed, locked one."""
    columns = msgspec.structs.asdict(schedule)
    del columns["created_at"]
    await tx.run(_UPDATE, **columns)


async def delete(tx: Transaction, id: str) -> None:
    """Delete a schedule; the days that were made of it stay."""
    await tx.run(_DELETE, id=id)


async def made(reader: Reader, id: str, since: date) -> Sequence[MadeRound]:
    """The rounds of a locked schedule that were made, from a day of its rule on."""
    return await reader.rows(_MADE, id=id, since=since)


async def note(tx: Transaction, schedule: Schedule, round: date) -> bool:
    """Note that a round is made; False if it was made before."""
    return bool(await tx.run(_NOTE, id=schedule.id, round=round, version=schedule.version))


async def of_day(tx: Transaction, schedule: Schedule, round: date, day_id: str) -> None:
    """Note which day a round has become, by the schedule as it is."""
    await tx.run(_OF_DAY, id=schedule.id, round=round, day_id=day_id, version=schedule.version)


async def forget(tx: Transaction, id: str, round: date) -> None:
    """Forget that a round was made: it may be again."""
    await tx.run(_FORGET, id=id, round=round)
