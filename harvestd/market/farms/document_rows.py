"""Rows of farms' documents."""

from __future__ import annotations

from datetime import datetime

import msgspec

from harvestd.store import counting
from harvestd.store.blobs.rows import Blob
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: The kind of these blobs.
KIND = "farm_document"


class Document(msgspec.Struct, frozen=True):
    """A document: its id is its blob's."""

    id: str
    farm_id: str
    kind: str
    title: str
    name: str
    created_at: datetime
    media_type: str
    size: int
    sha256: str

    @property
    def blob(self) -> Blob:
        """Where its file is."""
        return Blob(
            id=self.id, name=self.name, kind=KIND, farm_id=self.farm_id, media_type=self.media_type, size=self.size, sha256=self.sha256
        )  # fmt: skip


_DOCUMENT = "d.id, d.farm_id, d.kind, d.title, d.name, d.created_at, b.media_type, b.size, b.sha256"
_FROM = "farm_documents d join blobs b on b.id = d.id and b.name = d.name"
_INSERT = Statement(
    "farm_documents.insert",
    """insert into farm_documents (id, farm_id, kind, title, name, added_by, created_at)
       values (:id, :farm_id, :kind, :title, :name, :added_by, :now)""",
    nothing,
)
_COUNT = counting.counting("farm_documents.count", "farm_documents where farm_id = :farm_id")
_NUMBER = Statement("farm_documents.number", "select count(*) from farm_documents where farm_id = :farm_id", scalar)
_LIST = Statement(
    "farm_documents.list",
    f"""select {_DOCUMENT} from {_FROM}
        where d.farm_id = :farm_id and d.id < coalesce(:after::uuid, {LAST_ID}) order by d.id desc limit :limit""",
    Document,
)
_ONE = Statement(
    "farm_documents.one", f"select {_DOCUMENT} from {_FROM} where d.id = :id and d.farm_id = :farm_id", Document
)
_DELETE = Statement(
    "farm_documents.delete", "delete from farm_documents where id = :id and farm_id = :farm_id", nothing
)


async def insert(tx: Transaction, blob: Blob, kind: str, title: str, added_by: str, now: datetime) -> None:
    """Store a document, after the row of its blob."""
    await tx.run(
        _INSERT, id=blob.id, farm_id=blob.farm_id, kind=kind, title=title, name=blob.name, added_by=added_by, now=now
    )


async def number(reader: Reader, farm_id: str) -> int:
    """How many a farm has."""
    return await reader.row(_NUMBER, farm_id=farm_id) or 0


async def listed(reader: Reader, farm_id: str, after: str | None, limit: int) -> list[Document]:
    """A farm's documents, newest first."""
    return await reader.rows(_LIST, farm_id=farm_id, after=after, limit=limit)


async def count(reader: Reader, farm_id: str) -> int:
    """How many a farm has, up to the counting limit."""
    return await counting.count(reader, _COUNT, farm_id=farm_id)


async def one(reader: Reader, farm_id: str, document_id: str) -> Document | None:
    """One of a farm's documents."""
    return await reader.row(_ONE, farm_id=farm_id, id=document_id)


async def delete(tx: Transaction, farm_id: str, document_id: str) -> bool:
    """Delete a document's row; False if there is none."""
    return bool(await tx.run(_DELETE, farm_id=farm_id, id=document_id))
