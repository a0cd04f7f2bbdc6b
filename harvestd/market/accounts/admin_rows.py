"""Rows of accounts, for the market's admins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Account(msgspec.Struct, frozen=True):
    """An account, as an admin sees it."""

    id: str
    email: str
    verified: bool
    username: str
    name: str
    role: str
    active: bool
    created_at: datetime
    version: int
    erased: bool
    second_factor: bool
    deactivated: bool


class Details(Account, frozen=True):
    """The same, with what an admin looks up when somebody calls. ``last_sign_in_at`` is of the sign-ins that are kept, by themselves."""

    phone: str | None
    last_sign_in_at: datetime | None


_COLUMNS = "id, email, verified_at is not null, username, name, role, active, created_at, version, anonymised_at is not null, second_factor, deactivated_at is not null"
_WHICH = """(:role::text is null or role = :role) and (:active::boolean is null or active = :active)
          and (:text::text = '' or position(:text in email_key) > 0 or position(:text in username_key) > 0
               or position((select folded(:text)) in folded(name)) > 0 or id::text = :text)"""
_COUNT = counting.counting("accounts_admin.count", f"users where {_WHICH}")
_LIST = Statement(
    "accounts_admin.list",
    f"""select {_COLUMNS} from users
        where id < coalesce(:after::uuid, {LAST_ID}) and {_WHICH}
        order by id desc limit :limit""",
    Account,
)
_ONE = Statement(
    "accounts_admin.one",
    f"""select {_COLUMNS}, phone, (select max(s.created_at) from sign_ins s where s.user_id = u.id and s.actor_id is null and s.kind <> 'place')
          from users u where id = :user_id""",
    Details,
)
_LOCK = Statement("accounts_admin.lock", f"select {_COLUMNS} from users where id = :user_id for no key update", Account)
_LOCK_BY_ADDRESS = Statement(
    "accounts_admin.lock_by_address",
    f"select {_COLUMNS} from users where email_key = :email_key for no key update",
    Account,
)
_CHANGE = Statement(
    "accounts_admin.change",
    """update users set role = :role, active = :active, deactivated_at = case when :deactivated::boolean then deactivated_at end,
              version = version + 1, updated_at = :now
        where id = :user_id""",
    nothing,
)
_ADMINS = Statement(
    "accounts_admin.admins",
    "select id::text from users where role = 'admin' and active and id <> :user_id order by id limit 1 for share",
    scalar,
)
_ACTING = Statement(
    "accounts_admin.acting",
    """update sign_ins set ended_at = :now where actor_id = :user_id and ended_at is null returning user_id::text""",
    scalar,
)
_ACTED_FOR = Statement(
    "accounts_admin.acted_for",
    "update sign_ins set ended_at = :now where user_id = :user_id and actor_id is not null and ended_at is null",
    nothing,
)
_FARMS = Statement("accounts_admin.farms", "select count(*) from farm_members where user_id = :user_id", scalar)
_BEGIN_ACTING = Statement(
    "accounts_admin.begin_acting",
    """insert into sign_ins (id, user_id, actor_id, created_at, expires_at, confirmed_at, device)
       select :session, id, :actor_id, :now, :expires_at, '-infinity', :device from users where id = :user_id and active for share""",
    nothing,
)


async def listed(
    reader: Reader, after: str | None, limit: int, *, text: str, role: str | None, active: bool | None
) -> list[Account]:
    """Accounts, newest first; with ``text`` (lower case) in their address, username or name, or as their id."""
    return await reader.rows(_LIST, after=after, limit=limit, text=text, role=role, active=active)


async def count(reader: Reader, *, text: str, role: str | None, active: bool | None) -> int:
    """How many such accounts there are, up to the counting limit."""
    return await counting.count(reader, _COUNT, text=text, role=role, active=active)


async def one(reader: Reader, user_id: str) -> Details | None:
    """An account, with more of it."""
    return await reader.row(_ONE, user_id=user_id)


async def lock(tx: Transaction, user_id: str) -> Account | None:
    """An account, locked."""
    return await tx.row(_LOCK, user_id=user_id)


async def lock_by_address(tx: Transaction, email_key: str) -> Account | None:
    """The account that has this address, locked; it is still theirs once they were waited for."""
    return await tx.row(_LOCK_BY_ADDRESS, email_key=email_key)


async def change(
    tx: Transaction, user_id: str, role: str, active: bool, now: datetime, deactivated: bool = False
) -> None:
    """Change the role of an account, and whether it is open; one that its owner had ``deactivated`` stays theirs to open only if said so."""
    await tx.run(_CHANGE, user_id=user_id, role=role, active=active, deactivated=deactivated, now=now)


async def another_admin(tx: Transaction, user_id: str) -> bool:
    """Whether somebody else is an admin, who stays one until the end of the transaction."""
    return await tx.row(_ADMINS, user_id=user_id) is not None


async def end_acting(tx: Transaction, user_id: str, now: datetime) -> list[str]:
    """End the sign-ins by which this account acts for others; returns whom for."""
    found: list[Any] = await tx.rows(_ACTING, user_id=user_id, now=now)
    return sorted(set(found))


async def end_acted_for(tx: Transaction, user_id: str, now: datetime) -> None:
    """End the sign-ins by which others act for this account."""
    await tx.run(_ACTED_FOR, user_id=user_id, now=now)


async def farms(tx: Transaction, user_id: str) -> int:
    """How many farms the account works for."""
    return await tx.row(_FARMS, user_id=user_id) or 0


async def begin_acting(
    tx: Transaction, session: str, user_id: str, actor_id: str, now: datetime, expires_at: datetime, device: str
) -> bool:
    """Begin a sign-in of an account by somebody else; False if it is closed. Nothing that needs a confirmation is possible by it."""
    return bool(await tx.run(
        _BEGIN_ACTING, session=session, user_id=user_id, actor_id=actor_id, now=now, expires_at=expires_at, device=device
    ))  # fmt: skip
