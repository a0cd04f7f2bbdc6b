"""Rows of delivery addresses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from harvestd.market.accounts import rows as accounts
from harvestd.store import counting
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Address(msgspec.Struct, frozen=True):
    """An address that a user keeps."""

    id: str
    label: str
    recipient: str
    address: str
    phone: str | None
    note: str
    created_at: datetime
    updated_at: datetime


_COLUMNS = "id, label, recipient, address, phone, note, created_at, updated_at"
_LIST = Statement(
    "addresses.list",
    f"""select {_COLUMNS} from addresses
        where user_id = :user_id and (:after_at::timestamptz is null or (created_at, id) > (:after_at, :after_id::uuid))
        order by created_at, id limit :limit""",
    Address,
)
_COUNT = counting.counting("addresses.count", "addresses where user_id = :user_id")
_OTHERS = Statement(
    "addresses.others", "select count(*) from addresses where user_id = :user_id and id <> :address_id", scalar
)
_PUT = Statement(
    "addresses.put",
    f"""insert into addresses (id, user_id, label, recipient, address, phone, note, created_at, updated_at)
        values (:address_id, :user_id, :label, :recipient, :address, :phone, :note, :now, :now)
        on conflict (user_id, id) do update set label = excluded.label, recipient = excluded.recipient, address = excluded.address,
            phone = excluded.phone, note = excluded.note, updated_at = excluded.updated_at, version = addresses.version + 1
        returning {_COLUMNS}""",
    Address,
)
_DELETE = Statement("addresses.delete", "delete from addresses where user_id = :user_id and id = :address_id", nothing)
_DELETE_ALL = Statement("addresses.delete_all", "delete from addresses where user_id = :user_id", nothing)


async def listed(reader: Reader, user_id: str, after: tuple[Any, ...] | None, limit: int) -> list[Address]:
    """A user's addresses, oldest first."""
    at, id = after or (None, None)
    return await reader.rows(_LIST, user_id=user_id, after_at=at, after_id=id, limit=limit)


async def others(tx: Transaction, user_id: str, address_id: str) -> int:
    """How many other addresses a user has; the account stays locked."""
    await accounts.lock(tx, user_id)
    return await tx.row(_OTHERS, user_id=user_id, address_id=address_id) or 0


async def count(reader: Reader, user_id: str) -> int:
    """How many addresses a user has."""
    return await counting.count(reader, _COUNT, user_id=user_id)


async def put(tx: Transaction, user_id: str, address_id: str, given: Mapping[str, Any], now: datetime) -> Address:
    """Store an address, or what it is now."""
    found = await tx.row(_PUT, user_id=user_id, address_id=address_id, now=now, **given)
    assert found is not None
    return found


async def delete(tx: Transaction, user_id: str, address_id: str) -> bool:
    """Delete an address; False if the user has none of that id."""
    return bool(await tx.run(_DELETE, user_id=user_id, address_id=address_id))


async def delete_all(tx: Transaction, user_id: str) -> None:
    """Delete all addresses of a user."""
    await tx.run(_DELETE_ALL, user_id=user_id)
