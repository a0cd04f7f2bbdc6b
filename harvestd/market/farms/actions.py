"""Who may act for a farm."""

from __future__ import annotations

from harvestd.kernel.errors import Forbidden
from harvestd.market.farms import rows as store
from harvestd.store.postgres.database import Reader, Transaction
from harvestd.web.context import Call


async def may_act(call: Call, reader: Reader, farm_id: str) -> bool:
    """Whether the caller may act for a farm: they belong to it, or are staff."""
    return call.user.role == "admin" or await store.role(reader, farm_id, call.user.user_id) is not None


async def owned(call: Call, tx: Transaction, farm_id: str) -> None:
    """Raise :class:`Forbidden` unless the caller may act for the farm."""
    if not await may_act(call, tx, farm_id):
        raise Forbidden("this farm is not yours")
