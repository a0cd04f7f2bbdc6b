"""The product listing: its sorts and filters, and one statement for each combination of them.

Two tables: what each sort orders by and continues after, and what each filter adds. A statement is put together from
these fixed fragments alone, every value bound, and each combination is prepared under its own name; so each has a plan
that uses the index of its sort, which ``($1 is null or …)`` in one statement for all would not.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import attrs

from harvestd.store import cards
from harvestd.store.database import Reader, Statement


@attrs.frozen
class Sort:
    """``order`` is total (it ends with the id); ``after`` compares with the bound key of the last row seen, whose columns
    are ``key``: column, PostgreSQL's type, Python's."""

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

#: Filters for which one plan is right whatever their value is. The others are worth planning for each value anew.
ANY_VALUE = frozenset({"farm_id", "farm_slug", "in_stock"})
#: The longest page, and one more to see whether there is a next. Where the limit is a parameter, PostgreSQL expects a tenth of
#: the table, finds that a plan for any value would cost too much, and plans each time anew, which takes longer than to run it.
#: Under a limit that it can see it keeps its plan; no more rows are fetched for that.
MOST = 101


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


class Listed(NamedTuple):
    """A product's JSON, and where the listing goes on after it."""

    text: str
    key: tuple[Any, ...]


async def products(
    reader: Reader, filters: Filters, sort: str, after: Sequence[Any] | None, limit: int, currency: str
) -> list[Listed]:
    """Published products; ``after`` is the ``key`` of the last one seen. ValueError for a ``limit`` above :data:`MOST`."""
    if limit > MOST:
        raise ValueError(
            f"a page of {limit} products would be cut at {MOST}: raise listings.MOST with the route's limit"
        )
    asked = ((name, getattr(filters, name)) for name in FILTERS)
    given = {name: value for name, value in asked if value is not None and value is not False}
    statement = _statement(sort, tuple(given), after is not None)
    values = [value for name, value in given.items() if FILTERS[name][1]]
    return await reader.rows(statement, *values, *(after or ()), limit, currency)


@cache  # bounded by the tables: sorts x combinations of filters x first or later page
def _statement(sort: str, filters: tuple[str, ...], later: bool) -> Statement[Listed]:
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
    limit, currency = take("integer"), take("text").partition("::")[0]
    columns = ", ".join([f"{cards.text(currency)} as text", *[f"p.{column}" for column, _, _ in SORTS[sort].key]])
    where, order = " and ".join(conditions), SORTS[sort].order
    sql = f"select {columns} from {cards.FROM} where {where} order by {order} limit "
    if not ANY_VALUE.issuperset(filters):
        sql += limit
    else:
        sql = f"select * from ({sql}{MOST}) as p order by {order} limit {limit}"
    bits = sum(1 << i for i, name in enumerate(FILTERS) if name in filters)  # PostgreSQL cuts names at 63 bytes
    return Statement(f"listing.{sort}.{bits}.{'later' if later else 'first'}", sql, _listed)


def _listed(text: str, *key: Any) -> Listed:
    return Listed(text, key)
