"""Rows of sign-ins, as their owner sees and confirms them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.market.accounts.rows import User
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class DeviceRow(msgspec.Struct, frozen=True):
    """A live sign-in."""

    id: str
    kind: str
    device: str
    created_at: datetime
    renewed_at: datetime | None
    expires_at: datetime
    acting: bool


_LIVE = Statement(
    "sign_ins.live",
    f"""select id, kind, case when actor_id is null then device else '' end, created_at, renewed_at, expires_at, actor_id is not null from sign_ins
        where user_id = :user_id and ended_at is null and expires_at > :now and id < coalesce(:after::uuid, {LAST_ID})
        order by id desc limit :limit""",
    DeviceRow,
)
_COUNT = counting.counting(
    "sign_ins.count", "sign_ins where user_id = :user_id and ended_at is null and expires_at > :now"
)
_CONFIRM = Statement(
    "sign_ins.confirm",
    """update sign_ins s set confirmed_at = :now from users u
        where s.id = :session and s.ended_at is null and u.id = s.user_id and (u.password_hash, u.second_factor) = (:password_hash, :second_factor)""",
    nothing,
)
_CONFIRMED = Statement(
    "sign_ins.confirmed",
    "select exists (select from sign_ins where id = :session and user_id = :user_id and confirmed_at > :since and ended_at is null)",
    scalar,
)


async def live(reader: Reader, user_id: str, after: str | None, now: datetime, limit: int) -> list[DeviceRow]:
    """A user's live sign-ins, newest first."""
    return await reader.rows(_LIVE, user_id=user_id, after=after, now=now, limit=limit)


async def count(reader: Reader, user_id: str, now: datetime) -> int:
    """How many there are, up to the counting limit."""
    return await counting.count(reader, _COUNT, user_id=user_id, now=now)


async def confirm(tx: Transaction, session: str, checked: User, now: datetime) -> bool:
    """Note that the owner of a sign-in gave a credential again; False if it has ended, or the account has another password or second factor than
    when it was ``checked``."""
    return bool(await tx.run(
        _CONFIRM, session=session, now=now, password_hash=checked.password_hash, second_factor=checked.second_factor
    ))  # fmt: skip


async def confirmed(reader: Reader, session: str, user_id: str, since: datetime) -> bool:
    """Whether they did since then."""
    return bool(await reader.row(_CONFIRMED, session=session, user_id=user_id, since=since))
