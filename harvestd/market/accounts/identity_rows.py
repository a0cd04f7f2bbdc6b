"""Rows of identities: accounts that people have elsewhere, by which they sign in here; and of states that were used."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class IdentityRow(msgspec.Struct, frozen=True):
    """An account elsewhere. ``email`` is what the issuer had verified when it was linked."""

    id: str
    user_id: str
    issuer: str
    subject: str
    email: str
    email_key: str
    created_at: datetime
    last_used_at: datetime


_COLUMNS = "id, user_id, issuer, subject, email, email_key, created_at, last_used_at"
_FIND = Statement(
    "identities.find", f"select {_COLUMNS} from identities where issuer = :issuer and subject = :subject", IdentityRow
)
_OF = Statement("identities.of", f"select {_COLUMNS} from identities where user_id = :user_id order by id", IdentityRow)
_INSERT = Statement(
    "identities.insert",
    """insert into identities (id, user_id, issuer, subject, email, email_key, created_at, last_used_at)
       values (:id, :user_id, :issuer, :subject, :email, :email_key, :now, :now) on conflict do nothing""",
    nothing,
)
_USED = Statement("identities.used", "update identities set last_used_at = :now where id = :id", nothing)
_DELETE = Statement("identities.delete", "delete from identities where user_id = :user_id and id = :id", nothing)
_DELETE_ALL = Statement("identities.delete_all", "delete from identities where user_id = :user_id", nothing)
_DELETE_OTHERS = Statement(
    "identities.delete_others",
    """delete from identities i using users u
        where i.user_id = :user_id and u.id = i.user_id and i.email_key <> u.email_key""",
    nothing,
)
_SPEND = Statement(
    "spent_states.insert",
    "insert into spent_states (state_hash, expires_at) values (:state_hash, :expires_at) on conflict do nothing",
    nothing,
)
_FORGET = Statement(
    "spent_states.forget",
    """delete from spent_states where state_hash in (
           select state_hash from spent_states where expires_at < :now order by expires_at limit :limit)""",
    nothing,
)
_WAYS = Statement(
    "identities.ways",
    """select (password_hash <> '')::int + (select count(*) from identities where user_id = :user_id) from users where id = :user_id""",
    scalar,
)


async def find(reader: Reader, issuer: str, subject: str) -> IdentityRow | None:
    """The identity that an issuer's subject has here."""
    return await reader.row(_FIND, issuer=issuer, subject=subject)


async def all_of(reader: Reader, user_id: str) -> list[IdentityRow]:
    """A user's identities, oldest first."""
    return await reader.rows(_OF, user_id=user_id)


async def insert(tx: Transaction, row: IdentityRow) -> bool:
    """Store an identity; False if somebody has it already. The account is locked."""
    return bool(await tx.run(
        _INSERT, id=row.id, user_id=row.user_id, issuer=row.issuer, subject=row.subject, email=row.email, email_key=row.email_key,
        now=row.created_at,
    ))  # fmt: skip


async def used(tx: Transaction, id: str, now: datetime) -> None:
    """Note that somebody signed in by it."""
    await tx.run(_USED, id=id, now=now)


async def delete(tx: Transaction, user_id: str, id: str) -> bool:
    """Delete one; False if the user has none of this id. The account is locked."""
    return bool(await tx.run(_DELETE, user_id=user_id, id=id))


async def delete_all(tx: Transaction, user_id: str) -> None:
    """Delete all of a user's. The account is locked."""
    await tx.run(_DELETE_ALL, user_id=user_id)


async def delete_others(tx: Transaction, user_id: str) -> bool:
    """Delete those of another address than the account has now; whether there were any. The account is locked."""
    return bool(await tx.run(_DELETE_OTHERS, user_id=user_id))


async def ways(tx: Transaction, user_id: str) -> int:
    """In how many ways the account signs in by itself: its password, if it has one, and its identities."""
    return await tx.row(_WAYS, user_id=user_id) or 0


async def spend(tx: Transaction, state_hash: bytes, expires_at: datetime) -> bool:
    """Use a state; False if that was done already."""
    return bool(await tx.run(_SPEND, state_hash=state_hash, expires_at=expires_at))


async def delete_spent(tx: Transaction, now: datetime, limit: int) -> int:
    """Delete states that would be too old by now; returns how many."""
    return await tx.run(_FORGET, now=now, limit=limit)
