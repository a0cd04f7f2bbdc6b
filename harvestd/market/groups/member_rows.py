"""Rows of who is in which buyer group."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.market.accounts.export_rows import section
from harvestd.store import counting
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Member(msgspec.Struct, frozen=True):
    """Somebody in a group; ``resting`` is whether their account is not open."""

    user_id: str
    username: str
    name: str
    joined_at: datetime
    resting: bool


_MEMBER = (
    "select u.id, u.username, u.name, m.joined_at, not u.active from group_members m join users u on u.id = m.user_id"
)
_LIST = Statement(
    "group_members.list",
    f"""{_MEMBER}
        where m.group_id = :group_id and (:after_at::timestamptz is null or (m.joined_at, m.user_id) > (:after_at, :after_id::uuid))
        order by m.joined_at, m.user_id limit :limit""",
    Member,
)
_COUNT = counting.counting("group_members.count", "group_members where group_id = :group_id")
_ONE = Statement("group_members.one", f"{_MEMBER} where m.group_id = :group_id and m.user_id = :user_id", Member)
#: Also what each process remembers (groups_near.py).
OF = Statement("group_members.of", "select group_id::text from group_members where user_id = :user_id", scalar)
_ADD = Statement(
    "group_members.add",
    """insert into group_members (group_id, user_id, joined_at) values (:group_id, :user_id, :now)
       on conflict (group_id, user_id) do nothing""",
    nothing,
)
_REMOVE = Statement(
    "group_members.remove", "delete from group_members where group_id = :group_id and user_id = :user_id", nothing
)
_LEAVE = Statement("group_members.leave", "delete from group_members where user_id = :user_id", nothing)
#: What is held on a person.
HELD = section(
    "groups",
    ("g.slug", "g.name", "m.joined_at"),
    "group_members m join groups g on g.id = m.group_id where m.user_id = :user_id",
    "g.id",
)


async def listed(reader: Reader, group_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Member]:
    """The members of a group, in the order in which they joined."""
    at, id = after or (None, None)
    return await reader.rows(_LIST, group_id=group_id, after_at=at, after_id=id, limit=limit)


async def count(reader: Reader, group_id: str) -> int:
    """How many there are, up to the counting limit."""
    return await counting.count(reader, _COUNT, group_id=group_id)


async def one(reader: Reader, group_id: str, user_id: str) -> Member | None:
    """A member; None for anybody else."""
    return await reader.row(_ONE, group_id=group_id, user_id=user_id)


async def groups_of(reader: Reader, user_id: str) -> frozenset[str]:
    """The ids of the groups that somebody is in."""
    return frozenset(await reader.rows(OF, user_id=user_id))


async def add(tx: Transaction, group_id: str, user_id: str, now: datetime) -> None:
    """Put somebody in a group. The group is kept, and their account locked."""
    await tx.run(_ADD, group_id=group_id, user_id=user_id, now=now)


async def remove(tx: Transaction, group_id: str, user_id: str) -> bool:
    """Take somebody out; False if they are not in it."""
    return bool(await tx.run(_REMOVE, group_id=group_id, user_id=user_id))


async def leave_all(tx: Transaction, user_id: str) -> None:
    """Take somebody out of all groups."""
    await tx.run(_LEAVE, user_id=user_id)
