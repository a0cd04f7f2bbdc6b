"""The product listing: its sorts and filters, one statement for each combination, and keyset pagination.

Two tables: the order and the keyset of each sort, and the condition of each filter. A statement is composed only of
these fixed fragments, every value bound, and each combination is prepared under its own name; so each has a plan
that uses the index of its sort, which ``(:value is null or …)`` in one statement for all would not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import attrs

from harvestd.kernel.cursors import Int4
from harvestd.kernel.geography import box_around
from harvestd.market.catalogue import cards, sight
from harvestd.store import counting
from harvestd.store.following import SETTLED
from harvestd.store.nearness import distance_sql
from harvestd.store.postgres.statements import ENDED, Reader, Statement


@attrs.frozen
class Sort:
    """``order`` is total (it ends with the id); ``after`` compares with the bound key of the last row seen, whose columns
    are ``key``: column, PostgreSQL's type, Python's."""

    order: str
    after: str
    key: tuple[tuple[str, str, Any], ...]


_ID = ("id", "uuid", UUID)
SORTS: dict[str, Sort] = {
    "newest": Sort("p.id desc", "p.id < {0}", (_ID,)),
    "price": Sort("p.price, p.id", "(p.price, p.id) > ({0}, {1})", (("price", "bigint", int), _ID)),
    "-price": Sort("p.price desc, p.id desc", "(p.price, p.id) < ({0}, {1})", (("price", "bigint", int), _ID)),
    "popular": Sort("p.sales desc, p.id desc", "(p.sales, p.id) < ({0}, {1})", (("sales", "integer", Int4), _ID)),
    "rating": Sort(
        "p.rating_average desc, p.id desc",
        "(p.rating_average, p.id) < ({0}, {1})",
        (("rating_average", "numeric", Decimal), _ID),
    ),
}
#: What follows the changes of a farm's products: the oldest change first, as far as no transaction that goes on can add one before the last.
CHANGED = "changed"
ORDERS = SORTS | {
    CHANGED: Sort(
        "p.changed_in, p.id", "(p.changed_in, p.id) > ({0}, {1})", (("changed_in", "bigint", int), _ID)
    )
}  # fmt: skip

#: The array holds a position, a radius and its bounding box, from :func:`within`: the index covers the box.
_WITHIN = f"""p.farm_id in (
    select id from farms where latitude between {{0}}[4] and {{0}}[5] and longitude between {{0}}[6] and {{0}}[7]
       and {distance_sql("latitude", "longitude", "{0}[1]", "{0}[2]")} <= {{0}}[3])"""
#: Each filter by its field of :class:`Filters`: condition and type of its one value; flags bind no value.
FILTERS: dict[str, tuple[str, str]] = {
    "category_id": ("p.category_id = {0}", "uuid"),
    "category_ids": ("p.category_id = any({0})", "uuid[]"),
    "farm_id": ("p.farm_id = {0}", "uuid"),
    "farm_ids": ("p.farm_id = any({0})", "uuid[]"),
    "tags": ("p.tags && {0}", "text[]"),
    "units": ("p.unit = any({0})", "text[]"),
    "min_price": ("p.price >= {0}", "bigint"),
    "max_price": ("p.price <= {0}", "bigint"),
    "in_stock": ("p.stock > p.reserved", ""),
    "member_id": ("p.farm_id in (select farm_id from farm_members where user_id = {0})", "uuid"),
    "own_farm_id": ("p.farm_id = {0}", "uuid"),
    "ids": ("p.id = any({0})", "uuid[]"),
    "updated_since": (f"p.updated_at >= {{0}} and p.changed_in < {SETTLED}", "timestamptz"),
    "status": ("p.status = {0}", "text"),
    "in_season": (cards.season_sql("{0}"), "text"),
    "within": (_WITHIN, "float8[]"),
    "free_from": ("not p.allergens && {0}", "text[]"),
    "benefits": ("f.benefits && {0}", "text[]"),
}

_of_each: Callable[[Filters], tuple[Any, ...]] = attrgetter(*FILTERS)

#: Filters for which one generic plan suits every value. The others are worth planning for each value.
ANY_VALUE = frozenset({"farm_id", "in_stock", "own_farm_id", "updated_since"})
#: Filters of what the farm is.
_OF_FARMS = frozenset({"benefits"})
#: Filters that show what is not published, since it is the caller's own.
_OWN = frozenset({"member_id", "own_farm_id"})
#: For whom a list is: for everybody, members of some groups, the market's staff, or those whose own it is; and what it shows.
MEMBER, STAFF, OWNER = ".member", ".staff", ".owner"
_SHOWN: dict[str, list[str]] = {
    "": [sight.FOR_EVERYBODY],
    MEMBER: [sight.FOR_MEMBERS],
    STAFF: ["p.status = 'published'"],
    OWNER: [],
}
#: The longest page, plus one row to see whether there is a next. If the limit is a parameter, PostgreSQL estimates a tenth of the
#: table, finds the generic plan too expensive, and replans each time, which takes longer than running the statement.
#: With a constant limit it keeps its plan; no additional rows are fetched.
MAX = 101


@attrs.frozen(kw_only=True)
class Filters:
    """The filters of a listing; any of several values of a field matches. ``in_season`` is the day (YYYY-MM-DD) to be in season on.
    Products of the farms of ``member_id``, or of the caller's only one, ``own_farm_id``, are listed in any status, or in ``status``; all others only if
    published, and of farms that are found. ``updated_since`` goes with the order :data:`CHANGED`."""

    category_id: str | None = None
    category_ids: Sequence[str] | None = None
    farm_id: str | None = None
    farm_ids: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    units: Sequence[str] | None = None
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False
    in_season: str | None = None
    member_id: str | None = None
    own_farm_id: str | None = None
    ids: Sequence[str] | None = None
    updated_since: datetime | None = None
    status: str | None = None
    within: Sequence[float] | None = None
    free_from: Sequence[str] | None = None
    benefits: Sequence[str] | None = None

    @classmethod
    def of(cls, *, categories: Sequence[str] = (), farms: Sequence[str] = (), **more: Any) -> Filters:
        """Filters with any of these categories and farms; a single one is compared with ``=``, which can use the index of the sort."""
        for name, ids in (("category_id", categories), ("farm_id", farms)):
            if ids:
                more[name if len(ids) == 1 else f"{name}s"] = ids[0] if len(ids) == 1 else ids
        bound: dict[str, Any] = {n: list(value) if isinstance(value, tuple) else value for n, value in more.items()}
        return cls(**bound)


def within(latitude: float, longitude: float, radius: float) -> list[float]:
    """The value of the filter for positions within ``radius`` km of one in degrees."""
    box = box_around(latitude, longitude, radius)
    return [latitude, longitude, radius, box.south, box.north, box.west, box.east]


class Listed(NamedTuple):
    """A product's JSON, how many transactions had ended when it was read, and the keyset for the next page."""

    text: str
    ended: int | None
    key: tuple[Any, ...]


