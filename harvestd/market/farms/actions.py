"""Who may act for a farm; and the farm of whoever registers as a farmer."""

from __future__ import annotations

from harvestd.kernel.errors import Forbidden
from harvestd.kernel.families import FARMS, stale
from harvestd.kernel.permissions import Permission, may_everywhere, may_for_farm
from harvestd.kernel.slugs import distinct
from harvestd.market.accounts.actions import Registered
from harvestd.market.farms import rows as store
from harvestd.store.postgres.database import Reader
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Caller


async def allowed(reader: Reader, caller: Caller, permission: Permission, farm_id: str) -> bool:
    """Whether somebody may do this for a farm."""
    if may_everywhere(caller.role, permission):
        return True
    return may_for_farm(caller.role, await store.role(reader, farm_id, caller.user_id), permission)


async def require(reader: Reader, caller: Caller, permission: Permission, farm_id: str) -> None:
    """Raise :class:`Forbidden` unless they may."""
    if not await allowed(reader, caller, permission, farm_id):
        raise Forbidden("this farm is not yours")


async def found(unit: UnitOfWork, account: Registered) -> None:
    """Make the farm that an account is to have, with it."""
    if account.farm_id is None or account.farm_name is None:
        return
    slug = distinct(account.farm_name, account.farm_id)
    await store.insert(unit.tx, account.farm_id, slug, account.farm_name, account.user_id, unit.now)
    unit.record(stale(f"farm:{account.farm_id}", 1, FARMS))
