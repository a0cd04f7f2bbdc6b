"""Rows of farms, as the market judges them."""

from __future__ import annotations

from datetime import datetime

from harvestd.store.postgres.database import Statement, Transaction, nothing, scalar

#: The founder's account is locked, so that two farms founded at once are counted.
_OWNED = Statement(
    "farm_states.owned",
    """select (select count(*) from farm_members where user_id = u.id and role = 'owner')
         from (select id from users where id = :user_id for no key update) u""",
    scalar,
)
_CHANGE = Statement(
    "farm_states.change",
    "update farms set state = :state, version = version + 1, updated_at = :now where id = :farm_id",
    nothing,
)


async def owned(tx: Transaction, user_id: str) -> int:
    """How many farms a person owns; their account stays locked."""
    return await tx.row(_OWNED, user_id=user_id) or 0


async def change(tx: Transaction, farm_id: str, state: str, now: datetime) -> None:
    """Store the state."""
    await tx.run(_CHANGE, farm_id=farm_id, state=state, now=now)
