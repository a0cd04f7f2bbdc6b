"""Use cases of pictures, one function each: adding one, describing and moving it, taking it away, and what a worker makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from harvestd.kernel import blob_keys
from harvestd.kernel.errors import NotFound
from harvestd.kernel.events import Event
from harvestd.market.catalogue import rows as products
from harvestd.market.catalogue.product_events import happened
from harvestd.market.pictures import rows, rules
from harvestd.process.picture_answers import Answer
from harvestd.store.blobs import rows as blob_rows
from harvestd.store.blobs.rows import Blob
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import blobs


async def add(unit: UnitOfWork, product: products.Product, original: Blob, looked: Answer, alt: str) -> rows.Image:
    """Add a picture whose original is stored, the last of the locked product's. Raises ``Conflict`` if it has as many as it may."""
    before = await rows.of_product(unit.tx, product.id)
    rules.check_number(len(before))
    image = rows.Image(
        id=unit.new_id(), product_id=product.id, status="processing", blob=original.id, original=original.name, alt=alt,
        position=len(before), width=looked.width, height=looked.height, color=None, sizes=None, reason=None, tries=0,
    )  # fmt: skip
    blob_rows.insert(unit.tx, [original], unit.machine_now)
    await rows.insert(unit.tx, image, unit.now)
    data = {"image_id": image.id, "product_id": product.id, "blob": original.id}
    unit.record(Event("image.uploaded", f"image:{image.id}", 1, data))
    return image


async def change(
    unit: UnitOfWork, product: products.Product, image_id: str, alt: str | None, position: int | None
) -> rows.Image:
    """Describe a picture of the locked product, or move it. Raises ``NotFound``, and ``Invalid`` for a position beyond the last."""
    before = await rows.of_product(unit.tx, product.id)
    image = _one(before, image_id)
    if alt is not None and alt != image.alt:
        await rows.describe(unit.tx, image.id, alt, unit.now)
    if position is not None and position != image.position:
        await rows.order(unit.tx, product.id, rules.moved([one.id for one in before], image.id, position), unit.now)
    after = await rows.of_product(unit.tx, product.id)
    if _seen(before) != _seen(after):
        await _tell(unit, product)
    return _one(after, image_id)


async def delete(unit: UnitOfWork, product: products.Product, image_id: str) -> None:
    """Take a picture of the locked product away; what follows it moves up. Raises ``NotFound``."""
    before = await rows.of_product(unit.tx, product.id)
    image = _one(before, image_id)
    await rows.delete(unit.tx, image.id)
    await rows.order(unit.tx, product.id, [one.id for one in before if one.id != image.id], unit.now)
    if image.blob is not None:
        await blobs.drop(unit, image.blob)
    if image.status == "ready":
        await _tell(unit, product)


async def ready(unit: UnitOfWork, image_id: str, made: Answer, kept: Sequence[Blob]) -> bool:
    """Show what was made of a picture; False if it is gone meanwhile, or was made already."""
    found = await _processing(unit, image_id)
    if found is None:
        return False
    product, image = found
    assert image.blob is not None
    await blobs.drop(unit, image.blob)
    blob_rows.insert(unit.tx, kept, unit.machine_now)
    size = made.width, made.height
    await rows.ready(unit.tx, image_id, kept[0].id, size, made.color, sizes_of(kept, made), unit.now)
    await _tell(unit, product)
    return True


async def fail(unit: UnitOfWork, image_id: str, reason: rules.Reason) -> None:
    """Say why a picture cannot be shown; its original goes."""
    found = await _processing(unit, image_id)
    if found is not None and found[1].blob is not None:
        await blobs.drop(unit, found[1].blob)
        await rows.failed(unit.tx, image_id, reason, unit.now)


async def _processing(unit: UnitOfWork, image_id: str) -> tuple[products.Product, rows.Image] | None:
    """A picture that is not made yet, locked after its product, as the routes lock them."""
    seen = await rows.one(unit.tx, image_id)
    product = None if seen is None else await products.lock(unit.tx, seen.product_id)
    image = await rows.locked(unit.tx, image_id)
    return None if product is None or image is None or image.status != "processing" else (product, image)


def sizes_of(kept: Sequence[Blob], made: Answer) -> Mapping[str, Any]:
    """Where a picture is in each size, as the contract shows it."""
    found: dict[str, dict[str, Any]] = {}
    for blob, file in zip(kept, made.files, strict=True):
        name, _, suffix = file.name.removeprefix(blob_keys.PUBLIC).partition(".")
        size = found.setdefault(name, {"webp": "", "jpeg": "", "width": file.width, "height": file.height})
        size["webp" if suffix == "webp" else "jpeg"] = f"/{blob_keys.place(blob.key)}"
    return found


def _one(images: Sequence[rows.Image], image_id: str) -> rows.Image:
    found = next((one for one in images if one.id == image_id), None)
    if found is None:
        raise NotFound("the product has no such picture")
    return found


def _seen(images: Sequence[rows.Image]) -> list[Any]:
    """What buyers see of a product's pictures."""
    return [msgspec.structs.astuple(one) for one in images if one.status == "ready"]


async def _tell(unit: UnitOfWork, product: products.Product) -> None:
    await rows.shown(unit.tx, product.id, unit.now)
    unit.record(happened("updated", product.known, product.revision + 1, ["images"]))
