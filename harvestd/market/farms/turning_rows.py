"""Rows of farms that a day comes for: something of theirs begins or ends with it."""

from __future__ import annotations

from datetime import date

from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_DUE = Statement(
    "farms.due", "select id::text from farms where turns_on <= :today order by turns_on, id limit :limit", scalar
)
_NEXT = Statement("farms.next_turn", "select min(turns_on) from farms", scalar)
_TURN = Statement("farms.turn", "update farms set turns_on = :next, version = version + 1 where id = :farm_id", nothing)


async def due(reader: Reader, today: date, limit: int) -> list[str]:
    """Ids of the farms that a day has come for, until this one."""
    return await reader.rows(_DUE, today=today, limit=limit)


async def following(reader: Reader) -> date | None:
    """The first day that comes for any farm; None if none does."""
    found: date | None = await reader.row(_NEXT)
    return found


async def turn(tx: Transaction, farm_id: str, next: date | None) -> None:
    """Store that the day was told of, and which comes next, as the farm's next version."""
    await tx.run(_TURN, farm_id=farm_id, next=next)
