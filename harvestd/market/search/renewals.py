"""Products whose search documents copy a field that changed elsewhere: a farm's name, a category's slug.

A renewal is one row, however many products it covers; they are processed a page at a time, in id order, and each gets its next
revision, so that its new document replaces the old one. Keys that all documents are to have are made of what is in them: that is nothing new of a product.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from harvestd.market.catalogue.product_events import Known
from harvestd.store.postgres.statements import FIRST_ID, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: Products in one transaction.
PAGE = 500


class Due(msgspec.Struct, frozen=True):
    """A row: the farm or category it covers (or all, for ``search`` and ``keys``), and the last product processed."""

    source: str
    id: str
    after: str


class Revised(NamedTuple):
    """A product at its next revision."""

    known: Known
    revision: int


_MARK = Statement(
    "search_renewals.mark",
    f"""insert into search_renewals (source, id) select :source, id from unnest(:ids::uuid[]) as m(id) order by id
        on conflict (source, id) do update set after = {FIRST_ID}""",
    nothing,
)
_DUE = Statement(
    "search_renewals.due",
    "select source, id::text, after::text from search_renewals order by source, id limit 1 for update skip locked",
    Due,
)
_REVISE = """with own as (
        select id from products where status = 'published' and {} and id > :after::uuid order by id limit :most for no key update
    )
    update products p set revision = p.revision + 1 from own, farms f where p.id = own.id and f.id = p.farm_id
    returning p.id::text, p.slug, f.id::text, f.slug, p.visible_to is not null, p.revision"""
#: By source: the products of a farm, of a category, and all.
_REVISIONS = {
    source: Statement(f"search_renewals.{source}", _REVISE.format(which), lambda *row: Revised(Known(*row[:5]), row[5]))
    for source, which in (
        ("farm", "farm_id = :id::uuid"), ("category", "category_id = :id::uuid"), ("search", ":id::uuid is not null"),
    )
}  # fmt: skip
#: Documents with the keys that they lack (``search_keys_of`` in SQL).
_KEY = Statement(
    "search_renewals.keys",
    """with own as (select kind, id from search_documents where kind = 'product' and id > :after::uuid order by id limit :most for no key update)
       update search_documents d set lexemes = d.lexemes || array_to_tsvector(search_keys_of(d)) from own where d.kind = own.kind and d.id = own.id
       returning d.id::text""",
    scalar,
)
_GO_ON = Statement(
    "search_renewals.go_on", "update search_renewals set after = :last where source = :source and id = :id", nothing
)
_DONE = Statement("search_renewals.done", "delete from search_renewals where source = :source and id = :id", nothing)


async def mark(tx: Transaction, source: str, ids: Collection[str]) -> None:
    """Schedule the renewal of all products of these farms or categories."""
    if ids:
        await tx.run(_MARK, source=source, ids=sorted(ids))


async def take(tx: Transaction, most: int = PAGE) -> tuple[str, list[Revised]] | None:
    """The next products that are due, each at its next revision, and why, none where only keys are; None if none are due, or another process has them."""
    due = await tx.row(_DUE)
    if due is None:
        return None
    revised: list[Revised] = []
    if due.source == "keys":
        done = await tx.rows(_KEY, after=due.after, most=most)
    else:
        revised = await tx.rows(_REVISIONS[due.source], id=due.id, after=due.after, most=most)
        done = [one.known.id for one in revised]
    if len(done) < most:
        await tx.run(_DONE, source=due.source, id=due.id)
    else:
        await tx.run(_GO_ON, source=due.source, id=due.id, last=max(done))
    return due.source, revised
