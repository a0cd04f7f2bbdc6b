"""Erasing a person."""

from __future__ import annotations

from datetime import datetime

from harvestd.market.accounts.rows import USER, User
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_LOCK = Statement("closing.lock", f"select {USER} from users where id = :user_id for update", User)
#: As by all that changes who owns a farm, which would otherwise not see what this does beside it.
_LOCK_FARMS = Statement(
    "closing.lock_farms",
    """select id from farms where id in (select farm_id from farm_members where user_id = :user_id and role = 'owner')
        order by id for no key update""",
    scalar,
)
_ALONE = Statement(
    "closing.owned_alone",
    """select f.name from farm_members m join farms f on f.id = m.farm_id
        where m.user_id = :user_id and m.role = 'owner'
          and not exists (select from farm_members o join users u on u.id = o.user_id
                           where o.farm_id = m.farm_id and o.user_id <> m.user_id and o.role = 'owner' and u.active and u.role <> 'buyer')
        order by f.name""",
    scalar,
)
_LEAVE = Statement("closing.leave", "delete from farm_members where user_id = :user_id", nothing)
_FORGET = Statement(
    "closing.forget",
    "update sign_ins set place = null, device = '' where user_id = :user_id",
    nothing,
)
_CONSENTS = Statement("closing.consents", "delete from consents where user_id = :user_id", nothing)
#: Responses kept for idempotency keys hold what they answered.
_ANSWERS = Statement("closing.answers", "delete from idempotency_keys where user_id = :user_id", nothing)
_ANONYMISE = Statement(
    "closing.anonymise",
    """update users set email = 'deleted-' || id || '@invalid', email_key = 'deleted-' || id || '@invalid', username = 'deleted-' || id,
              username_key = 'deleted-' || id, name = 'Deleted account', phone = null, avatar = null, language = null, password_hash = '', verified_at = null, second_factor = false, passkey_handle = null,
              active = false, anonymised_at = :now, version = version + 1, updated_at = :now
        where id = :user_id""",
    nothing,
)

_DEACTIVATE = Statement(
    "closing.deactivate",
    "update users set active = false, deactivated_at = :now, version = version + 1, updated_at = :now where id = :user_id",
    nothing,
)
_REOPEN = Statement(
    "closing.reopen",
    """update users set active = true, deactivated_at = null, version = version + 1, updated_at = :now
        where id = :user_id and deactivated_at is not null""",
    nothing,
)


async def lock(tx: Transaction, user_id: str) -> User:
    """The account, locked until the end of the transaction."""
    found = await tx.row(_LOCK, user_id=user_id)
    assert found is not None
    return found


async def owned_alone(tx: Transaction, user_id: str) -> list[str]:
    """The names of the farms that have no other owner; the farms of which they are one stay locked."""
    await tx.rows(_LOCK_FARMS, user_id=user_id)
    return await tx.rows(_ALONE, user_id=user_id)


async def anonymise(tx: Transaction, user_id: str, now: datetime) -> None:
    """Erase what says who the person was."""
    for statement in (_LEAVE, _FORGET, _CONSENTS, _ANSWERS):
        await tx.run(statement, user_id=user_id)
    await tx.run(_ANONYMISE, user_id=user_id, now=now)


async def deactivate(tx: Transaction, user_id: str, now: datetime) -> None:
    """Put an account to rest, by its owner's wish. It is locked."""
    await tx.run(_DEACTIVATE, user_id=user_id, now=now)


async def reopen(tx: Transaction, user_id: str, now: datetime) -> bool:
    """Open an account again that its owner has put to rest; False for any other."""
    return bool(await tx.run(_REOPEN, user_id=user_id, now=now))
