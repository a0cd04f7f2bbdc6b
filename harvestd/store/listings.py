"""The product listing: its sorts and filters, and one statement for each combination of them.

Two tables: what each sort orders by and continues after, and what each filter adds. A statement is put together from
these fixed fragments alone, every value bound, and each combination is prepared under its own name; so each has a plan
that uses the index of its sort, which ``($1 is null or …)`` in one statement for all would not.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import attrs

from harvestd.store.database import Reader, Statement
from harvestd.store.products import SELECT, Product


@attrs.frozen
class Sort:
    """``order`` is total (it ends with the id); ``after`` compares with the bound key of the last row seen, whose columns
    are ``key``: attribute of :class:`Product`, PostgreSQL's type, Python's."""

    order: str
    after: str
    key: tuple[tuple[str, str, type], ...]


_ID = ("id", "uuid", UUID)
SORTS: dict[str, Sort] = {
    "newest": Sort("p.id desc", "p.id < {0}", (_ID,)),
    "price": Sort("p.price, p.id", "(p.price, p.id) > ({0}, {1})", (("price", "bigint", int), _ID)),
    "-price": Sort("p.price desc, p.id desc", "(p.price, p.id) < ({0}, {1})", (("price", "bigint", int), _ID)),
    "popular": Sort("p.sales desc, p.id desc", "(p.sales, p.id) < ({0}, {1})", (("sales", "integer", int), _ID)),
    "rating": Sort(
        "p.rating_average desc, p.id desc",
        "(p.rating_average, p.id) < ({0}, {1})",
        (("rating_average", "numeric", Decimal), _ID),
    ),
}

_TREE = """p.category_id in (
    with recursive below as (
        select id from categories where %s = {0}
        union select c.id from categories c join below b on c.parent_id = b.id
    ) select id from below)"""
_SEASON = """(p.season_from is null or case when length(p.season_from) = 10
    then {0} between p.season_from and p.season_to
    when p.season_from <= p.season_to then substr({0}, 6) between p.season_from and p.season_to
    else substr({0}, 6) >= p.season_from or substr({0}, 6) <= p.season_to end)"""
#: Each filter by its field of :class:`Filters`: condition and type of its one value; the flags bind none.
FILTERS: dict[str, tuple[str, str]] = {
    "category_id": (_TREE % "id", "uuid"),
    "category_slug": (_TREE % "slug", "text"),
    "farm_id": ("p.farm_id = {0}", "uuid"),
    "farm_slug": ("p.farm_id = (select id from farms where slug = {0})", "text"),
    "tag": ("p.tags @> array[{0}]", "text"),
    "min_price": ("p.price >= {0}", "bigint"),
    "max_price": ("p.price <= {0}", "bigint"),
    "in_stock": ("p.stock > p.reserved", ""),
    "in_season": (_SEASON, "text"),
}


@attrs.frozen(kw_only=True)
class Filters:
    """What to list; a category includes those below it, ``in_season`` is the day (YYYY-MM-DD) to be in season on."""

    category_id: str | None = None
    category_slug: str | None = None
    farm_id: str | None = None
    farm_slug: str | None = None
    tag: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False
    in_season: str | None = None


async def products(
    reader: Reader, filters: Filters, sort: str, after: Sequence[Any] | None, limit: int
) -> list[Product]:
    """Published products; ``after`` is :func:`key` of the last one seen."""
    given = {name: value for name, value in attrs.asdict(filters).items() if value is not None and value is not False}
    statement = _statement(sort, tuple(given), after is not None)
    values = [value for name, value in given.items() if FILTERS[name][1]]
    return await reader.rows(statement, *values, *(after or ()), limit)


def key(product: Product, sort: str) -> list[Any]:
    """Where the listing goes on after this product."""
    return [getattr(product, column) for column, _, _ in SORTS[sort].key]


@cache  # bounded by the tables: sorts x combinations of filters x first or later page
def _statement(sort: str, filters: tuple[str, ...], later: bool) -> Statement[Product]:
    conditions, bound = ["p.status = 'published'"], 0

    def take(type_: str) -> str:
        nonlocal bound
        bound += 1
        return f"${bound}::{type_}"

    for name in filters:
        condition, type_ = FILTERS[name]
        conditions.append(condition.format(take(type_)) if type_ else condition)
    if later:
        conditions.append(SORTS[sort].after.format(*[take(type_) for _, type_, _ in SORTS[sort].key]))
    sql = f"{SELECT} where {' and '.join(conditions)} order by {SORTS[sort].order} limit {take('integer')}"
    bits = sum(1 << i for i, name in enumerate(FILTERS) if name in filters)  # PostgreSQL cuts names at 63 bytes
    return Statement(f"listing.{sort}.{bits}.{'later' if later else 'first'}", sql, Product)
