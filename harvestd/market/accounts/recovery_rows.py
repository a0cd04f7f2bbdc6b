"""Rows of mailed secrets: to verify an address, to reset a password, to sign in. Only their hashes are stored."""

from __future__ import annotations

from datetime import datetime

import msgspec
from psycopg2 import errors as pg

from harvestd.market.accounts.rows import USER, User
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Mailed(msgspec.Struct, frozen=True):
    """Whose token it is, and the new address that it is for, if it is for one."""

    user_id: str
    email: str | None
    email_key: str


#: Of accounts that are open, or that their owners have put to rest, who open them by signing in.
THERE = "(active or deactivated_at is not null)"
_INSERT = Statement(
    "mailed_tokens.insert",
    f"""insert into mailed_tokens (token_hash, user_id, purpose, email_key, created_at, expires_at)
       select :token_hash, id, :purpose, email_key, :now, :expires_at from users where id = :user_id and {THERE}""",
    nothing,
)
_LATELY = Statement(
    "mailed_tokens.lately",
    "select count(*) from mailed_tokens where user_id = :user_id and purpose = :purpose and created_at > :since",
    scalar,
)
_USER = Statement(
    "mailed_tokens.user",
    f"""select {USER} from users where {THERE} and (id, email_key) in (
           select user_id, email_key from mailed_tokens
            where token_hash = :token_hash and purpose = :purpose and used_at is null and expires_at > :now)""",
    User,
)
#: The account is locked first, as by all that changes it, so that two uses are serialised.
_LOCK = Statement(
    "mailed_tokens.lock",
    f"""select u.id, t.email, t.email_key from users u
         join mailed_tokens t on u.id = t.user_id and (u.email_key = t.email_key or t.purpose = 'address')
        where t.token_hash = :token_hash and {THERE} for no key update of u""",
    Mailed,
)
_INSERT_ADDRESS = Statement(
    "mailed_tokens.insert_address",
    """insert into mailed_tokens (token_hash, user_id, purpose, email, email_key, created_at, expires_at)
       select :token_hash, id, 'address', :email, :email_key, :now, :expires_at from users where id = :user_id and active""",
    nothing,
)
_OWNER = Statement("mailed_tokens.owner", "select active from users where id = :user_id for no key update", scalar)
_GOES_ON = Statement(
    "mailed_tokens.goes_on",
    "select exists (select from sign_ins where id::text = :session and user_id = :user_id and ended_at is null)",
    scalar,
)
_MOVE = Statement(
    "mailed_tokens.move",
    """update users set email = :email, email_key = :email_key, verified_at = :now, version = version + 1, updated_at = :now
        where id = :user_id and not exists (select from users where email_key = :email_key and id <> :user_id)""",
    nothing,
)
_USE = Statement(
    "mailed_tokens.use",
    """update mailed_tokens set used_at = :now
        where token_hash = :token_hash and purpose = :purpose and used_at is null and expires_at > :now""",
    nothing,
)
_VERIFY = Statement(
    "mailed_tokens.verify",
    """update users set verified_at = :now, version = version + 1, updated_at = :now
        where id = :user_id and verified_at is null""",
    nothing,
)
_PASSWORD = Statement(
    "mailed_tokens.password",
    "update users set password_hash = :password_hash, version = version + 1, updated_at = :now where id = :user_id",
    nothing,
)
_FORGET = Statement(
    "mailed_tokens.forget",
    """delete from mailed_tokens where token_hash in (
           select token_hash from mailed_tokens where expires_at < :before order by expires_at limit :limit)""",
    nothing,
)
_DELETE_ALL = Statement("mailed_tokens.delete_all", "delete from mailed_tokens where user_id = :user_id", nothing)
_REVOKE = Statement(
    "mailed_tokens.revoke",
    "update mailed_tokens set used_at = :now where user_id = :user_id and used_at is null",
    nothing,
)


async def insert(
    tx: Transaction, token_hash: bytes, user_id: str, purpose: str, now: datetime, expires_at: datetime
) -> None:
    """Store a token for the account's present address, unless the staff have closed the account."""
    await tx.run(_INSERT, token_hash=token_hash, user_id=user_id, purpose=purpose, now=now, expires_at=expires_at)


async def lately(reader: Reader, user_id: str, purpose: str, since: datetime) -> int:
    """How many tokens for a purpose were mailed to the account since then."""
    return await reader.row(_LATELY, user_id=user_id, purpose=purpose, since=since) or 0


async def user_of(reader: Reader, token_hash: bytes, purpose: str, now: datetime) -> User | None:
    """The account whose token this is, if it is still good; nothing is locked or used."""
    return await reader.row(_USER, token_hash=token_hash, purpose=purpose, now=now)


async def insert_address(
    tx: Transaction, token_hash: bytes, user_id: str, email: str, email_key: str, now: datetime, expires_at: datetime
) -> bool:
    """Store a token for a new address of the account; False if that is closed."""
    return bool(await tx.run(
        _INSERT_ADDRESS, token_hash=token_hash, user_id=user_id, email=email, email_key=email_key, now=now, expires_at=expires_at
    ))  # fmt: skip


async def goes_on(tx: Transaction, user_id: str, session: str) -> bool:
    """Lock the account; whether a sign-in of it goes on."""
    return bool(await tx.row(_OWNER, user_id=user_id)) and bool(
        await tx.row(_GOES_ON, user_id=user_id, session=session)
    )


async def move(tx: Transaction, user_id: str, email: str, email_key: str, now: datetime) -> bool:
    """Give the account the address, which is its owner's; False if another account has it. (One that takes it at the same moment waits
    for the other's commit, and then violates the constraint, which ends its transaction.)"""
    try:
        return bool(await tx.run(_MOVE, user_id=user_id, email=email, email_key=email_key, now=now))
    except pg.UniqueViolation:
        return False


async def use(tx: Transaction, token_hash: bytes, purpose: str, now: datetime) -> Mailed | None:
    """Lock the account and mark its token as used; None if the token is not good (any more)."""
    found = await tx.row(_LOCK, token_hash=token_hash)
    if found is None or not await tx.run(_USE, token_hash=token_hash, purpose=purpose, now=now):
        return None
    return found


async def verify(tx: Transaction, user_id: str, now: datetime) -> bool:
    """Note that the owner reads the account's mail; False if that was known."""
    return bool(await tx.run(_VERIFY, user_id=user_id, now=now))


async def set_password(tx: Transaction, user_id: str, password_hash: str, now: datetime) -> None:
    """Store the hash of a new password; an empty one matches no password."""
    await tx.run(_PASSWORD, user_id=user_id, password_hash=password_hash, now=now)


async def revoke(tx: Transaction, user_id: str, now: datetime) -> None:
    """Make every token of the account useless."""
    await tx.run(_REVOKE, user_id=user_id, now=now)


async def delete_all(tx: Transaction, user_id: str) -> None:
    """Delete every token of the account."""
    await tx.run(_DELETE_ALL, user_id=user_id)


async def delete_expired(tx: Transaction, before: datetime, limit: int) -> int:
    """Delete tokens that expired before then; returns how many."""
    return await tx.run(_FORGET, before=before, limit=limit)
