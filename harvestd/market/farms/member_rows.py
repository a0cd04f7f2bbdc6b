"""Rows of a farm's members."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.store import counting
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Member(msgspec.Struct, frozen=True):
    """Somebody of a farm; ``resting`` is whether their account is not open."""

    user_id: str
    username: str
    name: str
    role: str
    joined_at: datetime
    resting: bool


_MEMBER = "select u.id, u.username, u.name, m.role, m.joined_at, not u.active from farm_members m join users u on u.id = m.user_id"


_LIST = Statement(
    "farm_members.list",
    f"""{_MEMBER}
        where m.farm_id = :farm_id and (:all or u.active) and (:after_at::timestamptz is null or (m.joined_at, u.id) > (:after_at, :after_id::uuid))
        order by m.joined_at, u.id limit :limit""",
    Member,
)
_COUNT = counting.counting(
    "farm_members.count",
    "farm_members m join users u on u.id = m.user_id where m.farm_id = :farm_id and (:all or u.active)",
)
_ONE = Statement(
    "farm_members.one",
    f"{_MEMBER} where m.farm_id = :farm_id and m.user_id = :user_id",
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


async def listed(
    reader: Reader, farm_id: str, after: tuple[datetime, str] | None, limit: int, everybody: bool
) -> list[Member]:
    """The members of a farm, in the order in which they joined; those whose account rests only among ``everybody``."""
    at, id = after or (None, None)
    return await reader.rows(_LIST, farm_id=farm_id, after_at=at, after_id=id, limit=limit, all=everybody)


async def count(reader: Reader, farm_id: str, everybody: bool) -> int:
    """How many there are, likewise."""
    return await counting.count(reader, _COUNT, farm_id=farm_id, all=everybody)


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
