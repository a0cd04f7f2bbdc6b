"""Rows of products' pictures. What a list shows of them is in ``catalogue/cards.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from harvestd.store.blobs.rows import Blob
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: The kind of these blobs.
KIND = "product_image"


class Image(msgspec.Struct, frozen=True):
    """A picture; ``blob`` is the id of its blobs (None if it has failed), ``tries`` how often it was begun to be made."""

    id: str
    product_id: str
    status: str
    blob: str | None
    original: str
    alt: str
    position: int
    width: int
    height: int
    color: str | None
    sizes: Mapping[str, Any] | None
    reason: str | None
    tries: int


_IMAGE = ", ".join(f"i.{name}" for name in Image.__struct_fields__)
_OF_PRODUCT = Statement(
    "images.of_product",
    f"select {_IMAGE} from product_images i where product_id = :product_id order by position",
    Image,
)
_LOCKED = Statement("images.locked", f"select {_IMAGE} from product_images i where id = :id for update", Image)
_ONE = Statement("images.one", f"select {_IMAGE} from product_images i where id = :id", Image)
_FARM_OF = Statement("images.farm_of", "select farm_id from products where id = :product_id", scalar)
_INSERT = Statement(
    "images.insert",
    """insert into product_images (id, product_id, blob, original, alt, position, width, height, created_at, changed_at)
       values (:id, :product_id, :blob, :original, :alt, :position, :width, :height, :now, :now)""",
    nothing,
)
_DESCRIBE = Statement(
    "images.describe", "update product_images set alt = :alt, changed_at = :now where id = :id", nothing
)
_ORDER = Statement(
    "images.order",
    """update product_images i set position = o.position - 1, changed_at = :now
         from unnest(:ids::uuid[]) with ordinality as o(id, position)
        where i.id = o.id and i.product_id = :product_id and i.position <> o.position - 1""",
    nothing,
)
_DELETE = Statement("images.delete", "delete from product_images where id = :id", nothing)
_BEGIN = Statement(
    "images.begin",
    f"""update product_images i set tries = tries + 1, changed_at = :now where id = :id and status = 'processing' returning {_IMAGE}""",
    Image,
)
_READY = Statement(
    "images.ready",
    """update product_images set status = 'ready', blob = :blob, width = :width, height = :height, color = :color, sizes = :sizes::json,
              changed_at = :now where id = :id""",
    nothing,
)
_FAILED = Statement(
    "images.failed",
    "update product_images set status = 'failed', blob = null, reason = :reason, changed_at = :now where id = :id",
    nothing,
)
#: The product of a picture shows others than before: a new version of it.
_SHOWN = Statement(
    "images.shown",
    """update products set images = (select count(*) from product_images where product_id = :product_id and status = 'ready'),
              version = version + 1, revision = revision + 1, updated_at = :now where id = :product_id""",
    nothing,
)
#: Of any state but dropped: what is there is served.
_SERVED = Statement(
    "images.served",
    """select b.id::text, b.name, b.kind, b.user_id::text, b.farm_id::text, b.media_type, b.size, b.sha256
         from blobs b join product_images i on i.blob = b.id and i.status = 'ready'
        where b.id = :blob_id and b.name = :name and b.kind = 'product_image' and b.state <> 'dropped'""",
    lambda id, name, kind, user_id, farm_id, media_type, size, sha256: Blob(
        id=id, name=name, kind=kind, user_id=user_id, farm_id=farm_id, media_type=media_type, size=size, sha256=sha256
    ),
)


async def of_product(reader: Reader, product_id: str) -> list[Image]:
    """A product's pictures in order, whatever their state."""
    return await reader.rows(_OF_PRODUCT, product_id=product_id)


async def locked(tx: Transaction, image_id: str) -> Image | None:
    """A picture, locked until the transaction ends; its product is locked before it."""
    return await tx.row(_LOCKED, id=image_id)


async def one(reader: Reader, image_id: str) -> Image | None:
    """A picture, of any state."""
    return await reader.row(_ONE, id=image_id)


async def farm_of(reader: Reader, product_id: str) -> str | None:
    """The id of a product's farm."""
    return await reader.row(_FARM_OF, product_id=product_id)


async def insert(tx: Transaction, image: Image, now: datetime) -> None:
    """Store a new picture, after the row of its original."""
    names = ("id", "product_id", "blob", "original", "alt", "position", "width", "height")
    await tx.run(_INSERT, **{name: getattr(image, name) for name in names}, now=now)


async def describe(tx: Transaction, image_id: str, alt: str, now: datetime) -> None:
    """Store another alternative text."""
    await tx.run(_DESCRIBE, id=image_id, alt=alt, now=now)


async def order(tx: Transaction, product_id: str, ids: Sequence[str], now: datetime) -> None:
    """Store the order of a product's pictures."""
    await tx.run(_ORDER, product_id=product_id, ids=list(ids), now=now)


async def delete(tx: Transaction, image_id: str) -> None:
    """Delete a picture's row."""
    await tx.run(_DELETE, id=image_id)


async def begin(tx: Transaction, image_id: str, now: datetime) -> Image | None:
    """Count one more try to make a picture; None if it is not to be made any more."""
    return await tx.row(_BEGIN, id=image_id, now=now)


async def ready(
    tx: Transaction, image_id: str, blob: str, size: tuple[int, int], color: str, sizes: Mapping[str, Any], now: datetime
) -> None:  # fmt: skip
    """Store what was made of a picture; ``size`` is its width and height."""
    text = msgspec.json.encode(sizes).decode()
    await tx.run(_READY, id=image_id, blob=blob, width=size[0], height=size[1], color=color, sizes=text, now=now)


async def failed(tx: Transaction, image_id: str, reason: str, now: datetime) -> None:
    """Store why a picture cannot be shown."""
    await tx.run(_FAILED, id=image_id, reason=reason, now=now)


async def shown(tx: Transaction, product_id: str, now: datetime) -> None:
    """Count a product's pictures that can be shown, as its next version."""
    await tx.run(_SHOWN, product_id=product_id, now=now)


async def served(reader: Reader, blob_id: str, name: str) -> Blob | None:
    """A blob that is of a picture which is shown."""
    return await reader.row(_SERVED, blob_id=blob_id, name=name)
