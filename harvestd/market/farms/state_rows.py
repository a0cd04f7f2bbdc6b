"""Rows of farms, as the market judges them."""

from __future__ import annotations

from datetime import datetime

from harvestd.market.accounts import rows as accounts
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_OWNED = Statement(
    "farm_states.owned", "select count(*) from farm_members where user_id = :user_id and role = 'owner'", scalar
)
_CHANGE = Statement(
    "farm_states.change",
    "update farms set state = :state, version = version + 1, updated_at = :now where id = :farm_id",
    nothing,
)


async def owned(tx: Transaction, user_id: str) -> int:
    """How many farms a person owns; their account is locked first, so that two farms founded at once are both counted."""
    await accounts.lock(tx, user_id)
    return await tx.row(_OWNED, user_id=user_id) or 0


async def change(tx: Transaction, farm_id: str, state: str, now: datetime) -> None:
    """Store the state."""
    await tx.run(_CHANGE, farm_id=farm_id, state=state, now=now)
