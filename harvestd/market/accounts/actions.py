"""Storing a new account, for the web and for accounts made by the market's staff. Other subjects listen to registrations and sign-ins
here, to do their own work in the same transaction."""

from __future__ import annotations

import attrs

from harvestd.kernel import families
from harvestd.kernel.errors import AlreadyTaken, FieldError
from harvestd.kernel.events import Event
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_ins
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


@attrs.frozen
class Demoted:
    """An account may do less in the market than before, or was closed (``active`` is False) by an admin; it is locked."""

    user_id: str
    active: bool


@attrs.frozen
class Opened:
    """An account that was at rest, or closed by an admin, is open again; it is locked."""

    user_id: str


async def register(unit: UnitOfWork, account: NewAccount, user_id: str, password_hash: str) -> str | None:
    """Store the account and notify the listeners; returns the id of the farm, if there is one. Raises ``AlreadyTaken``."""
    await accounts.insert(unit.tx, account, user_id, password_hash, unit.machine_now)
    return await _founded(unit, account, user_id)


async def register_privately(unit: UnitOfWork, account: NewAccount, user_id: str, password_hash: str) -> None:
    """The same, but an address that has an account is only mailed so. A username is public, so it is said to be taken:
    raises ``AlreadyTaken`` for that alone."""
    taken = await register_unless_taken(unit, account, user_id, password_hash)
    usernames = tuple(fault for fault in taken if fault.field == "username")
    if usernames:
        raise AlreadyTaken(errors=usernames)
    if taken:
        data = {"purpose": "known", "email": account.email, "language": account.language}
        unit.record(Event("account.mail_requested", f"mail:{unit.new_id()}", 1, data))


async def register_unless_taken(
    unit: UnitOfWork, account: NewAccount, user_id: str, password_hash: str
) -> tuple[FieldError, ...]:
    """The same; or, with nothing stored, a fault for every field whose value another account has."""
    taken = await accounts.insert_unless_taken(unit.tx, account, user_id, password_hash, unit.machine_now)
    if not taken:
        await _founded(unit, account, user_id)
    return taken


async def become_farmer(unit: UnitOfWork, user_id: str) -> None:
    """Whoever works for a farm is a farmer, or more. The database tells every process that the role has changed."""
    if await accounts.become_farmer(unit.tx, user_id, unit.machine_now):
        ended(unit, user_id)


async def end(unit: UnitOfWork, user_id: str, session: str) -> bool:
    """End one sign-in of a user; False if they have no such sign-in."""
    had = await sign_ins.end(unit.tx, session, user_id, unit.machine_now)
    if had:
        ended(unit, user_id)
    return had


async def end_all(unit: UnitOfWork, user_id: str, keeping: str | None = None) -> None:
    """End every sign-in of a user, but for one if it is to be kept; also those by which they act for others."""
    for other in {user_id} | await sign_ins.end_all(unit.tx, user_id, unit.machine_now, keeping):
        ended(unit, other)


def ended(unit: UnitOfWork, user_id: str) -> None:
    """A sign-in or an API key of the user ends with this unit, or their role changes: notify every process at the commit; if this one
    crashes before it does, a worker notifies them."""
    unit.record(families.stale(f"user:{user_id}", 1, families.sign_ins(user_id)))
    unit.on_commit(lambda: unit.parts.api_keys.ended(user_id))


async def _founded(unit: UnitOfWork, account: NewAccount, user_id: str) -> str | None:
    farm_id = None if account.farm_name is None else unit.new_id()
    unit.record(registered(user_id, account.role, account.email, account.name))
    await unit.tell(Registered(user_id, farm_id, account.farm_name))
    return farm_id
