"""Blobs in the work of a request: put before its unit of work, which writes their rows, and deleted after it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from harvestd.interfaces import NoSuchBlob
from harvestd.kernel.errors import Invalid, NotFound, WrongKind
from harvestd.parts import Parts
from harvestd.process.picture_answers import Answer, Made
from harvestd.process.picture_process import NoPicture
from harvestd.process.pictures import WAIT, WAITING, Wanted
from harvestd.runtime.fair_turns import Place
from harvestd.store.blobs import rows
from harvestd.store.blobs.rows import Blob, Named
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result
from harvestd.web.http.client_address import bucket_of
from harvestd.web.http.pieces import FileBody
from harvestd.web.uploads import Upload

#: What a browser may do with a blob: show it, and nothing that it might contain.
POLICY = ("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")

#: Where something is may change, what it is does not; an address that is signed holds for three times as long.
SENT_ON = "public, max-age=300"


async def pictures(request: RequestContext, upload: Upload, wanted: Iterable[Wanted]) -> list[Made]:
    """The picture in a file that somebody sent, made anew in each size. Raises ``WrongKind``, and ``Invalid`` for one that is damaged
    or too large."""
    try:
        return await request.parts.pictures.made(upload.file.fileno(), tuple(wanted), place=_place(request))
    except NoPicture as refused:
        if refused.fault == "kind":
            raise WrongKind(
                "this file cannot be used as a picture; send a JPEG, PNG, WebP, GIF or AVIF file"
            ) from refused
        raise _unfit(upload, refused) from refused


async def looked(request: RequestContext, upload: Upload) -> Answer:
    """The format and the size of a product's picture, which is not decoded yet. Raises as :func:`pictures` does."""
    try:
        return await request.parts.pictures.of_products.looked(upload.file.fileno(), _place(request))
    except NoPicture as refused:
        if refused.fault == "kind":
            raise WrongKind(
                "this file cannot be used as a picture of a product; send a JPEG, PNG, WebP or AVIF file"
            ) from refused
        raise _unfit(upload, refused) from refused


def _unfit(upload: Upload, refused: NoPicture) -> Invalid:
    if refused.fault == "pixels":
        message = f"has more than {refused.most // 1_000_000} million pixels; make it smaller"
        return Invalid.of(upload.field, message, "too-many-pixels", maximum=str(refused.most))
    return Invalid.of(upload.field, "is damaged, or not whole; open it and save it anew", "damaged")


def _place(request: RequestContext) -> Place:
    """The caller's turn among those whose pictures wait."""
    shortages, who = request.parts.metrics.shortages, bucket_of(request.address)
    return Place(who, request.gone, WAITING, lambda: shortages.tell("pictures", who), WAIT)


async def kept(
    parts: Parts, made: Iterable[Made], kind: str, *, user_id: str | None = None, farm_id: str | None = None
) -> list[Blob]:
    """Put pictures that were made of one upload. The caller inserts the rows; what has none in the end is swept."""
    blob_id, found = parts.new_id(), []
    for one in made:
        digest = hashlib.sha256(one.content).hexdigest()
        blob = Blob(
            id=blob_id, name=one.name, kind=kind, user_id=user_id, farm_id=farm_id, media_type=one.media_type, size=one.size,
            sha256=digest,
        )  # fmt: skip
        await parts.blobs.put(blob.key, BytesIO(one.content))
        found.append(blob)
    return found


def digest_of(file: Any) -> str:
    """The SHA-256 of a file, in hexadecimal digits. Blocks."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


async def drop(unit: UnitOfWork, blob_id: str) -> None:
    """Have all blobs of an id deleted, at once after the commit; should that fail, by the sweep."""
    delete_then(unit, await rows.drop(unit.tx, blob_id, unit.machine_now))


async def drop_of_user(unit: UnitOfWork, user_id: str) -> None:
    """Have all blobs of an account deleted, likewise."""
    delete_then(unit, await rows.drop_of_user(unit.tx, user_id, unit.machine_now))


def delete_then(unit: UnitOfWork, blobs: Sequence[Blob | Named]) -> None:
    """Delete what these blobs are, after the commit."""

    async def delete() -> None:
        for blob in blobs:
            await unit.parts.blobs.delete(blob.key)

    if blobs:
        unit.on_commit(delete)


async def downloaded(request: RequestContext, blob: Blob, name: str) -> Result:
    """A private blob as a file to keep, under a ``name`` of ours. Raises ``NotFound``."""
    try:
        with await request.parts.blobs.open(blob.key) as file:
            body = FileBody(file, blob.size)
    except NoSuchBlob as error:
        raise NotFound("there is no such file") from error
    headers = (
        ("Content-Disposition", f'attachment; filename="{name}"'),
        ("Cache-Control", "private, no-store"),
        POLICY,
    )
    return Result(body, headers=headers, media_type=blob.media_type)


async def shown(request: RequestContext, blob: Blob | None, caching: str) -> Result:
    """A blob as a response: it never changes, so its digest is its ETag. If a browser reads it elsewhere, it is sent there. Raises ``NotFound``."""
    if blob is None:
        raise NotFound("there is no such file")
    if address := request.parts.blobs.address(blob.key):
        return Result(None, status=307, headers=(("Location", address), ("Cache-Control", SENT_ON)))
    try:
        content = await request.parts.blobs.read(blob.key, blob.size)
    except NoSuchBlob as error:
        raise NotFound("there is no such file") from error
    headers = (("ETag", f'"{blob.sha256[:32]}"'), ("Cache-Control", caching), POLICY)
    return Result(content, headers=headers, media_type=blob.media_type)
