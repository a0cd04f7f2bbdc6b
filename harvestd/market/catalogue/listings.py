"""The product listing: one statement for each combination, and keyset pagination.

``listing_terms.py`` has the order and the keyset of each sort, and the condition of each filter. A statement is composed only of
these fixed fragments, every value bound, and each combination is prepared under its own name; so each has a plan
that uses the index of its sort, which ``(:value is null or …)`` in one statement for all would not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from harvestd.market.catalogue import cards, near_choice, sight
from harvestd.market.catalogue.listing_terms import ANY_VALUE, FILTERS, OF_FARMS, ORDERS, OWN, Filters
from harvestd.store import counting
from harvestd.store.postgres.statements import ENDED, Reader, Statement

_of_each: Callable[[Filters], tuple[Any, ...]] = attrgetter(*FILTERS)

#: For whom a list is: for everybody, members of some groups, the market's staff, or those whose own it is; and what it shows.
MEMBER, STAFF, OWNER = ".member", ".staff", ".owner"
_SHOWN: dict[str, list[str]] = {
    "": [sight.FOR_EVERYBODY],
    MEMBER: [sight.FOR_MEMBERS],
    STAFF: [sight.FOR_STAFF],
    OWNER: [],
}
#: Filters of several values, and the column of each value of which there is an index by price: from the end of all prices it may be far to any of them.
EACH = {"category_ids": "p.category_id", "units": "p.unit"}
#: The longest page, plus one row to see whether there is a next. If the limit is a parameter, PostgreSQL estimates a tenth of the
#: table, finds the generic plan too expensive, and replans each time, which takes longer than running the statement.
#: With a constant limit it keeps its plan; no additional rows are fetched.
MAX = 101


class Listed(NamedTuple):
    """A product's JSON, its state and how many transactions had ended when it was read, and the keyset for the next page."""

    text: str
    state: str
    ended: int | None
    key: tuple[Any, ...]

    @property
    def id(self) -> str:
        """The product's."""
        return str(self.key[-1])


async def products(
    reader: Reader, filters: Filters, sort: str, after: Sequence[Any] | None, limit: int, view: cards.View
) -> list[Listed]:
    """Products, only published ones unless a member's own; ``after`` is the last one's ``key``. ValueError if ``limit`` > :data:`MAX`."""
    if limit > MAX:
        raise ValueError(f"a page of {limit} products would be cut at {MAX}: raise listings.MAX with the route's limit")
    chosen = await near_choice.chosen(reader, filters)
    if chosen is None:
        return []
    given, values = _given(chosen)
    keys = {f"after_{i}": value for i, value in enumerate(after or ())}
    statement = _statement(sort, given, after is not None, _form(view, given), view.personal)
    return await reader.rows(statement, **values, **keys, limit=limit, **view.bound)


async def count(reader: Reader, filters: Filters, view: cards.View) -> int:
    """How many products match the filters, up to the counting limit."""
    chosen = await near_choice.chosen(reader, filters)
    if chosen is None:
        return 0
    given, values = _given(chosen)
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
    if OWN.intersection(filters):
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
    of = "products p join farms f on f.id = p.farm_id" if OF_FARMS.intersection(filters) else "products p"
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
    shown = [f"{cards.TEXT} as text", f"{cards.STATE} as state", f"{ENDED} as ended"]
    columns = ", ".join([*shown, *[f"{_priced(f'p.{column}', form)} as {column}" for column, _, _ in ORDERS[sort].key]])
    order, of = ORDERS[sort].order, cards.FROM[personal]
    each = next((name for name in EACH if name in filters), None) if _by_price(sort, filters, form) else None
    if each is not None:
        of, conditions = of.replace("products p", _of_each_value(each, conditions, order), 1), []
    where = " and ".join(conditions)
    sql = f"select {columns} from {of} where {where or 'true'} order by {_priced(order, form)} limit "
    if not ANY_VALUE.issuperset(filters):
        sql += limit
    else:
        sql = f"select * from ({sql}{MAX}) as p order by {order} limit {limit}"
    whose = f"{form}{'.personal' if personal else ''}"
    return Statement(f"listing.{sort}.{_bits(filters)}.{'later' if later else 'first'}{whose}", sql, _listed)


def _by_price(sort: str, filters: tuple[str, ...], form: str) -> bool:
    """Whether the indexes of what is published by its price have the order, and no filter asks for more than a product's own columns."""
    return sort in ("price", "-price") and form in ("", STAFF) and not OF_FARMS.intersection(filters)


def _of_each_value(name: str, conditions: Sequence[str], order: str) -> str:
    """The first of each value that the filter has, as ``p``."""
    condition, type_ = FILTERS[name]
    own = condition.format(_typed(name, type_))
    others = " and ".join(one for one in conditions if one != own)
    return f"""(select o.* from (select distinct unnest({_typed(name, type_)}) as value) v cross join lateral (
        select p.* from products p where {EACH[name]} = v.value and {others} order by {order} limit {_typed("limit", "integer")}) o) p"""


def _listed(text: str, state: str, ended: int | None, *key: Any) -> Listed:
    return Listed(text, state, ended, key)
