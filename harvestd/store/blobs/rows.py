"""Rows of blobs: written in the unit of work that refers to them. A ``live`` one can be served, a ``dropped`` one is deleted soon, of a
``lost`` one the store has nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from harvestd.kernel import blob_keys
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """A blob. ``id`` is shared by all that was made of one upload, ``name`` tells them apart (``small.webp``); it belongs to an account
    or to a farm."""

    id: str
    name: str
    kind: str
    user_id: str | None = None
    farm_id: str | None = None
    media_type: str
    size: int
    sha256: str

    @property
    def key(self) -> str:
        """Its key in the store."""
        return blob_keys.of(self.id, self.name)


class Named(msgspec.Struct, frozen=True):
    """Which blob."""

    id: str
    name: str

    @property
    def key(self) -> str:
        """Its key in the store."""
        return blob_keys.of(self.id, self.name)


class Placed(Named, frozen=True):
    """A blob of any state, and the place that it has in the store."""

    kind: str
    state: str
    size: int
    sha256: str
    created_at: datetime
    place: str


_INSERT = Statement(
    "blobs.insert",
    """insert into blobs (id, name, kind, user_id, farm_id, media_type, size, sha256, created_at, changed_at)
       values (:id, :name, :kind, :user_id, :farm_id, :media_type, :size, :sha256, :now, :now)""",
    nothing,
)
_DROP = Statement(
    "blobs.drop",
    "update blobs set state = 'dropped', changed_at = :now where id = :blob_id and state <> 'dropped' returning id::text, name",
    Named,
)
_DROP_OF_USER = Statement(
    "blobs.drop_of_user",
    "update blobs set state = 'dropped', changed_at = :now where user_id = :user_id and state <> 'dropped' returning id::text, name",
    Named,
)
_DROPPED = Statement(
    "blobs.dropped",
    "select id::text, name from blobs where state = 'dropped' and changed_at < :before order by changed_at, id, name limit :limit",
    Named,
)
_FORGET = Statement(
    "blobs.forget", "delete from blobs where id = :blob_id and name = :name and state = 'dropped'", nothing
)
_KNOWN = Statement(
    "blobs.known",
    """select b.id::text || '.' || b.name from unnest(:ids::uuid[], :names::text[]) as given (id, name)
         join blobs b on b.id = given.id and b.name = given.name""",
    scalar,
)
#: Places are in the order of their bytes, as stores list them.
PLACED = """select id::text, name, kind, state, size, sha256, created_at, blob_place(id, name) from blobs
             where blob_place(id, name) collate "C" > {after} order by blob_place(id, name) collate "C" limit {limit}"""
_PLACED = Statement("blobs.placed", PLACED.format(after=":after", limit=":limit"), Placed)
_MARK = Statement(
    "blobs.mark",
    """update blobs set state = case when :lost then 'lost' else 'live' end, changed_at = :now
        where id = :blob_id and name = :name and state <> 'dropped'""",
    nothing,
)


def insert(tx: Transaction, blobs: Iterable[Blob], now: datetime) -> None:
    """Store the rows of blobs that were put."""
    for blob in blobs:
        tx.later(_INSERT, **msgspec.structs.asdict(blob), now=now)


async def drop(tx: Transaction, blob_id: str, now: datetime) -> list[Named]:
    """Have all blobs of an id deleted; returns them."""
    return await tx.rows(_DROP, blob_id=blob_id, now=now)


async def drop_of_user(tx: Transaction, user_id: str, now: datetime) -> list[Named]:
    """Have all blobs of an account deleted; returns them."""
    return await tx.rows(_DROP_OF_USER, user_id=user_id, now=now)


async def dropped(reader: Reader, before: datetime, limit: int) -> list[Named]:
    """Blobs that were dropped before a time, and have a row still."""
    return await reader.rows(_DROPPED, before=before, limit=limit)


async def forget(tx: Transaction, blob: Named) -> None:
    """Delete the row of a dropped blob, once the store has nothing of it."""
    await tx.run(_FORGET, blob_id=blob.id, name=blob.name)


async def known(reader: Reader, keys: Sequence[str]) -> set[str]:
    """Those of the keys that have a row, in any state."""
    pairs = [blob_keys.parts(key) for key in keys]
    found: list[Any] = await reader.rows(_KNOWN, ids=[one for one, _ in pairs], names=[name for _, name in pairs])
    return set(found)


async def placed(reader: Reader, after: str, limit: int) -> list[Placed]:
    """All blobs, in the order of their places, after one ("" is the beginning)."""
    return await reader.rows(_PLACED, after=after, limit=limit)


async def mark(tx: Transaction, blob: Named, lost: bool, now: datetime) -> bool:
    """Mark a blob as lost, if the store has nothing of it, or as live again; False if it was dropped meanwhile."""
    return bool(await tx.run(_MARK, blob_id=blob.id, name=blob.name, lost=lost, now=now))
