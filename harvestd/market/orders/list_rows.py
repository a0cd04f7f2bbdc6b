"""Rows of orders for their lists: a buyer's, those with a part for a person's farms, and all; and how many each list has."""

from __future__ import annotations

from harvestd.market.orders.rows import COLUMNS, FROM, Order
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement

_OF_BUYER = Statement(
    "orders.of_buyer",
    f"""select {COLUMNS} from {FROM}
        where o.buyer_id = :user_id and o.id < coalesce(:after::uuid, {LAST_ID}) and (:status::text is null or o.status = :status)
        order by o.id desc limit :limit""",
    Order,
)
_OWN = "orders where buyer_id = :user_id and (:status::text is null or status = :status)"
_COUNT_OWN = counting.counting("orders.count_own", _OWN)
_COUNT_OWN_AND_FARMS = counting.counting(
    "orders.count_own_and_farms",
    f"""((select id from {_OWN} limit {counting.MAX_COUNTED}) union (
            select p.order_id from farm_members m join order_parts p on p.farm_id = m.farm_id
             where m.user_id = :user_id and (:status::text is null or p.status = :status) limit {counting.MAX_COUNTED})) as both_kinds""",
)
_COUNT_EVERY = counting.counting("orders.count_every", "orders where :status::text is null or status = :status")
_OF_FARMS = Statement(
    "orders.of_farms",
    f"""select {COLUMNS} from {FROM}
        where o.id in (select p.order_id from farm_members m, lateral (
                           select order_id from order_parts
                            where farm_id = m.farm_id and order_id < coalesce(:after::uuid, {LAST_ID})
                              and (:status::text is null or status = :status)
                            order by order_id desc limit :limit) p
                        where m.user_id = :user_id)
        order by o.id desc limit :limit""",
    Order,
)
_ALL = Statement(
    "orders.all",
    f"""select {COLUMNS} from {FROM}
        where o.id < coalesce(:after::uuid, {LAST_ID}) and (:status::text is null or o.status = :status) order by o.id desc limit :limit""",
    Order,
)


async def of_buyer(reader: Reader, user_id: str, after: str | None, status: str | None, limit: int) -> list[Order]:
    """A buyer's orders, newest first."""
    return await reader.rows(_OF_BUYER, user_id=user_id, after=after, status=status, limit=limit)


async def of_farms(reader: Reader, user_id: str, after: str | None, status: str | None, limit: int) -> list[Order]:
    """The orders with a part for one of a person's farms (``status`` is that part's), newest first."""
    return await reader.rows(_OF_FARMS, user_id=user_id, after=after, status=status, limit=limit)


async def every(reader: Reader, after: str | None, status: str | None, limit: int) -> list[Order]:
    """All orders, newest first."""
    return await reader.rows(_ALL, after=after, status=status, limit=limit)


async def count_own(reader: Reader, user_id: str, status: str | None) -> int:
    """How many orders :func:`of_buyer` lists, up to the counting limit."""
    return await counting.count(reader, _COUNT_OWN, user_id=user_id, status=status)


async def count_own_and_farms(reader: Reader, user_id: str, status: str | None) -> int:
    """How many orders :func:`of_buyer` and :func:`of_farms` list together, each counted once, up to the counting limit."""
    return await counting.count(reader, _COUNT_OWN_AND_FARMS, user_id=user_id, status=status)


async def count_every(reader: Reader, status: str | None) -> int:
    """How many orders :func:`every` lists, up to the counting limit."""
    return await counting.count(reader, _COUNT_EVERY, status=status)
