"""Drawn pictures for products that have none: put into the market's store, then their rows, as if a worker had made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from twisted.internet.threads import deferToThread

from harvestd.loading.drawing import drawn
from harvestd.market.pictures import actions, rows
from harvestd.parts import Parts
from harvestd.process.picture_answers import Answer
from harvestd.store.blobs import rows as blob_rows
from harvestd.store.blobs.rows import Blob
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web import blobs


class Pictured(msgspec.Struct, frozen=True):
    """A product that gets a picture."""

    id: str
    farm_id: str
    title: str


_BEST = Statement(
    "picturing.best",
    """select p.id::text, p.farm_id::text, p.title from products p join farms f on f.id = p.farm_id
        where f.source like :source and p.images = 0 and not exists (select from product_images i where i.product_id = p.id)
        order by p.sales desc, p.slug limit :limit""",
    Pictured,
)
_OF_FARM = Statement(
    "picturing.of_farm",
    """select id::text, farm_id::text, title from products p where farm_id = :farm_id
          and not exists (select from product_images i where i.product_id = p.id) order by slug""",
    Pictured,
)
#: No new version of the product: nobody has seen it without its picture.
_SHOWN = Statement("picturing.shown", "update products set images = 1 where id = :product_id", nothing)


async def of_best(parts: Parts, source: str, number: int, progress: Callable[[int], None]) -> int:
    """Pictures for the ``number`` products that sell best of farms whose source is like ``source``; how many there are now."""
    found = await parts.database.rows(_BEST, source=source, limit=number)
    return await _all(parts, found, progress)


async def of_farm(parts: Parts, farm_id: str) -> int:
    """Pictures for all products of a farm."""
    return await _all(parts, await parts.database.rows(_OF_FARM, farm_id=farm_id), lambda done: None)


async def _all(parts: Parts, found: Sequence[Pictured], progress: Callable[[int], None]) -> int:
    for done, product in enumerate(found, 1):
        made = await deferToThread(drawn, product.title)
        kept = await blobs.kept(parts, made.files, rows.KIND, farm_id=product.farm_id)
        await change(parts, lambda unit, p=product, m=made, k=kept: _show(unit, p, m, k))  # type: ignore[misc]
        progress(done)
    return len(found)


async def _show(unit: UnitOfWork, product: Pictured, made: Answer, kept: Sequence[Blob]) -> None:
    image = rows.Image(
        id=unit.new_id(), product_id=product.id, status="processing", blob=kept[0].id, original="drawn.png", alt=f"{product.title}, drawn",
        position=0, width=made.width, height=made.height, color=None, sizes=None, reason=None, tries=0,
    )  # fmt: skip
    blob_rows.insert(unit.tx, kept, unit.machine_now)
    await rows.insert(unit.tx, image, unit.now)
    sizes = actions.sizes_of(kept, made)
    await rows.ready(unit.tx, image.id, kept[0].id, (made.width, made.height), made.color, sizes, unit.now)
    await unit.tx.run(_SHOWN, product_id=product.id)
