"""A farm's papers: certificates, extracts of registers. For those who run the farm, and the market's staff; never public."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any
from uuid import UUID

from twisted.internet.threads import deferToThreadPool

from harvestd.kernel.errors import Conflict, FieldError, Invalid, NotFound, WrongKind
from harvestd.kernel.names import accept, clean_name
from harvestd.kernel.permissions import Permission
from harvestd.kernel.sentences import worded
from harvestd.market.accounts import audit
from harvestd.market.farms import actions
from harvestd.market.farms import document_rows as rows
from harvestd.market.farms.document_shapes import MAX_TITLE, Document, DocumentsQuery, NewDocument
from harvestd.process.pictures import Wanted
from harvestd.store.blobs import rows as blob_rows
from harvestd.store.blobs.rows import Blob
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import blobs
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.uploads import Upload

#: Documents of a farm.
MOST = 20
#: A picture of a paper is kept in a size in which it can be read.
PAGE = Wanted("document", 2400, 2400, cut=False)
#: What a PDF begins with (ISO 32000, 7.5.2) and ends with, within so many bytes.
_BEGINS, _ENDS, _WITHIN = b"%PDF-", b"%%EOF", 1024


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    found = clean_name("title", given["title"], MAX_TITLE) if isinstance(given.get("title"), str) else None
    return [found] if isinstance(found, FieldError) else []


async def listed(request: RequestContext, query: DocumentsQuery) -> CountedPage[Document]:
    """A farm's documents, newest first."""
    farm = await actions.seen(request.reader, request.user, Permission.SEE_DOCUMENTS, request.path["id"])
    keyset = Keyset(query, "documents", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    shown, following = keyset.page(await rows.listed(request.reader, farm.id, after, keyset.ask))
    total = await rows.count(request.reader, farm.id) if query.count else None
    return CountedPage([_shown(row) for row in shown], following, total)


def _shown(row: rows.Document) -> Document:
    return Document(
        id=row.id, kind=row.kind, title=row.title, media_type=row.media_type, size=row.size, created_at=row.created_at,
        url=f"/api/farms/{row.farm_id}/documents/{row.id}",
    )  # fmt: skip


async def add(request: RequestContext, body: NewDocument, upload: Upload) -> Result:
    """Add a document to a farm."""
    title = accept(clean_name("title", body.title, MAX_TITLE))[0]
    assert isinstance(title, str)
    farm_id = (
        await actions.seen(request.reader, request.user, Permission.CHANGE_DOCUMENTS, request.path["id"])
    ).id  # before the work on the file
    _check_number(await rows.number(request.reader, farm_id))
    blob = await _put(request, upload, farm_id)

    async def work(unit: UnitOfWork) -> rows.Document:
        farm = await actions.locked(unit, request.user, Permission.CHANGE_DOCUMENTS, farm_id)
        _check_number(await rows.number(unit.tx, farm.id))
        blob_rows.insert(unit.tx, [blob], unit.machine_now)
        await rows.insert(unit.tx, blob, body.kind, title, request.user.user_id, unit.now)
        after = {"document": blob.id, "kind": body.kind}
        await audit.note(request, unit, "farm.document_added", None, f"farm:{farm.id}", None, after)
        made = await rows.one(unit.tx, farm.id, blob.id)
        assert made is not None
        return made

    made = _shown(await request.write(work))
    return Result(made, headers=(("Location", made.url),))


def _check_number(number: int) -> None:
    if number >= MOST:
        raise Conflict(worded("a farm has {most} documents at most; delete one first", most=MOST))


async def _put(request: RequestContext, upload: Upload, farm_id: str) -> Blob:
    """Keep the file: a PDF as it is, a picture made anew. Raises ``WrongKind``, and ``Invalid`` for one that is damaged."""
    parts = request.parts
    head, tail, digest = await deferToThreadPool(
        parts.reactor, parts.reactor.getThreadPool(), _looked_at, upload.file, upload.size
    )
    if not head.startswith(_BEGINS):
        try:
            made = await blobs.pictures(request, upload, (PAGE,))
        except WrongKind:
            raise WrongKind(
                "this file cannot be used as a document; send a PDF, or a picture of it as JPEG, PNG, WebP, GIF or AVIF"
            ) from None
        jpeg = [one for one in made if one.media_type == "image/jpeg"]
        return (await blobs.kept(parts, jpeg, rows.KIND, farm_id=farm_id))[0]
    if _ENDS not in tail:
        raise Invalid.of(upload.field, "is damaged, or not whole; open it and save it anew", "damaged")
    blob = Blob(
        id=parts.new_id(), name="document.pdf", kind=rows.KIND, farm_id=farm_id, media_type="application/pdf",
        size=upload.size, sha256=digest,
    )  # fmt: skip
    await parts.blobs.put(blob.key, upload.file)
    return blob


def _looked_at(file: IO[bytes], size: int) -> tuple[bytes, bytes, str]:
    """The beginning and the end of a file, and its digest. Blocks."""
    descriptor, tail = file.fileno(), min(size, _WITHIN)
    return os.pread(descriptor, _WITHIN, 0), os.pread(descriptor, tail, size - tail), blobs.digest_of(file)


async def see(request: RequestContext) -> Result:
    """The file of a document, to keep."""
    farm = await actions.seen(request.reader, request.user, Permission.SEE_DOCUMENTS, request.path["id"])
    found = await rows.one(request.reader, farm.id, request.id("document_id"))
    if found is None:
        raise NotFound("the farm has no such document")
    return await blobs.downloaded(request, found.blob, f"{found.kind}-{found.id[-12:]}.{found.name.rpartition('.')[2]}")


async def delete(request: RequestContext) -> None:
    """Delete a document."""
    unit, document_id = request.work, request.id("document_id")
    farm = await actions.locked(unit, request.user, Permission.CHANGE_DOCUMENTS, request.path["id"])
    if not await rows.delete(unit.tx, farm.id, document_id):
        raise NotFound("the farm has no such document")
    await blobs.drop(unit, document_id)
    await audit.note(request, unit, "farm.document_deleted", None, f"farm:{farm.id}", {"document": document_id})
