"""Sign-ins as stored in PostgreSQL, and their refresh tokens.

A sign-in is live while it has not ended, its newest refresh token has not expired, and the account is active. Renewing or ending one
locks its row first, so that concurrent renewals and ends are serialised: a token is never issued by a sign-in that has
ended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import attrs
import msgspec

from harvestd.interfaces import Account
from harvestd.market.accounts.rows import User
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: The most sign-ins returned for a user: the requested one and the newest.
MAX = 50


class RefreshToken(msgspec.Struct, frozen=True):
    """A refresh token as stored, and when its sign-in began, and ended, if it did; only the client knows its secret."""

    id: str
    session: str
    user_id: str
    expires_at: datetime
    ended_at: datetime | None
    begun_at: datetime


@attrs.frozen
class Standing:
    """A user's ``account`` now, and their live sign-ins. Without any, the account is meaningless."""

    account: Account
    sessions: frozenset[str]


LIVE = Statement(
    "sessions.live",
    f"""select s.id::text, u.role, u.second_factor from sign_ins s join users u on u.id = s.user_id
        where s.user_id = :user_id and u.active and s.ended_at is null and s.expires_at > :now
        order by s.id = :session desc, s.id desc limit {MAX}""",
    lambda session, role, second_factor: (session, Account(role, second_factor)),
)
#: Waits for an account that is being closed concurrently.
_BEGIN = Statement(
    "sessions.begin",
    """insert into sign_ins (id, user_id, created_at, expires_at, place, kind, device, confirmed_at)
       select :session, id, :now, :expires_at, :place, :kind, :device, :now from users
        where id = :user_id and active and (:checked::text is null or (password_hash, second_factor) = (:checked, :second_factor)) for share""",
    nothing,
)
_KNOWN = Statement(
    "sessions.known", "select exists (select from sign_ins where user_id = :user_id and place = :place)", scalar
)
_INSERT_TOKEN = Statement(
    "sessions.insert_token",
    """with extended as (update sign_ins set expires_at = :expires_at, renewed_at = :now where id = :session)
       insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at)
       values (:token_id, :session, :user_id, :token_hash, :now, :expires_at)""",
    nothing,
)
#: Reads only immutable columns of the token: after waiting for the lock, the sign-in is current, the token as it was before.
_LOCK = Statement(
    "sessions.lock",
    """select t.id, s.id, s.user_id, t.expires_at, s.ended_at, s.created_at
       from refresh_tokens t join sign_ins s on s.id = t.family_id where t.token_hash = :token_hash for no key update of s""",
    RefreshToken,
)
_USE_TOKEN = Statement(
    "sessions.use_token", "update refresh_tokens set used_at = :now where id = :token_id and used_at is null", nothing
)
#: Of a used token: whether that was lately, and its successor was not used yet.
_RENEWED_LATELY = Statement(
    "sessions.renewed_lately",
    """select used_at > :since and exists (select from refresh_tokens where token_hash = :next and used_at is null)
         from refresh_tokens where id = :token_id""",
    scalar,
)
_END = Statement(
    "sessions.end",
    "update sign_ins set ended_at = :now where id = :session and user_id = :user_id and ended_at is null",
    nothing,
)
_END_ALL = Statement(
    "sessions.end_all",
    """update sign_ins set ended_at = :now where id in (
           select id from sign_ins where (user_id = :user_id or actor_id = :user_id) and ended_at is null and id is distinct from :keeping::uuid
            order by id for no key update) returning user_id::text""",
    scalar,
)
_FORGET_TOKENS = Statement(
    "sessions.forget_tokens",
    """delete from refresh_tokens where id in (
           select id from refresh_tokens where expires_at < :now order by expires_at limit :limit)""",
    nothing,
)
_FORGET = Statement(
    "sessions.forget",
    """delete from sign_ins where id in (
           select id from sign_ins where expires_at < :now order by expires_at limit :limit for update skip locked)""",
    nothing,
)


