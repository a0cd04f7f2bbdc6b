"""Storing a new account: for the web, and for those that the market's staff make. And what others do of their own when somebody registers
or signs in, in the same transaction: they listen to what happens here."""

from __future__ import annotations

import attrs

from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.rules import NewAccount, registered
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext


@attrs.frozen
class Registered:
    """An account was made; ``farm_id`` and ``farm_name`` are of the farm that it is to have, if any."""

    user_id: str
    farm_id: str | None
    farm_name: str | None


@attrs.frozen
class SignedIn:
    """Somebody signs in by a request."""

    user_id: str
    request: RequestContext


async def register(unit: UnitOfWork, account: NewAccount, user_id: str, password_hash: str) -> str | None:
    """Store it and tell of it; answers the id of the farm, if there is one. Raises ``AlreadyTaken``."""
    await accounts.insert(unit.tx, account, user_id, password_hash, unit.now)
    farm_id = None if account.farm_name is None else unit.new_id()
    unit.record(registered(user_id, account.role, account.email, account.name))
    await unit.tell(Registered(user_id, farm_id, account.farm_name))
    return farm_id
