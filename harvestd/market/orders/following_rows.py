"""Rows of orders for those who follow them: as they change, the oldest change first; and orders by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from harvestd.market.orders import rows
from harvestd.market.orders.rows import Order
from harvestd.store import counting
from harvestd.store.following import SETTLED
from harvestd.store.postgres.statements import FIRST_ID, Reader, Statement


class Changed(NamedTuple):
    """An order, and the number of the transaction that changed it last."""

    changed_in: int
    order: Order

    @property
    def key(self) -> tuple[int, str]:
        """Its place among the changes."""
        return self.changed_in, self.order.id


_SINCE = """o.updated_at >= :since::timestamptz and (:status::text is null or {status} = :status)"""
# In subqueries, since most orders may have one number, as they have after an upgrade (see listings.py).
_AFTER = f"({{0}}.changed_in, {{0}}.{{1}}) > ((select coalesce(:after::bigint, -1)), (select coalesce(:after_id::uuid, {FIRST_ID}))) and {{0}}.changed_in < {SETTLED}"
_PAGE = "order by {0}.changed_in, {0}.{1} limit :limit"
_OWN = f"orders o where o.buyer_id = :user_id and {_SINCE.format(status='o.status')}"
_OF_FARM = f"order_parts p join orders o on o.id = p.order_id where p.farm_id = m.farm_id and {_SINCE.format(status='p.status')}"
_ALL = f"orders o where {_SINCE.format(status='o.status')}"
_PAGE_OF_OWN = f"select o.id, o.changed_in from {_OWN} and {_AFTER.format('o', 'id')} {_PAGE.format('o', 'id')}"
_PAGE_OF_FARMS = f"""select f.id, f.changed_in from farm_members m, lateral (
    select p.order_id as id, p.changed_in from {_OF_FARM} and {_AFTER.format("p", "order_id")} {_PAGE.format("p", "order_id")}) f
 where m.user_id = :user_id"""
_PAGE_OF_ALL = f"select o.id, o.changed_in from {_ALL} and {_AFTER.format('o', 'id')} {_PAGE.format('o', 'id')}"
_MOST = counting.MAX_COUNTED


def _listing(name: str, ids: str) -> Statement[Changed]:
    """The orders of a page of ids."""
    sql = f"""select l.changed_in, {rows.COLUMNS} from ({ids}) l join orders o on o.id = l.id left join users u on u.id = o.buyer_id
               order by l.changed_in, l.id limit :limit"""
    return Statement(f"orders.changed.{name}", sql, lambda changed, *columns: Changed(changed, Order(*columns)))


#: By the role of who follows: a buyer's own, those of a farmer's farms and their own, all for the market's staff.
LISTS: dict[str, Statement[Changed]] = {
    "buyer": _listing("own", _PAGE_OF_OWN),
    "farmer": _listing("own_and_farms", f"({_PAGE_OF_OWN}) union ({_PAGE_OF_FARMS})"),
    "manager": _listing("all", _PAGE_OF_ALL),
}
_COUNTS: dict[str, Statement[int]] = {
    "buyer": counting.counting("orders.changed.count_own", f"{_OWN} and o.changed_in < {SETTLED}"),
    "farmer": counting.counting(
        "orders.changed.count_own_and_farms",
        f"""((select o.id from {_OWN} and o.changed_in < {SETTLED} limit {_MOST}) union (
                select f.id from farm_members m, lateral (select p.order_id as id from {_OF_FARM} and p.changed_in < {SETTLED} limit {_MOST}) f
                 where m.user_id = :user_id)) as both_kinds""",
    ),
    "manager": counting.counting("orders.changed.count_all", f"{_ALL} and o.changed_in < {SETTLED}"),
}


#: The market's staff, all of it, sees the same.
LISTS["admin"], _COUNTS["admin"] = LISTS["manager"], _COUNTS["manager"]


async def changes(
    reader: Reader, role: str, user_id: str, since: datetime, status: str | None, after: tuple[int, str] | None, limit: int
) -> list[Changed]:  # fmt: skip
    """The orders that somebody of this role follows and that were changed at ``since`` or later, as far as no transaction that goes on can add one
    before the last; ``status`` is of a farm's part, if it is one of its orders."""
    last, last_id = after or (None, None)
    values = {"user_id": user_id, "since": since, "status": status, "after": last, "after_id": last_id, "limit": limit}
    return await reader.rows(LISTS[role], **_named(LISTS[role], values))


async def count(reader: Reader, role: str, user_id: str, since: datetime, status: str | None) -> int:
    """How many :func:`changes` lists on all pages, up to the counting limit."""
    values = {"user_id": user_id, "since": since, "status": status}
    return await counting.count(reader, _COUNTS[role], **_named(_COUNTS[role], values))


async def by_ids(reader: Reader, ids: Sequence[str]) -> list[Order]:
    """The orders with these ids that exist, each once, in the order of the ids; whoever they are for."""
    found = await rows.some(reader, list(dict.fromkeys(ids)))
    return [found[id] for id in dict.fromkeys(ids) if id in found]


def _named(statement: Statement[Any], values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in statement.names}
