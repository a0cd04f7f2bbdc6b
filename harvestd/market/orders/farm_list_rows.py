"""Rows of orders with a part of one farm, newest first: all of them, for those who see its orders, and one buyer's own. A status is that of the farm's
part."""

from __future__ import annotations

from harvestd.market.orders.rows import COLUMNS, FROM, Order
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement

_PART = "p.farm_id = :farm_id and (:status::text is null or p.status = :status)"
_ALL = Statement(
    "orders.of_farm",
    f"""select {COLUMNS} from {FROM}
        where o.id in (select p.order_id from order_parts p where {_PART} and p.order_id < coalesce(:after::uuid, {LAST_ID})
                        order by p.order_id desc limit :limit)
        order by o.id desc limit :limit""",
    Order,
)
_OWN = Statement(
    "orders.of_buyer_at_farm",
    f"""select {COLUMNS} from {FROM}
        where o.buyer_id = :user_id and o.id < coalesce(:after::uuid, {LAST_ID})
          and exists (select from order_parts p where p.order_id = o.id and {_PART})
        order by o.id desc limit :limit""",
    Order,
)
_COUNT_ALL = counting.counting("orders.count_of_farm", f"order_parts p where {_PART}")
_COUNT_OWN = counting.counting(
    "orders.count_of_buyer_at_farm",
    f"orders o where o.buyer_id = :user_id and exists (select from order_parts p where p.order_id = o.id and {_PART})",
)


async def of_farm(
    reader: Reader, farm_id: str, user_id: str | None, after: str | None, status: str | None, limit: int
) -> list[Order]:
    """The orders with a part of a farm, newest first: those of one buyer or, without ``user_id``, all."""
    if user_id is None:
        return await reader.rows(_ALL, farm_id=farm_id, after=after, status=status, limit=limit)
    return await reader.rows(_OWN, farm_id=farm_id, user_id=user_id, after=after, status=status, limit=limit)


async def count(reader: Reader, farm_id: str, user_id: str | None, status: str | None) -> int:
    """How many orders :func:`of_farm` lists, up to the counting limit."""
    if user_id is None:
        return await counting.count(reader, _COUNT_ALL, farm_id=farm_id, status=status)
    return await counting.count(reader, _COUNT_OWN, farm_id=farm_id, user_id=user_id, status=status)