async def begin(
    tx: Transaction, session: str, user_id: str, now: datetime, expires_at: datetime, place: bytes | None = None,
    kind: str = "tokens", device: str = "", checked: User | None = None,
) -> bool:  # fmt: skip
    """Begin a sign-in, without a token yet; False if there is no such account, or it is closed, or its password or whether it has a second
    factor is not that of ``checked`` any more, by which they were checked. ``place`` is its address's digest, ``kind`` tokens or browser (or place: nobody signs in, and its place is known), ``device``
    what signs in."""
    return bool(await tx.run(
        _BEGIN, session=session, user_id=user_id, now=now, expires_at=expires_at, place=place, kind=kind, device=device,
        checked=None if checked is None else checked.password_hash, second_factor=checked is not None and checked.second_factor,
    ))  # fmt: skip


async def known(reader: Reader, user_id: str, place: bytes) -> bool:
    """Whether the user has signed in from that place before, and not too long ago."""
    return bool(await reader.row(_KNOWN, user_id=user_id, place=place))


async def add_token(
    tx: Transaction, token_id: str, session: str, user_id: str, token_hash: bytes, now: datetime, expires_at: datetime
) -> None:
    """Add the next refresh token, by its SHA-256, of a sign-in that was begun or locked in this transaction."""
    await tx.run(
        _INSERT_TOKEN,
        token_id=token_id,
        session=session,
        user_id=user_id,
        token_hash=token_hash,
        now=now,
        expires_at=expires_at,
    )


async def lock(tx: Transaction, token_hash: bytes) -> RefreshToken | None:
    """The token with this hash, with its sign-in locked."""
    return await tx.row(_LOCK, token_hash=token_hash)


async def use_token(tx: Transaction, token_id: str, now: datetime) -> bool:
    """Mark a token as used, whose sign-in is locked; False if it was used before, since it is valid once."""
    return bool(await tx.run(_USE_TOKEN, token_id=token_id, now=now))


async def renewed_lately(tx: Transaction, token_id: str, next_hash: bytes, since: datetime) -> bool:
    """Whether a used token, whose sign-in is locked, was used since then, and the one that came of it was not used yet."""
    return bool(await tx.row(_RENEWED_LATELY, token_id=token_id, next=next_hash, since=since))


async def end(tx: Transaction, session: str, user_id: str, now: datetime) -> bool:
    """End one sign-in of a person; False if they have no such sign-in, or it has ended."""
    return bool(await tx.run(_END, session=session, user_id=user_id, now=now))


async def end_all(tx: Transaction, user_id: str, now: datetime, keeping: str | None = None) -> set[str]:
    """End every sign-in of a person, but for one if it is to be kept; also those by which they act for others. Returns whose ended."""
    return set(await tx.rows(_END_ALL, user_id=user_id, now=now, keeping=keeping))


async def delete_expired(tx: Transaction, now: datetime, limit: int) -> int:
    """Delete expired tokens and sign-ins; returns how many."""
    tokens = await tx.run(_FORGET_TOKENS, now=now, limit=limit)
    return tokens + await tx.run(_FORGET, now=now, limit=limit)


class SignInSource(Protocol):
    """The source of :class:`~harvestd.market.accounts.sign_ins_near.NearSignIns` for sign-ins that it has not cached."""

    async def live(self, user_id: str, session: str) -> Standing:
        """The user's live sign-ins, including ``session`` if it is live. Raises ``Unavailable``."""

    async def forget(self, user_id: str) -> None:
        """Invalidate everything cached about the user, as a sign-in ended or the account changed. Never
        raises."""

    def missed(self) -> None:
        """Invalidate everything cached before now, as notifications may have been missed."""


class PostgresSignIns:
    """The source of truth: reads from ``primary``, since a replica may lag behind a sign-out."""

    def __init__(self, primary: Reader, now: Callable[[], datetime]) -> None:
        self._primary = primary
        self._now = now

    async def live(self, user_id: str, session: str) -> Standing:
        """Query with one statement, whether or not the sign-in is live; both ids are UUIDs."""
        rows = await self._primary.rows(LIVE, user_id=user_id, session=session, now=self._now())
        return Standing(rows[0][1] if rows else Account(""), frozenset(session for session, _ in rows))

    async def forget(self, user_id: str) -> None:
        """Do nothing, as nothing is cached here."""

    def missed(self) -> None:
        """Do nothing, likewise."""
