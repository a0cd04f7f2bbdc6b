"""Rows of farms by their names, so that none passes for another."""

from __future__ import annotations

from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: Until the transaction ends; so that of two farms that take one name at once, the second sees the first.
_LOCK = Statement("farm_names.lock", "select pg_advisory_xact_lock(hashtextextended(likeness(:name), 0))", nothing)
_LIKE = Statement(
    "farm_names.like",
    "select exists (select from farms where state = 'verified' and name_like = likeness(:name) and id <> :farm_id)",
    scalar,
)


async def verified_like(tx: Transaction, name: str, farm_id: str) -> bool:
    """Whether another farm, which the market has verified, has a name that people take for this one; names that are like it are locked."""
    await tx.run(_LOCK, name=name)
    return bool(await tx.row(_LIKE, name=name, farm_id=farm_id))
