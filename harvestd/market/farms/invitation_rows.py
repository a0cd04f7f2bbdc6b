"""Rows of whom a farm has invited."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.market.accounts.export_rows import section
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class Invitation(msgspec.Struct, frozen=True):
    """Somebody who was invited, and has not answered."""

    id: str
    farm_id: str
    email: str
    email_key: str
    role: str
    created_at: datetime
    expires_at: datetime


class Sent(msgspec.Struct, frozen=True):
    """How many invitations of a farm are open, how many it has sent since a time, and when the first of those."""

    open: int
    lately: int
    first: datetime | None


_INVITATION = "id, farm_id, email, email_key, role, created_at, expires_at"
_REPLACE = Statement(
    "farm_invitations.replace",
    "update farm_invitations set ended_at = :now where farm_id = :farm_id and email_key = :email_key and ended_at is null",
    nothing,
)
_COUNT = counting.counting("farm_invitations.count", "farm_invitations where farm_id = :farm_id and ended_at is null")
_SENT = Statement(
    "farm_invitations.sent",
    """select count(*) filter (where ended_at is null), count(*) filter (where created_at > :since), min(created_at) filter (where created_at > :since)
         from farm_invitations where farm_id = :farm_id and (ended_at is null or created_at > :since)""",
    Sent,
)
_INVITE = Statement(
    "farm_invitations.insert",
    """insert into farm_invitations (id, farm_id, email, email_key, role, invited_by, created_at, expires_at)
       values (:id, :farm_id, :email, :email_key, :role, :invited_by, :now, :expires_at)""",
    nothing,
)
_LIST = Statement(
    "farm_invitations.list",
    f"""select {_INVITATION} from farm_invitations
        where farm_id = :farm_id and ended_at is null and id < coalesce(:after::uuid, {LAST_ID}) order by id desc limit :limit""",
    Invitation,
)
_LOCK = Statement(
    "farm_invitations.lock",
    f"""select {_INVITATION} from farm_invitations where id = :id and ended_at is null and expires_at > :now for no key update""",
    Invitation,
)
_BY_TOKEN = Statement(
    "farm_invitations.by_token",
    f"""select {_INVITATION} from farm_invitations
        where token_hash = :token_hash and ended_at is null and expires_at > :now for no key update""",
    Invitation,
)
_MINT = Statement(
    "farm_invitations.mint", "update farm_invitations set token_hash = :token_hash where id = :id", nothing
)
_END_BY = Statement(
    "farm_invitations.end_by",
    "update farm_invitations set ended_at = :now where farm_id = :farm_id and invited_by = :user_id and ended_at is null",
    nothing,
)
_END_OF = Statement(
    "farm_invitations.end_of",
    """update farm_invitations i set ended_at = :now
        where i.invited_by = :user_id and i.ended_at is null and not (:active and exists (
              select from farm_members m where m.farm_id = i.farm_id and m.user_id = i.invited_by and m.role = 'owner'))""",
    nothing,
)
_FORGET = Statement(
    "farm_invitations.forget",
    """update farm_invitations set email = '', email_key = 'deleted-' || id, token_hash = null, ended_at = coalesce(ended_at, :now)
        where email_key = :email_key or accepted_by = :user_id or (invited_by = :user_id and ended_at is null)""",
    nothing,
)
_END = Statement(
    "farm_invitations.end",
    """update farm_invitations set ended_at = :now, accepted_by = :accepted_by
        where id = :id and farm_id = :farm_id and ended_at is null""",
    nothing,
)

#: Of a person who asks what is held on them.
HELD = section(
    "invitations",
    ("f.name as farm", "i.role", "i.created_at", "i.expires_at", "i.ended_at"),
    "farm_invitations i join farms f on f.id = i.farm_id where i.email_key = (select email_key from users where id = :user_id)",
    "i.id",
)


async def invite(tx: Transaction, invitation: Invitation, invited_by: str) -> None:
    """Store an invitation; one that was sent to the same address before ends. The farm is locked."""
    await tx.run(_REPLACE, farm_id=invitation.farm_id, email_key=invitation.email_key, now=invitation.created_at)
    await tx.run(
        _INVITE, id=invitation.id, farm_id=invitation.farm_id, email=invitation.email, email_key=invitation.email_key, role=invitation.role,
        invited_by=invited_by, now=invitation.created_at, expires_at=invitation.expires_at,
    )  # fmt: skip


async def listed(reader: Reader, farm_id: str, after: str | None, limit: int) -> list[Invitation]:
    """Invitations that were not answered, newest first; those that have expired, too."""
    return await reader.rows(_LIST, farm_id=farm_id, after=after, limit=limit)


async def count(reader: Reader, farm_id: str) -> int:
    """How many there are, up to the counting limit."""
    return await counting.count(reader, _COUNT, farm_id=farm_id)


async def sent(tx: Transaction, farm_id: str, since: datetime) -> Sent:
    """What a farm has sent. The farm is locked."""
    found = await tx.row(_SENT, farm_id=farm_id, since=since)
    assert found is not None, "an aggregate is a row"
    return found


async def mint(tx: Transaction, id: str, token_hash: bytes, now: datetime) -> Invitation | None:
    """Give an open invitation its token; None if it is open no more."""
    found = await tx.row(_LOCK, id=id, now=now)
    if found is not None:
        await tx.run(_MINT, id=id, token_hash=token_hash)
    return found


async def by_token(tx: Transaction, token_hash: bytes, now: datetime) -> Invitation | None:
    """The open invitation with this token, locked."""
    return await tx.row(_BY_TOKEN, token_hash=token_hash, now=now)


async def end_by(tx: Transaction, farm_id: str, user_id: str, now: datetime) -> None:
    """End the invitations that somebody sent who may not invite any more."""
    await tx.run(_END_BY, farm_id=farm_id, user_id=user_id, now=now)


async def end_of(tx: Transaction, user_id: str, active: bool, now: datetime) -> None:
    """End the invitations that somebody sent, to all farms; while their account is open, but for the farms that they own."""
    await tx.run(_END_OF, user_id=user_id, active=active, now=now)


async def forget(tx: Transaction, user_id: str, email_key: str, now: datetime) -> None:
    """Erase what invitations have of a person, and end those that they sent."""
    await tx.run(_FORGET, user_id=user_id, email_key=email_key, now=now)


async def end(tx: Transaction, farm_id: str, id: str, now: datetime, accepted_by: str | None = None) -> bool:
    """End an invitation; False if the farm has no such open one."""
    return bool(await tx.run(_END, farm_id=farm_id, id=id, now=now, accepted_by=accepted_by))
