"""Rebuilding the search index from the products: for harvestctl and the demo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harvestd.interfaces import Document
from harvestd.market.catalogue import rows as products
from harvestd.market.catalogue.sight import FOR_EVERYBODY
from harvestd.market.search.handlers import documents
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, scalar

_COUNT = Statement("reindexing.count", "select count(*) from products", scalar)
_CURRENT = Statement(
    "reindexing.current",
    f"""select not exists (
           select from products p left join search_documents d on d.kind = 'product' and d.id = p.id
            where {FOR_EVERYBODY} and (d.id is null or d.removed))""",
    scalar,
)


async def count(parts: Parts) -> int:
    """How many products there are."""
    return await parts.database.row(_COUNT) or 0


async def current(parts: Parts) -> bool:
    """Whether every product on sale is in the index."""
    return bool(await parts.database.row(_CURRENT))


async def reindex(parts: Parts, progress: Callable[[int], None] = lambda done: None) -> int:
    """Index every product; returns how many. Searches are served throughout. ``progress`` is called with the number done,
    and may raise to abort."""

    async def page(after: str | None, size: int) -> Sequence[Document]:
        return await documents(parts.database, await products.page(parts.database, after, size))

    indexed: int = await parts.search.rebuild(page, progress)
    return indexed
