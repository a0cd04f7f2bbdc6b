"""The end of an account, and what is held on its person. Other subjects listen, and do their part in the same transaction."""

from __future__ import annotations

from typing import Any

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
    consent_rows,
    factor_rows,
    key_rows,
)
from harvestd.market.accounts import recovery_rows as tokens
from harvestd.market.accounts import rows as accounts
from harvestd.unit_of_work import UnitOfWork


@attrs.frozen
class Closed:
    """An account is closed for good, and locked; ``email`` is what its address was. A listener may refuse with ``Conflict``."""

    user_id: str
    email: str
    email_key: str


@attrs.frozen
class Exported:
    """A person asks for everything held on them: a listener adds its sections."""

    user_id: str
    sections: dict[str, Any]


async def close(unit: UnitOfWork, user_id: str) -> None:
    """Erase a person and keep the books: the account's id stays, where orders and farms refer to it. Raises ``Conflict`` if a farm would be
    left without an owner, or an order is open."""
    user = await closing_rows.lock(unit.tx, user_id)
    if not user.active:
        raise Unauthenticated("the account is closed")
    if user.role == ADMIN and not await admin_rows.another_admin(unit.tx, user_id):
        raise Conflict("this is the market's only admin; make somebody else one first")
    farms = await closing_rows.owned_alone(unit.tx, user_id)
    if farms:
        raise Conflict(worded("you are the only owner of {farm}; hand it on first", farm=one_line(farms[0])))
    await unit.tell(Closed(user_id, user.email, user.email_key))
    await tokens.delete_all(unit.tx, user_id)
    await key_rows.end_all(unit.tx, user_id, unit.now)
    await address_rows.delete_all(unit.tx, user_id)
    await factor_rows.delete_all(unit.tx, user_id, unit.now)
    await actions.end_all(unit, user_id)
    await closing_rows.anonymise(unit.tx, user_id, unit.now)
    unit.record(Event("account.deleted", f"user:{user_id}", user.version + 1, {"user_id": user_id}))


async def exported(unit: UnitOfWork, user_id: str) -> dict[str, Any]:
    """Everything held on a person, by what it is about."""
    user = await accounts.by_id(unit.tx, user_id)
    assert user is not None
    account = {
        "id": user.id, "email": user.email, "email_verified": user.verified, "username": user.username, "name": user.name,
        "role": user.role, "phone": user.phone, "language": user.language,
    }  # fmt: skip
    sections: dict[str, Any] = {
        "account": account,
        "farms": await accounts.farms_of(unit.tx, user_id),
        "addresses": await address_rows.listed(unit.tx, user_id, None, 1000),
        "consents": await consent_rows.history(unit.tx, user_id),
        "api_keys": await key_rows.listed(unit.tx, user_id, None, 1000),
        "second_factors": [
            {"kind": one.kind, "name": one.name, "created_at": one.created_at, "last_used_at": one.last_used_at}
            for one in await factor_rows.all_of(unit.tx, user_id)
        ],
        "sign_ins": await closing_rows.sign_ins(unit.tx, user_id),
    }
    await unit.tell(Exported(user_id, sections))
    return sections
