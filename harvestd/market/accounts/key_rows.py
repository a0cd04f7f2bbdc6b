"""Rows of API keys. Their secrets are stored as hashes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class KeyRow(msgspec.Struct, frozen=True):
    """A key, as its owner sees it: ``hint`` is how its secret begins."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class Good(msgspec.Struct, frozen=True):
    """A key that is good, the role of its owner, and whether they have a second factor."""

    id: str
    user_id: str
    role: str
    scopes: list[str]
    expires_at: datetime | None
    second_factor: bool


FIND = Statement(
    "api_keys.find",
    """select k.id, k.user_id, u.role, k.scopes, k.expires_at, u.second_factor from api_keys k join users u on u.id = k.user_id
        where k.secret_hash = :secret_hash and k.ended_at is null and (k.expires_at is null or k.expires_at > :now) and u.active""",
    Good,
)
_USED = Statement(
    "api_keys.used",
    """update api_keys set last_used_at = :now
        where id = :key_id and (last_used_at is null or last_used_at < :now::timestamptz - interval '1 minute')""",
    nothing,
)
_INSERT = Statement(
    "api_keys.insert",
    """insert into api_keys (id, user_id, name, hint, secret_hash, scopes, created_at, expires_at)
       values (:key_id, :user_id, :name, :hint, :secret_hash, :scopes, :now, :expires_at)""",
    nothing,
)
_COUNT = counting.counting("api_keys.count", "api_keys where user_id = :user_id and ended_at is null")
_LIST = Statement(
    "api_keys.list",
    f"""select id, name, hint, scopes, created_at, expires_at, last_used_at from api_keys
        where user_id = :user_id and ended_at is null and id < coalesce(:after::uuid, {LAST_ID}) order by id desc limit :limit""",
    KeyRow,
)
_END = Statement(
    "api_keys.end",
    "update api_keys set ended_at = :now where id = :key_id and user_id = :user_id and ended_at is null",
    nothing,
)
_END_ALL = Statement(
    "api_keys.end_all", "update api_keys set ended_at = :now where user_id = :user_id and ended_at is null", nothing
)


async def note_use(tx: Transaction, key_id: str, now: datetime) -> None:
    """Note that the key was used, to the minute."""
    await tx.run(_USED, key_id=key_id, now=now)


async def insert(tx: Transaction, key: KeyRow, user_id: str, secret_hash: bytes) -> None:
    """Store a new key."""
    await tx.run(
        _INSERT, key_id=key.id, user_id=user_id, name=key.name, hint=key.hint, secret_hash=secret_hash, scopes=key.scopes,
        now=key.created_at, expires_at=key.expires_at,
    )  # fmt: skip


async def count(reader: Reader, user_id: str) -> int:
    """How many keys a user has, up to the counting limit; expired ones, too."""
    return await counting.count(reader, _COUNT, user_id=user_id)


async def listed(reader: Reader, user_id: str, after: str | None, limit: int) -> list[KeyRow]:
    """A user's keys that were not ended, newest first; expired ones, too."""
    return await reader.rows(_LIST, user_id=user_id, after=after, limit=limit)


async def end(tx: Transaction, key_id: str, user_id: str, now: datetime) -> bool:
    """End a user's key; False if there is none."""
    return bool(await tx.run(_END, key_id=key_id, user_id=user_id, now=now))


async def end_all(tx: Transaction, user_id: str, now: datetime) -> None:
    """End all keys of a user."""
    await tx.run(_END_ALL, user_id=user_id, now=now)
