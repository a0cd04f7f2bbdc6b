"""Rows of orders for their lists: a buyer's, those with a part for a person's farms, and all; and how many each list has."""

from __future__ import annotations

from harvestd.market.orders.rows import COLUMNS, FROM, Order
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement

#: An order with a part in a window of this market day.
_OF_DAY = """(:day::uuid is null or exists (select from order_parts i join windows w on w.id = i.window_id where i.order_id = {order} and w.day_id = :day))"""
#: A part in one: of a farm's orders, its own counts.
_OWN_OF_DAY = "(:day::uuid is null or exists (select from windows w where w.id = {part}.window_id and w.day_id = :day))"
_OF_BUYER = Statement(
    "orders.of_buyer",
    f"""select {COLUMNS} from {FROM}
        where o.buyer_id = :user_id and o.id < coalesce(:after::uuid, {LAST_ID}) and (:status::text is null or o.status = :status)
          and {_OF_DAY.format(order="o.id")} order by o.id desc limit :limit""",
    Order,
)
_OWN = f"orders where buyer_id = :user_id and (:status::text is null or status = :status) and {_OF_DAY.format(order='orders.id')}"
_COUNT_OWN = counting.counting("orders.count_own", _OWN)
_COUNT_OWN_AND_FARMS = counting.counting(
    "orders.count_own_and_farms",
    f"""((select id from {_OWN} limit {counting.MAX_COUNTED}) union (
            select p.order_id from farm_members m join order_parts p on p.farm_id = m.farm_id
             where m.user_id = :user_id and (:status::text is null or p.status = :status) and {_OWN_OF_DAY.format(part="p")} limit {counting.MAX_COUNTED})) as both_kinds""",
)
_COUNT_EVERY = counting.counting(
    "orders.count_every",
    f"orders where (:status::text is null or status = :status) and {_OF_DAY.format(order='orders.id')}",
)
_OF_FARMS = Statement(
    "orders.of_farms",
    f"""select {COLUMNS} from {FROM}
        where o.id in (select p.order_id from farm_members m, lateral (
                           select order_id from order_parts
                            where farm_id = m.farm_id and order_id < coalesce(:after::uuid, {LAST_ID})
                              and (:status::text is null or status = :status) and {_OWN_OF_DAY.format(part="order_parts")}
                            order by order_id desc limit :limit) p
                        where m.user_id = :user_id)
        order by o.id desc limit :limit""",
    Order,
)
_ALL = Statement(
    "orders.all",
    f"""select {COLUMNS} from {FROM}
        where o.id < coalesce(:after::uuid, {LAST_ID}) and (:status::text is null or o.status = :status)
          and {_OF_DAY.format(order="o.id")} order by o.id desc limit :limit""",
    Order,
)


async def of_buyer(
    reader: Reader, user_id: str, after: str | None, status: str | None, limit: int, day: str | None = None
) -> list[Order]:
    """A buyer's orders, newest first."""
    return await reader.rows(_OF_BUYER, user_id=user_id, after=after, status=status, limit=limit, day=day)


async def of_farms(
    reader: Reader, user_id: str, after: str | None, status: str | None, limit: int, day: str | None = None
) -> list[Order]:
    """The orders with a part for one of a person's farms (``status`` is that part's), newest first."""
    return await reader.rows(_OF_FARMS, user_id=user_id, after=after, status=status, limit=limit, day=day)


async def every(
    reader: Reader, after: str | None, status: str | None, limit: int, day: str | None = None
) -> list[Order]:
    """All orders, newest first."""
    return await reader.rows(_ALL, after=after, status=status, limit=limit, day=day)


async def count_own(reader: Reader, user_id: str, status: str | None, day: str | None = None) -> int:
    """How many orders :func:`of_buyer` lists, up to the counting limit."""
    return await counting.count(reader, _COUNT_OWN, user_id=user_id, status=status, day=day)


async def count_own_and_farms(reader: Reader, user_id: str, status: str | None, day: str | None = None) -> int:
    """How many orders :func:`of_buyer` and :func:`of_farms` list together, each counted once, up to the counting limit."""
    return await counting.count(reader, _COUNT_OWN_AND_FARMS, user_id=user_id, status=status, day=day)


async def count_every(reader: Reader, status: str | None, day: str | None = None) -> int:
    """How many orders :func:`every` lists, up to the counting limit."""
    return await counting.count(reader, _COUNT_EVERY, status=status, day=day)
