"""Rows of orders with a part of one farm, newest first: all of them, for those who see its orders, and one buyer's own. A status is that of the farm's
part, and so is a market day."""

from __future__ import annotations

from typing import Any

import attrs

from harvestd.market.orders.rows import COLUMNS, FROM, Order
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement

_PART = """p.farm_id = :farm_id and (:status::text is null or p.status = :status)
            and (:day::uuid is null or p.window_id in (select w.id from windows w where w.day_id = :day))"""
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


@attrs.frozen
class Wanted:
    """Which orders are listed: with a part of this farm; of one buyer or, without ``user_id``, of all; with this status and market day of the part."""

    farm_id: str
    user_id: str | None
    status: str | None = None
    day: str | None = None


async def of_farm(reader: Reader, wanted: Wanted, after: str | None, limit: int) -> list[Order]:
    """The orders with a part of a farm, newest first."""
    statement, values = (_ALL, _OWN)[wanted.user_id is not None], _values(wanted)
    return await reader.rows(statement, **values, after=after, limit=limit)


async def count(reader: Reader, wanted: Wanted) -> int:
    """How many orders :func:`of_farm` lists, up to the counting limit."""
    return await counting.count(reader, (_COUNT_ALL, _COUNT_OWN)[wanted.user_id is not None], **_values(wanted))


def _values(wanted: Wanted) -> dict[str, Any]:
    values = {"farm_id": wanted.farm_id, "status": wanted.status, "day": wanted.day}
    return values if wanted.user_id is None else {**values, "user_id": wanted.user_id}
