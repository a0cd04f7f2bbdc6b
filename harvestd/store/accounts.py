"""Rows of people, their farms and their refresh tokens."""

from __future__ import annotations

from datetime import datetime

import msgspec
from psycopg2 import errors as pg

from harvestd.market.accounts import NewAccount
from harvestd.market.errors import AlreadyTaken, FieldError
from harvestd.store.database import Reader, Statement, Transaction, nothing


class User(msgspec.Struct, frozen=True):
    """A person. ``password_hash`` is argon2id's encoded form."""

    id: str
    email: str
    username: str
    name: str
    role: str
    avatar: str | None
    active: bool
    password_hash: str
    version: int


class Membership(msgspec.Struct, frozen=True):
    """A farm that a person belongs to."""

    farm_id: str
    slug: str
    name: str
    role: str


class RefreshToken(msgspec.Struct, frozen=True):
    """A refresh token as stored; its secret is known to the client alone."""

    id: str
    family_id: str
    user_id: str
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


_USER = "id, email, username, name, role, avatar, active, password_hash, version"
BY_ID = Statement("accounts.by_id", f"select {_USER} from users where id = $1", User)
BY_EMAIL = Statement("accounts.by_email", f"select {_USER} from users where email_key = $1", User)
FARMS_OF = Statement(
    "accounts.farms_of",
    """select f.id, f.slug, f.name, m.role from farm_members m join farms f on f.id = m.farm_id
       where m.user_id = $1 order by f.name, f.id""",
    Membership,
)
_INSERT = Statement(
    "accounts.insert",
    """insert into users (id, email, email_key, username, username_key, name, password_hash, role, created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)""",
    nothing,
)
_INSERT_REFRESH = Statement(
    "accounts.insert_refresh",
    """insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at)
       values ($1, $2, $3, $4, $5, $6)""",
    nothing,
)
_LOCK_REFRESH = Statement(
    "accounts.lock_refresh",
    """select id, family_id, user_id, expires_at, used_at, revoked_at from refresh_tokens
       where token_hash = $1 for no key update""",
    RefreshToken,
)
_USE_REFRESH = Statement("accounts.use_refresh", "update refresh_tokens set used_at = $2 where id = $1", nothing)
_REVOKE_FAMILY = Statement(
    "accounts.revoke_family",
    "update refresh_tokens set revoked_at = $2 where family_id = $1 and revoked_at is null",
    nothing,
)
_REVOKE_ALL = Statement(
    "accounts.revoke_all",
    "update refresh_tokens set revoked_at = $2 where user_id = $1 and revoked_at is null",
    nothing,
)
_DELETE_EXPIRED = Statement(
    "accounts.delete_expired",
    """delete from refresh_tokens where id in (
           select id from refresh_tokens where expires_at < $1 order by expires_at limit $2)""",
    nothing,
)
_TAKEN = {"users_email_key_key": "email", "users_username_key_key": "username"}


async def insert(tx: Transaction, account: NewAccount, user_id: str, password_hash: str, now: datetime) -> None:
    """Store a new account; raises :class:`AlreadyTaken` naming the field that another account has."""
    try:
        await tx.run(
            _INSERT, user_id, account.email, account.email_key, account.username, account.username_key, account.name,
            password_hash, account.role, now,
        )  # fmt: skip
    except pg.UniqueViolation as error:
        field = _TAKEN.get(error.diag.constraint_name or "", "email")
        message = f"this {field} is in use; sign in, or choose another"
        raise AlreadyTaken(message, (FieldError(field, message),)) from error


async def by_id(reader: Reader, user_id: str) -> User | None:
    """A person by id."""
    return await reader.row(BY_ID, user_id)


async def by_email(reader: Reader, key: str) -> User | None:
    """A person by the normal form of an address (:func:`harvestd.market.accounts.email_key`)."""
    return await reader.row(BY_EMAIL, key)


async def farms_of(reader: Reader, user_id: str) -> list[Membership]:
    """The farms that a person belongs to, by name."""
    return await reader.rows(FARMS_OF, user_id)


async def insert_refresh(
    tx: Transaction, token_id: str, family_id: str, user_id: str, token_hash: bytes, now: datetime, expires_at: datetime
) -> None:
    """Store a refresh token by its SHA-256."""
    await tx.run(_INSERT_REFRESH, token_id, family_id, user_id, token_hash, now, expires_at)


async def lock_refresh(tx: Transaction, token_hash: bytes) -> RefreshToken | None:
    """The token of a hash, locked."""
    return await tx.row(_LOCK_REFRESH, token_hash)


async def use_refresh(tx: Transaction, token_id: str, now: datetime) -> None:
    """Mark a token used: it is good once."""
    await tx.run(_USE_REFRESH, token_id, now)


async def revoke_family(tx: Transaction, family_id: str, now: datetime) -> None:
    """End one sign-in."""
    await tx.run(_REVOKE_FAMILY, family_id, now)


async def revoke_all(tx: Transaction, user_id: str, now: datetime) -> None:
    """End every sign-in of a person."""
    await tx.run(_REVOKE_ALL, user_id, now)


async def delete_expired(tx: Transaction, now: datetime, limit: int) -> int:
    """Delete refresh tokens that no longer hold anyway; answers how many."""
    return await tx.run(_DELETE_EXPIRED, now, limit)
