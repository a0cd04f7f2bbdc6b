"""Rows of categories: a tree by ``parent_id``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from psycopg2 import errors as pg

from harvestd.kernel.errors import AlreadyTaken, Conflict, FieldError, Invalid
from harvestd.market.catalogue.cards import said
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Category(msgspec.Struct, frozen=True):
    """A category; ``parent_id`` is None at the top, ``translations`` is ``{language: {name, description}}``."""

    id: str
    parent_id: str | None
    slug: str
    name: str
    description: str
    icon: str
    color: str
    version: int
    created_at: datetime
    updated_at: datetime
    translations: dict[str, dict[str, str]] = {}


_COLUMNS = "id, parent_id, slug, name, description, icon, color, version, created_at, updated_at, translations"
_ALL = Statement("categories.all", f"select {_COLUMNS} from categories order by name, id limit 2000", Category)
_LOCK = Statement(
    "categories.lock", f"select {_COLUMNS} from categories where id = :category_id for no key update", Category
)
_NAMES = Statement(
    "categories.names",
    f"select c.slug, {said('c', 'name')} from categories c where c.slug = any(:slugs::text[])",
    lambda slug, name: (slug, name),
)
#: The advisory lock that serialises changes of the tree ("CATEGORY" in ASCII).
_LOCK_TREE = Statement("categories.lock_tree", "select pg_advisory_xact_lock(x'43415445474f5259'::bigint)", nothing)
_EXISTS = Statement("categories.exists", "select true from categories where id = :category_id", scalar)
_ABOVE = Statement(
    "categories.above",
    """with recursive above as (
           select id, parent_id from categories where id = :category_id
           union select c.id, c.parent_id from categories c join above a on c.id = a.parent_id
       ) select id from above""",
    scalar,
)
_LEVELS = Statement(
    "categories.levels",
    """with recursive below as (
           select id, 1 as level from categories where id = :category_id
           union all select c.id, b.level + 1 from categories c join below b on c.parent_id = b.id
       ) select max(level) from below""",
    scalar,
)
_BESIDE = Statement(
    "categories.beside",
    "select name from categories where parent_id is not distinct from :parent_id::uuid and id <> :id::uuid",
    scalar,
)
_INSERT = Statement(
    "categories.insert",
    f"""insert into categories ({_COLUMNS}) values (:id, :parent_id, :slug, :name, :description, :icon, :color, :version, :created_at, :updated_at, :translations)
        on conflict (slug) do nothing""",
    nothing,
)
_UPDATE = Statement(
    "categories.update",
    """update categories set parent_id = :parent_id, slug = :slug, name = :name, description = :description, icon = :icon, color = :color, version = :version,
              updated_at = :updated_at, translations = :translations where id = :id""",
    nothing,
)
_DELETE = Statement("categories.delete", "delete from categories where id = :category_id", nothing)


async def every(reader: Reader) -> list[Category]:
    """The whole tree, ordered by name."""
    return await reader.rows(_ALL)


async def names(reader: Reader, slugs: Sequence[str], language: str) -> dict[str, str]:
    """The names of categories in a language, as far as they are translated, by slug."""
    return dict(await reader.rows(_NAMES, slugs=list(slugs), language=language))


async def exists(reader: Reader, category_id: str) -> bool:
    """Whether the category exists."""
    return bool(await reader.row(_EXISTS, category_id=category_id))


async def lock_tree(tx: Transaction) -> None:
    """Lock the tree, before any of its rows: until the transaction ends no other one moves or renames a category. Ancestry and sibling
    names are facts of many rows, so two transactions that each checked their own rows could together create a cycle or twins."""
    await tx.row(_LOCK_TREE)


async def lock(tx: Transaction, category_id: str) -> Category | None:
    """A category, locked until the transaction ends."""
    return await tx.row(_LOCK, category_id=category_id)


async def above(tx: Transaction, category_id: str) -> list[str]:
    """The ids from a category up to its root, itself included."""
    return await tx.rows(_ABOVE, category_id=category_id)


async def levels(tx: Transaction, category_id: str) -> int:
    """How many categories stand one below the other from this one down, itself included."""
    return await tx.row(_LEVELS, category_id=category_id) or 1


async def names_beside(tx: Transaction, category: Category) -> list[str]:
    """The names of its siblings. They do not change while the tree is locked."""
    return await tx.rows(_BESIDE, parent_id=category.parent_id, id=category.id)


async def insert(tx: Transaction, category: Category, slugs: Iterable[str]) -> Category:
    """Store a new category under the first of ``slugs`` that is free, and return it; raises :class:`AlreadyTaken` (slug) or
    :class:`Invalid` (parent_id)."""
    columns = msgspec.structs.asdict(category)
    for slug in slugs:
        if await _stored(tx, _INSERT, **(columns | {"slug": slug})):
            return msgspec.structs.replace(category, slug=slug)
    raise _taken()


async def update(tx: Transaction, category: Category) -> None:
    """Store a changed category; raises what :func:`insert` does."""
    columns = msgspec.structs.asdict(category)
    del columns["created_at"]
    await _stored(tx, _UPDATE, **columns)


async def delete(tx: Transaction, category_id: str) -> None:
    """Delete an unused category; raises :class:`Conflict` when products or categories are in it."""
    try:
        await tx.run(_DELETE, category_id=category_id)
    except pg.ForeignKeyViolation as error:
        raise Conflict("the category still has products or categories in it; move them first") from error


async def _stored(tx: Transaction, statement: Statement[None], **values: object) -> int:
    try:
        return await tx.run(statement, **values)
    except pg.UniqueViolation as error:
        raise _taken() from error
    except pg.ForeignKeyViolation as error:
        raise Invalid.of(
            "parent_id",
            "does not exist; GET /api/categories lists the categories",
            "not-found",
            list="GET /api/categories",
        ) from error


def _taken() -> AlreadyTaken:
    message = "this slug is another category's; choose another"
    return AlreadyTaken(errors=(FieldError("slug", message, code="taken"),))