async def products(
    reader: Reader, filters: Filters, sort: str, after: Sequence[Any] | None, limit: int, view: cards.View
) -> list[Listed]:
    """Products, only published ones unless a member's own; ``after`` is the last one's ``key``. ValueError if ``limit`` > :data:`MAX`."""
    if limit > MAX:
        raise ValueError(f"a page of {limit} products would be cut at {MAX}: raise listings.MAX with the route's limit")
    given, values = _given(filters)
    keys = {f"after_{i}": value for i, value in enumerate(after or ())}
    statement = _statement(sort, given, after is not None, _form(view, given), view.personal)
    return await reader.rows(statement, **values, **keys, limit=limit, **view.bound)


async def count(reader: Reader, filters: Filters, view: cards.View) -> int:
    """How many products match the filters, up to the counting limit."""
    given, values = _given(filters)
    form = _form(view, given)
    groups = {"groups": list(view.buyer.groups)} if form == MEMBER else {}
    return await counting.count(reader, _counting(given, form), **values, **groups)


def _given(filters: Filters) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of the filters that are given, and the values they bind."""
    asked = zip(FILTERS, _of_each(filters), strict=True)
    given = {name: value for name, value in asked if value is not None and value is not False and value != []}
    return tuple(given), {name: value for name, value in given.items() if FILTERS[name][1]}


def _form(view: cards.View, filters: tuple[str, ...]) -> str:
    """For whom the list is."""
    if _OWN.intersection(filters):
        return OWNER
    return STAFF if view.buyer.staff else MEMBER if view.buyer.groups else ""


def _conditions(filters: tuple[str, ...], form: str) -> list[str]:
    """The SQL conditions of the filters, and of who sees what."""
    conditions = _SHOWN[form] + [FILTERS[name][0].format(_typed(name, FILTERS[name][1])) for name in filters]
    return [_priced(condition, form) for condition in conditions]


def _priced(sql: str, form: str) -> str:
    """The SQL with the price that a list of this form filters and sorts by."""
    return sight.at_their_price(sql) if form == MEMBER else sql


def _typed(name: str, type_: str) -> str:
    return f"(:{name}::{type_})" if type_.endswith("[]") else f":{name}::{type_}"


@cache
def _counting(filters: tuple[str, ...], form: str) -> Statement[int]:
    where = " and ".join(_conditions(filters, form))
    of = "products p join farms f on f.id = p.farm_id" if _OF_FARMS.intersection(filters) else "products p"
    return counting.counting(f"listing.count.{_bits(filters)}.{form}", f"{of} where {where or 'true'}")


def _bits(filters: tuple[str, ...]) -> int:
    return sum(1 << i for i, name in enumerate(FILTERS) if name in filters)  # PostgreSQL truncates names at 63 bytes


@cache  # bounded by the tables: sorts x combinations of filters x first or later page x for whom
def _statement(
    sort: str, filters: tuple[str, ...], later: bool, form: str = "", personal: bool = False
) -> Statement[Listed]:
    conditions = _conditions(filters, form)
    if later:
        # The planner knows how many rows have a higher price or rating, not which of those with the same come after an id: where most have the
        # same it would expect next to none, and sort all the others. What it cannot see yet, it takes for a third.
        keys = [f"(select {_typed(f'after_{i}', type_)})" for i, (_, type_, _) in enumerate(ORDERS[sort].key)]
        conditions.append(_priced(ORDERS[sort].after.format(*keys), form))
    limit = _typed("limit", "integer")
    shown = [f"{cards.TEXT} as text", f"{ENDED} as ended"]
    columns = ", ".join([*shown, *[f"{_priced(f'p.{column}', form)} as {column}" for column, _, _ in ORDERS[sort].key]])
    where, order = " and ".join(conditions), ORDERS[sort].order
    sql = f"select {columns} from {cards.FROM[personal]} where {where or 'true'} order by {_priced(order, form)} limit "
    if not ANY_VALUE.issuperset(filters):
        sql += limit
    else:
        sql = f"select * from ({sql}{MAX}) as p order by {order} limit {limit}"
    whose = f"{form}{'.personal' if personal else ''}"
    return Statement(f"listing.{sort}.{_bits(filters)}.{'later' if later else 'first'}{whose}", sql, _listed)


def _listed(text: str, ended: int | None, *key: Any) -> Listed:
    return Listed(text, ended, key)
