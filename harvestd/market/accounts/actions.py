"""Storing a new account, for the web and for accounts made by the market's staff. Other subjects listen to registrations and sign-ins
here, to do their own work in the same transaction."""

from __future__ import annotations

import attrs

from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.rules import NewAccount, registered
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext


@attrs.frozen
class Registered:
    """An account was made; ``farm_id`` and ``farm_name`` are those of its new farm, if any."""

    user_id: str
    farm_id: str | None
    farm_name: str | None


@attrs.frozen
class SignedIn:
    """A request signs a user in."""

    user_id: str
    request: RequestContext


async def register(unit: UnitOfWork, account: NewAccount, user_id: str, password_hash: str) -> str | None:
    """Store the account and notify the listeners; returns the id of the farm, if there is one. Raises ``AlreadyTaken``."""
    await accounts.insert(unit.tx, account, user_id, password_hash, unit.now)
    farm_id = None if account.farm_name is None else unit.new_id()
    unit.record(registered(user_id, account.role, account.email, account.name))
    await unit.tell(Registered(user_id, farm_id, account.farm_name))
    return farm_id
