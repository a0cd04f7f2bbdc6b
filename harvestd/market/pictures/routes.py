"""Pictures of a product: for those who run its farm, and the files for anyone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET
from twisted.internet.threads import deferToThreadPool

from harvestd.kernel import blob_keys
from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.permissions import Permission
from harvestd.kernel.slugs import is_id
from harvestd.market.catalogue import actions as catalogue
from harvestd.market.catalogue import rows as products
from harvestd.market.farms.actions import refusal
from harvestd.market.pictures import actions, rows, rules
from harvestd.market.pictures.shapes import ChangedImage, ChangeImage, Images, NewImage, OwnImage, Uploaded
from harvestd.store.blobs.rows import Blob
from harvestd.store.postgres.statements import Reader
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import blobs
from harvestd.web.context import RequestContext, Result, Then
from harvestd.web.uploads import Upload

#: A file never changes: another picture has another address. Whoever has it may keep it for as long as there is.
CACHING = "public, max-age=31536000, immutable"
#: Media types and suffixes of originals, by the format that was found.
ORIGINALS = {
    "jpeg": ("image/jpeg", "jpg"),
    "png": ("image/png", "png"),
    "webp": ("image/webp", "webp"),
    "avif": ("image/avif", "avif"),
}


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    return rules.alt_faults(given)


async def listed(request: RequestContext) -> Images:
    """All pictures of a product, in order, also those that cannot be shown."""
    product = await _seen(request, request.reader)
    return Images(items=[_shown(one) for one in await rows.of_product(request.reader, product.id)])


async def add(request: RequestContext, body: NewImage, upload: Upload) -> Then:
    """Add a picture to a product; a worker makes it in each size."""
    alt = rules.alt_of(body.alt)
    product = await _seen(request, request.reader)  # before the work on the file
    rules.check_number(len(await rows.of_product(request.reader, product.id)))
    looked = await blobs.looked(request, upload)
    original = await _kept(request, upload, looked.kind, product.farm_id)

    async def work(unit: UnitOfWork) -> Result:
        locked = await catalogue.locked(unit, request.user, _permission(request), product.id)
        image = await actions.add(unit, locked, original, looked, alt)
        location = ("Location", f"/api/products/{product.id}/images")
        return Result(Uploaded(image=_shown(image)), headers=(location,))

    return Then(work)


async def _kept(request: RequestContext, upload: Upload, kind: str, farm_id: str) -> Blob:
    """Keep the file as it is, where nobody reads it but a worker."""
    parts = request.parts
    media_type, suffix = ORIGINALS[kind]
    digest = await deferToThreadPool(parts.reactor, parts.reactor.getThreadPool(), blobs.digest_of, upload.file)
    blob = Blob(
        id=parts.new_id(), name=f"original.{suffix}", kind=rows.KIND, farm_id=farm_id, media_type=media_type,
        size=upload.size, sha256=digest,
    )  # fmt: skip
    await parts.blobs.put(blob.key, upload.file)
    return blob


async def change(request: RequestContext, body: ChangeImage) -> Result:
    """Describe a picture, or move it."""
    product = await _locked(request)
    alt = None if body.alt is UNSET else rules.alt_of(str(body.alt))
    position = None if not isinstance(body.position, int) else body.position
    image = await actions.change(request.work, product, request.id("image_id"), alt, position)
    now = await products.lock(request.tx, product.id)
    assert now is not None
    shown = ChangedImage(**msgspec.structs.asdict(_shown(image)), version=now.version)
    return Result(shown, version=now.version)


async def delete(request: RequestContext) -> None:
    """Take a picture away."""
    product = await _locked(request)
    await actions.delete(request.work, product, request.id("image_id"))


async def see(request: RequestContext) -> Result:
    """A file of a picture, at the address that its product names."""
    blob_id, _, name = request.path["file"].partition(".")
    found = None
    if is_id(blob_id) and blob_id[-blob_keys.SHARD :] == request.path["shard"]:
        found = await rows.served(request.reader, blob_id, name)
    return await blobs.shown(request, found, CACHING)


def _permission(request: RequestContext) -> Permission:
    assert request.route.permission is not None
    return request.route.permission


async def _locked(request: RequestContext) -> products.Product:
    product = await catalogue.locked(request.work, request.user, _permission(request), request.path["id"])
    request.check_version(product.version)
    return product


async def _seen(request: RequestContext, reader: Reader) -> products.Product:
    """The product of the path, if the caller may do this with it; not locked. Raises what ``catalogue.locked`` does."""
    token = request.path["id"]
    found = token if is_id(token) else await products.id_of(reader, token)
    product = next(iter(await products.by_ids(reader, [found])), None) if found else None
    if product is None:
        raise await refusal(reader, request.user, NotFound("there is no such product"))
    await catalogue.permitted(reader, request.user, _permission(request), product)
    return product


def _shown(image: rows.Image) -> OwnImage:
    return msgspec.convert({**msgspec.structs.asdict(image), "dominant_color": image.color}, OwnImage)
