"""``harvestctl reindex``: build the search index anew."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from harvestd.ctl.command import FINE, Command, Errand, progress_bar
from harvestd.interfaces import Document
from harvestd.parts import Parts
from harvestd.store import products
from harvestd.store.database import Statement, scalar
from harvestd.workers.search import document

_PRODUCTS = Statement("reindex.products", "select count(*) from products", scalar)
_CURRENT = Statement(
    "reindex.current",
    """select not exists (
           select from products p left join search_documents d on d.kind = 'product' and d.id = p.id
            where p.status = 'published' and (d.id is null or d.removed))""",
    scalar,
)


def _arguments(parser: ArgumentParser) -> None:
    """None."""


async def _run(errand: Errand) -> int:
    parts = await errand.parts()
    errand.out.print(f"{await rebuild(errand, parts)} products are in the search index", markup=False)
    return FINE


async def current(parts: Parts) -> bool:
    """Whether every product that is on sale can be found."""
    return bool(await parts.database.row(_CURRENT))


async def rebuild(errand: Errand, parts: Parts) -> int:
    """Index every product, with a progress bar; answers how many. The market may run, and is searched all the while."""

    async def page(after: str | None, size: int) -> Sequence[Document]:
        errand.go_on()
        return [document(row) for row in await products.page(parts.database, after, size)]

    total: Any = await parts.database.row(_PRODUCTS)
    with progress_bar(errand.err) as bar:
        task = bar.add_task("search index", total=total)
        return int(await parts.search.rebuild(page, lambda done: bar.update(task, completed=done)))


COMMAND = Command(
    "reindex",
    "build the search index anew",
    "Indexes every product from the database, which is the truth. Searches are answered all the while. Needed after the\n"
    "database was changed by other means, or restored.",
    _arguments,
    _run,
)
