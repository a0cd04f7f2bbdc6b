"""Search: products that changed are indexed anew, as they are now."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.interfaces import Document
from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope
from harvestd.store import products
from harvestd.workers.work import Work


async def index(work: Work, events: Sequence[Envelope]) -> None:
    """Index the products of a batch; the document's version guards against an older one that comes late."""
    ids = sorted({event.data["product_id"] for event in events})
    rows = await products.by_ids(work.tx, ids)
    if rows:
        await work.parts.search.index([document(row) for row in rows])


async def catch_up(parts: Parts) -> None:
    """Have Elasticsearch told what it has still to be told, where there is one."""
    if not parts.settings.elasticsearch_url:
        return
    from harvestd.store.search_fallback import SearchWithFallback  # here, since it brings an HTTP client

    if isinstance(parts.search, SearchWithFallback):
        await parts.search.catch_up(lambda: not parts.lifecycle.stopping)


def document(row: products.Product) -> Document:
    """A product as search knows it; one that is not published is a tombstone."""
    return Document(
        kind="product", id=row.id, version=row.revision, title=row.title, text=row.description, farm=row.farm_slug,
        farm_name=row.farm_name, category=row.category_slug, category_name=row.category_name or "", tags=tuple(row.tags),
        unit=row.unit, price=row.price, in_stock=row.stock > row.reserved, season_from=row.season_from,
        season_to=row.season_to, popularity=float(row.sales), latitude=row.latitude, longitude=row.longitude,
        fresh_at=row.updated_at, body={"slug": row.slug}, removed=row.status != "published",
    )  # fmt: skip
