"""Who may act for a farm; and the farm of whoever registers as a farmer."""

from __future__ import annotations

from harvestd.kernel.errors import Forbidden
from harvestd.kernel.families import FARMS, stale
from harvestd.kernel.slugs import distinct
from harvestd.market.accounts.actions import Registered
from harvestd.market.farms import rows as store
from harvestd.store.postgres.database import Reader, Transaction
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Call


async def may_act(call: Call, reader: Reader, farm_id: str) -> bool:
    """Whether the caller may act for a farm: they belong to it, or are staff."""
    return call.user.role == "admin" or await store.role(reader, farm_id, call.user.user_id) is not None


async def owned(call: Call, tx: Transaction, farm_id: str) -> None:
    """Raise :class:`Forbidden` unless the caller may act for the farm."""
    if not await may_act(call, tx, farm_id):
        raise Forbidden("this farm is not yours")


async def found(unit: UnitOfWork, account: Registered) -> None:
    """Make the farm that an account is to have, with it."""
    if account.farm_id is None or account.farm_name is None:
        return
    slug = distinct(account.farm_name, account.farm_id)
    await store.insert(unit.tx, account.farm_id, slug, account.farm_name, account.user_id, unit.now)
    unit.record(stale(f"farm:{account.farm_id}", 1, FARMS))
