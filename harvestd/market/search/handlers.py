"""Search: changed products are reindexed in their current state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from harvestd.interfaces import Document
from harvestd.interfaces.documents import Sight
from harvestd.kernel.families import INDEXED
from harvestd.market.catalogue import rows as products
from harvestd.market.catalogue import variant_rows
from harvestd.market.catalogue.product_events import happened
from harvestd.market.catalogue.variant_rows import Kept
from harvestd.market.farms import listed_rules as farms
from harvestd.market.search import renewals as search_renewals
from harvestd.market.search.copied import renews
from harvestd.market.search.postgres.query import TEXT_SHOWN
from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope
from harvestd.store.leases import GoingOn, always
from harvestd.store.postgres.statements import Reader
from harvestd.unit_of_work import UnitOfWork, change


async def index(unit: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Index the products of a batch; the document's version guards against late, older events."""
    for source in ("farm", "category"):
        told = [
            event for event in events if event.type == f"{source}.updated" and renews(source, event.data["changed"])
        ]
        await search_renewals.mark(unit.tx, source, {event.data[f"{source}_id"] for event in told})
    ids = sorted({event.data["product_id"] for event in events if "product_id" in event.data})
    found = await documents(unit.tx, await products.by_ids(unit.tx, ids))
    if found:
        await unit.parts.search.write(unit.tx, found)
        unit.on_commit(lambda: unit.parts.cache.drop((INDEXED,)))


async def renew(parts: Parts, going_on: GoingOn = always) -> None:
    """Reindex the products whose documents copy a field that changed elsewhere: one page per transaction, by events like those
    of any product change."""

    async def page(unit: UnitOfWork) -> bool:
        taken = await search_renewals.take(unit.tx)
        if taken is None:
            return False
        source, revised = taken
        unit.record(*(happened("updated", one.known, one.revision, [source]) for one in revised))
        return True

    while await going_on() and await change(parts, page, by_keys=False):
        pass


async def catch_up(parts: Parts, going_on: GoingOn = always) -> None:
    """Push the pending documents to Elasticsearch, if there is one. What it answered before it had them is not kept."""
    if not parts.settings.elasticsearch_url:
        return
    from harvestd.market.search.fallback import SearchWithFallback  # imported here, since it loads an HTTP client

    async def followed() -> None:
        await parts.cache.drop((INDEXED,))

    if isinstance(parts.search, SearchWithFallback):
        await parts.search.indexer.catch_up(going_on, followed)


async def documents(reader: Reader, rows: Sequence[products.Product]) -> list[Document]:
    """Products as search documents, with the pack sizes that they are offered in."""
    packs = await variant_rows.of_products(reader, [row.id for row in rows if row.variants])
    return [document(row, [one for one in packs.get(row.id, ()) if one.active]) for row in rows]


def document(row: products.Product, packs: Sequence[Kept] = ()) -> Document:
    """A product as a search document, which is found by the titles and numbers of its packs, too; one that nobody finds is a tombstone, and so is one
    that not everybody may see, but for those who do."""
    numbers = (row.sku, row.gtin, row.external_id, *(number for one in packs for number in (one.sku, one.external_id)))
    return Document(
        kind="product", id=row.id, version=row.revision, title=row.title, text=row.description, farm=row.farm_slug,
        farm_name=row.farm_name, category=row.category_slug, category_name=row.category_name or "", category_names=_named(row), tags=tuple(row.tags),
        texts={tag: (one["title"], one.get("description", "")) for tag, one in row.translations.items()}, also=_also(row, packs),
        codes=tuple(filter(None, numbers)), allergens=tuple(row.allergens), benefits=tuple(row.benefits),
        unit=row.unit, price=row.price, in_stock=row.stock > row.reserved, season_from=row.season_from,
        season_to=row.season_to, popularity=float(row.sales), rating=float(row.rating_average), latitude=row.latitude, longitude=row.longitude,
        fresh_at=_fresh(row), body=_body(row), removed=not _found(row) or bool(row.visible_to), sight=_sight(row),
    )  # fmt: skip


def _named(row: products.Product) -> dict[str, str]:
    """The category's names in other languages, by their tags."""
    return {tag: texts["name"] for tag, texts in (row.category_texts or {}).items() if texts.get("name")}


def _found(row: products.Product) -> bool:
    """Whether anybody finds it."""
    return row.status == "published" and farms.found(row.farm_state)


def _body(row: products.Product) -> dict[str, Any]:
    """What hits show; of other languages the beginnings of the texts, which matches are shown in."""
    texts = {
        tag: (one["title"], (one.get("description") or row.description)[:TEXT_SHOWN]) for tag, one in row.translations.items()
    }  # fmt: skip
    return {"slug": row.slug, **({"texts": texts} if texts else {})}


def _sight(row: products.Product) -> Sight | None:
    """Who finds it, and at which price, if that is not alike for everybody."""
    if not _found(row) or not (row.visible_to or row.group_prices):
        return None
    prices = tuple((one.group, one.price) for one in row.offer.prices)
    return Sight(tuple(row.visible_to or ()), prices, row.regular_price is not None)


def _also(row: products.Product, packs: Sequence[Kept]) -> str:
    """What a product is found by and search does not show."""
    facts = [f"{row.origin}\n{row.ingredients}"] if row.origin or row.ingredients else []
    return "\n".join([*(one.title for one in packs), *facts])


def _fresh(row: products.Product) -> datetime:
    """Noon of the day of the harvest or, without one, when everybody last saw the product change."""
    return (
        (row.shown_at or row.updated_at)
        if row.harvested_on is None
        else datetime.combine(row.harvested_on, time(12), UTC)
    )
