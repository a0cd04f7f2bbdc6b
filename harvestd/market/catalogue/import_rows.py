"""A file of products that is being imported: its pieces, and which row names which product."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_ADD = Statement(
    "imports.add",
    "insert into product_import_pieces (operation_id, position, content) values (:id, :position, :content)",
    nothing,
)
_PIECES = Statement(
    "imports.pieces",
    """select content from product_import_pieces where operation_id = :id and position between :first and :last order by position""",
    scalar,
)
_NAME = Statement(
    "imports.name",
    """with given as (select n.name, n.row from unnest(:names::text[], :rows::integer[]) as n(name, row)),
            kept as (insert into product_import_names (operation_id, name, row)
                     select :id, name, min(row) from given group by name order by name on conflict do nothing returning name, row)
       select g.row from given g left join kept k on k.name = g.name and k.row = g.row where k.row is null order by g.row""",
    scalar,
)
_DROP = Statement("imports.drop", "delete from product_import_pieces where operation_id = :id", nothing)
_FORGET = Statement("imports.forget", "delete from product_import_names where operation_id = :id", nothing)
_CATEGORIES = Statement(
    "imports.categories", "select category_id::text, slug from category_slugs", lambda id, slug: (id, slug)
)


async def add(tx: Transaction, id: str, position: int, content: bytes) -> None:
    """Keep a piece of a file."""
    await tx.run(_ADD, id=id, position=position, content=content)


async def window(reader: Reader, id: str, at: int, piece: int, length: int) -> bytes:
    """At least ``length`` bytes of a file from the byte ``at``, or all that are left; its pieces have ``piece`` bytes each."""
    first, last = at // piece, (at + length) // piece
    found = await reader.rows(_PIECES, id=id, first=first, last=last)
    return b"".join(bytes(one) for one in found)[at - first * piece :]


async def named_before(tx: Transaction, id: str, names: Sequence[tuple[str, int]]) -> set[int]:
    """Note which rows name which products; returns those whose product an earlier row has named."""
    return set(await tx.rows(_NAME, id=id, names=[name for name, _ in names], rows=[row for _, row in names]))


async def drop(tx: Transaction, id: str) -> None:
    """Forget a file."""
    await tx.run(_DROP, id=id)
    await tx.run(_FORGET, id=id)


async def categories(reader: Reader) -> dict[str, str]:
    """The ids of all categories, by id and by slug, also a former one."""
    found = await reader.rows(_CATEGORIES)
    return {**{id: id for id, _ in found}, **{slug: id for id, slug in found}}
