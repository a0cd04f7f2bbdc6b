"""Storing a new account, a farmer's with the farm: for the web, and for those that the market's staff make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from harvestd.kernel.families import FARMS, stale
from harvestd.kernel.slugs import distinct
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.rules import NewAccount, registered
from harvestd.market.farms import rows as farms
from harvestd.store import outbox
from harvestd.store.postgres.database import Transaction


async def register(
    tx: Transaction, account: NewAccount, user_id: str, password_hash: str, new_id: Callable[[], str], now: datetime
) -> str | None:
    """Store it and tell of it; answers the id of the farm, if there is one. Raises ``AlreadyTaken``."""
    await accounts.insert(tx, account, user_id, password_hash, now)
    events, farm_id = [registered(user_id, account.role, account.email, account.name)], None
    if account.farm_name is not None:
        farm_id = new_id()
        await farms.insert(tx, farm_id, distinct(account.farm_name, farm_id), account.farm_name, user_id, now)
        events.append(stale(f"farm:{farm_id}", 1, FARMS))
    outbox.record(tx, events, new_id, now)
    return farm_id
