"""The end of an account. Other subjects listen, and do their part in the same transaction."""

from __future__ import annotations

import attrs

from harvestd.kernel.errors import Conflict, Unauthenticated
from harvestd.kernel.events import Event
from harvestd.kernel.names import one_line
from harvestd.kernel.permissions import ADMIN
from harvestd.kernel.sentences import worded
from harvestd.market.accounts import (
    actions,
    address_rows,
    admin_rows,
    closing_rows,
    factor_rows,
    identity_rows,
    key_rows,
)
from harvestd.market.accounts import recovery_rows as tokens
from harvestd.market.accounts.rows import User
from harvestd.market.long_work import rows as operations
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import blobs


@attrs.frozen
class Closed:
    """An account is closed for good, and locked; ``email`` is what its address was."""

    user_id: str
    email: str
    email_key: str


@attrs.frozen
class Leaving:
    """An account is about to be closed or deactivated, and is locked. A listener may refuse with ``Conflict``."""

    user_id: str


async def leaving(unit: UnitOfWork, user_id: str) -> User:
    """The account, locked, if its person may leave for good or for a while. Raises ``Conflict`` if a farm would be left without an owner, or
    the market without an admin, or an order is open."""
    user = await closing_rows.lock(unit.tx, user_id)
    if not user.active:
        raise Unauthenticated("the account is closed")
    if user.role == ADMIN and not await admin_rows.another_admin(unit.tx, user_id):
        raise Conflict("this is the market's only admin; make somebody else one first")
    farms = await closing_rows.owned_alone(unit.tx, user_id)
    if farms:
        raise Conflict(worded("you are the only owner of {farm}; hand it on first", farm=one_line(farms[0])))
    await unit.tell(Leaving(user_id))
    return user


async def close(unit: UnitOfWork, user_id: str) -> None:
    """Erase a person and keep the books: the account's id stays, where orders and farms refer to it. Raises ``Conflict`` as
    :func:`leaving` does."""
    user = await leaving(unit, user_id)
    await unit.tell(Closed(user_id, user.email, user.email_key))
    await operations.forget(unit.tx, user_id)
    await tokens.delete_all(unit.tx, user_id)
    await key_rows.end_all(unit.tx, user_id, unit.machine_now)
    await address_rows.delete_all(unit.tx, user_id)
    await factor_rows.delete_all(unit.tx, user_id, unit.machine_now)
    await blobs.drop_of_user(unit, user_id)
    await identity_rows.delete_all(unit.tx, user_id)
    await actions.end_all(unit, user_id)
    await closing_rows.anonymise(unit.tx, user_id, unit.machine_now)
    data = {"user_id": user_id, "email": user.email, "language": user.language}
    unit.record(Event("account.deleted", f"user:{user_id}", user.version + 1, data))
