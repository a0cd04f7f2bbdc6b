"""Rows of a farm's members, and of whom it has invited."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.store import counting
from harvestd.store.postgres.database import LAST_ID, Reader, Statement, Transaction, nothing, scalar


class Member(msgspec.Struct, frozen=True):
    """Somebody of a farm."""

    user_id: str
    username: str
    name: str
    role: str
    joined_at: datetime


class Invitation(msgspec.Struct, frozen=True):
    """Somebody who was invited, and has not answered."""

    id: str
    farm_id: str
    email: str
    email_key: str
    role: str
    created_at: datetime
    expires_at: datetime


_LIST = Statement(
    "farm_members.list",
    """select u.id, u.username, u.name, m.role, m.joined_at from farm_members m join users u on u.id = m.user_id
        where m.farm_id = :farm_id and (:after_at::timestamptz is null or (m.joined_at, u.id) > (:after_at, :after_id::uuid))
        order by m.joined_at, u.id limit :limit""",
    Member,
)
_COUNT = counting.counting("farm_members.count", "farm_members where farm_id = :farm_id")
_ONE = Statement(
    "farm_members.one",
    """select u.id, u.username, u.name, m.role, m.joined_at from farm_members m join users u on u.id = m.user_id
        where m.farm_id = :farm_id and m.user_id = :user_id""",
    Member,
)
_OWNERS = Statement(
    "farm_members.other_owners",
    """select count(*) from farm_members m join users u on u.id = m.user_id
        where m.farm_id = :farm_id and m.role = 'owner' and u.active and u.role <> 'buyer' and m.user_id <> :user_id""",
    scalar,
)
_CHANGE = Statement(
    "farm_members.change",
    "update farm_members set role = :role where farm_id = :farm_id and user_id = :user_id",
    nothing,
)
_LEAVE = Statement(
    "farm_members.leave", "delete from farm_members where farm_id = :farm_id and user_id = :user_id", nothing
)
_JOIN = Statement(
    "farm_members.join",
    """insert into farm_members (farm_id, user_id, role, joined_at) values (:farm_id, :user_id, :role, :now)
       on conflict (farm_id, user_id) do nothing""",
    nothing,
)
_BY_ADDRESS = Statement(
    "farm_members.by_address",
    """select exists (select from farm_members m join users u on u.id = m.user_id
                       where m.farm_id = :farm_id and u.email_key = :email_key)""",
    scalar,
)
_INVITATION = "id, farm_id, email, email_key, role, created_at, expires_at"
_REPLACE = Statement(
    "farm_invitations.replace",
    "update farm_invitations set ended_at = :now where farm_id = :farm_id and email_key = :email_key and ended_at is null",
    nothing,
)
_OPEN_COUNT = counting.counting(
    "farm_invitations.count", "farm_invitations where farm_id = :farm_id and ended_at is null"
)
_INVITE = Statement(
    "farm_invitations.insert",
    """insert into farm_invitations (id, farm_id, email, email_key, role, invited_by, created_at, expires_at)
       values (:id, :farm_id, :email, :email_key, :role, :invited_by, :now, :expires_at)""",
    nothing,
)
_OPEN = Statement(
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


async def listed(reader: Reader, farm_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Member]:
    """The members of a farm, in the order in which they joined."""
    at, id = after or (None, None)
    return await reader.rows(_LIST, farm_id=farm_id, after_at=at, after_id=id, limit=limit)


async def count(reader: Reader, farm_id: str) -> int:
    """How many there are."""
    return await counting.count(reader, _COUNT, farm_id=farm_id)


async def one(reader: Reader, farm_id: str, user_id: str) -> Member | None:
    """A member; None for anybody else."""
    return await reader.row(_ONE, farm_id=farm_id, user_id=user_id)


async def other_owners(tx: Transaction, farm_id: str, user_id: str) -> int:
    """How many owners with an open account the farm has beside this user. The farm is locked."""
    return await tx.row(_OWNERS, farm_id=farm_id, user_id=user_id) or 0


async def change(tx: Transaction, farm_id: str, user_id: str, role: str) -> None:
    """Give a member another role."""
    await tx.run(_CHANGE, farm_id=farm_id, user_id=user_id, role=role)


async def leave(tx: Transaction, farm_id: str, user_id: str) -> None:
    """Take a member out."""
    await tx.run(_LEAVE, farm_id=farm_id, user_id=user_id)


async def join(tx: Transaction, farm_id: str, user_id: str, role: str, now: datetime) -> bool:
    """Make somebody a member; False if they are one already."""
    return bool(await tx.run(_JOIN, farm_id=farm_id, user_id=user_id, role=role, now=now))


async def has_address(reader: Reader, farm_id: str, email_key: str) -> bool:
    """Whether a member has this address."""
    return bool(await reader.row(_BY_ADDRESS, farm_id=farm_id, email_key=email_key))


async def invite(tx: Transaction, invitation: Invitation, invited_by: str) -> None:
    """Store an invitation; one that was sent to the same address before ends. The farm is locked."""
    await tx.run(_REPLACE, farm_id=invitation.farm_id, email_key=invitation.email_key, now=invitation.created_at)
    await tx.run(
        _INVITE, id=invitation.id, farm_id=invitation.farm_id, email=invitation.email, email_key=invitation.email_key, role=invitation.role,
        invited_by=invited_by, now=invitation.created_at, expires_at=invitation.expires_at,
    )  # fmt: skip


async def open_invitations(reader: Reader, farm_id: str, after: str | None, limit: int) -> list[Invitation]:
    """Invitations that were not answered, newest first; those that have expired, too."""
    return await reader.rows(_OPEN, farm_id=farm_id, after=after, limit=limit)


async def open_count(reader: Reader, farm_id: str) -> int:
    """How many there are."""
    return await counting.count(reader, _OPEN_COUNT, farm_id=farm_id)


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


async def forget(tx: Transaction, user_id: str, email_key: str, now: datetime) -> None:
    """Erase what invitations have of a person, and end those that they sent."""
    await tx.run(_FORGET, user_id=user_id, email_key=email_key, now=now)


async def end(tx: Transaction, farm_id: str, id: str, now: datetime, accepted_by: str | None = None) -> bool:
    """End an invitation; False if the farm has no such open one."""
    return bool(await tx.run(_END, farm_id=farm_id, id=id, now=now, accepted_by=accepted_by))
