"""Accounts that are not made through the web: admins by harvestctl, and the demo's three."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from harvestd.market.accounts import passwords
from harvestd.market.accounts import rules as market
from harvestd.market.accounts.actions import register
from harvestd.market.accounts.recovery_actions import verified
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction
from harvestd.unit_of_work import UnitOfWork, change

_PROMOTE = Statement(
    "people.promote",
    "update users set role = 'admin', version = version + 1, updated_at = :now where id = :user_id and role <> 'admin'",
    nothing,
)
_OTHERS = Statement(
    "people.others", "select exists (select from users where email_key <> all(:emails::text[]))", scalar
)
_COUNT = Statement("people.count", "select count(*) from users where email_key = any(:emails::text[])", scalar)


@attrs.frozen
class Person:
    """``role`` is buyer, farmer or admin; a farmer comes with ``farm_name``."""

    email: str
    username: str
    name: str
    role: str
    password: str
    farm_name: str | None = None


async def others(parts: Parts, emails: Sequence[str]) -> bool:
    """Whether any account exists apart from those with these addresses."""
    return bool(await parts.database.row(_OTHERS, emails=list(emails)))


async def count(parts: Parts, emails: Sequence[str]) -> int:
    """How many of these addresses have an account."""
    return await parts.database.row(_COUNT, emails=list(emails)) or 0


async def add_person(parts: Parts, person: Person) -> tuple[str, str | None]:
    """Register a person as the web would, whose address the operator vouches for; returns the ids of the account and of the farm, if any.
    Raises the web's errors: ``Invalid`` naming the fields, ``AlreadyTaken``."""
    new = market.register(
        email=person.email, username=person.username, password=person.password, name=person.name,
        role="farmer" if person.farm_name else "buyer", farm_name=person.farm_name,
        least=parts.settings.password_least, common=passwords.common(), market=parts.settings.market_name,
    )  # fmt: skip
    new = attrs.evolve(new, role=person.role)
    password_hash = await passwords.hashed(person.password)
    user_id = parts.new_id()

    async def work(unit: UnitOfWork) -> str | None:
        farm_id = await register(unit, new, user_id, password_hash)
        await verified(unit, user_id)
        return farm_id

    return user_id, await change(parts, work)


async def promote(tx: Transaction, user_id: str, now: datetime) -> None:
    """Make an account an admin, effective immediately: the database notifies every process at the commit."""
    await tx.run(_PROMOTE, user_id=user_id, now=now)
