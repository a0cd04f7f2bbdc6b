"""Rows of buyer groups."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.market.groups.rules import name_key
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class Group(msgspec.Struct, frozen=True):
    """A group of buyers."""

    id: str
    slug: str
    name: str
    description: str
    version: int
    created_at: datetime
    updated_at: datetime


_COLUMNS = "id, slug, name, description, version, created_at, updated_at"
_ONE = Statement("groups.one", f"select {_COLUMNS} from groups where id = :group_id", Group)
_LOCK = Statement("groups.lock", f"select {_COLUMNS} from groups where id = :group_id for no key update", Group)
_KEEP = Statement("groups.keep", f"select {_COLUMNS} from groups where id = :group_id for key share", Group)
_LIST = Statement(
    "groups.list",
    f"select {_COLUMNS} from groups where id < coalesce(:after::uuid, {LAST_ID}) order by id desc limit :limit",
    Group,
)
_COUNT = counting.counting("groups.count", "groups")
#: The advisory lock that serialises what is unique of groups, and their number ("GROUPS" in ASCII).
_LOCK_ALL = Statement("groups.lock_all", "select pg_advisory_xact_lock(x'47524f555053'::bigint)", nothing)
_OTHERS = Statement(
    "groups.others", "select name_key, slug from groups where id <> :group_id", lambda name, slug: (name, slug)
)
_INSERT = Statement(
    "groups.insert",
    f"""insert into groups ({_COLUMNS}, name_key)
        values (:id, :slug, :name, :description, :version, :created_at, :updated_at, :name_key)""",
    nothing,
)
_UPDATE = Statement(
    "groups.update",
    """update groups set slug = :slug, name = :name, name_key = :name_key, description = :description, version = :version,
              updated_at = :updated_at where id = :id""",
    nothing,
)
_DELETE = Statement("groups.delete", "delete from groups where id = :group_id", nothing)


async def listed(reader: Reader, after: str | None, limit: int) -> list[Group]:
    """Groups, newest first."""
    return await reader.rows(_LIST, after=after, limit=limit)


async def count(reader: Reader) -> int:
    """How many there are."""
    return await counting.count(reader, _COUNT)


async def one(reader: Reader, group_id: str) -> Group | None:
    """A group."""
    return await reader.row(_ONE, group_id=group_id)


async def lock(tx: Transaction, group_id: str) -> Group | None:
    """A group, locked until the transaction ends."""
    return await tx.row(_LOCK, group_id=group_id)


async def keep(tx: Transaction, group_id: str) -> Group | None:
    """A group, which is not deleted until the transaction ends; who changes its members does not wait for others who do."""
    return await tx.row(_KEEP, group_id=group_id)


async def lock_all(tx: Transaction) -> None:
    """Lock the names and slugs, before any group: until the transaction ends nobody else makes or renames one."""
    await tx.row(_LOCK_ALL)


async def others(tx: Transaction, group_id: str) -> tuple[set[str], set[str]]:
    """The keys of the names, and the slugs, of all groups but one. They do not change while all are locked."""
    found = await tx.rows(_OTHERS, group_id=group_id)
    return {name for name, _ in found}, {slug for _, slug in found}


async def insert(tx: Transaction, group: Group) -> None:
    """Store a new group, whose name and slug are free."""
    await tx.run(_INSERT, **msgspec.structs.asdict(group), name_key=name_key(group.name))


async def update(tx: Transaction, group: Group) -> None:
    """Store a changed one."""
    columns = msgspec.structs.asdict(group)
    del columns["created_at"]
    await tx.run(_UPDATE, **columns, name_key=name_key(group.name))


async def delete(tx: Transaction, group_id: str) -> None:
    """Delete a group, with its memberships."""
    await tx.run(_DELETE, group_id=group_id)
