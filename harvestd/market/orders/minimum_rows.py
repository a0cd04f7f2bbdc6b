"""Rows of the least order of each farm of an order, as far as it says so today."""

from __future__ import annotations

from typing import Any

from harvestd.market.orders.minimum_rules import Least
from harvestd.market.pricing.charging_rules import Delivered, least_orders
from harvestd.store.postgres.statements import Reader, Statement


def _least(farm_id: str, name: str, minimum: int, method: str, address: str, areas: dict[str, Any] | None) -> Least:
    way = Delivered(method=method, address=address, areas=areas)
    return Least(farm_id, name, max(minimum, least_orders({farm_id: way}).get(farm_id, 0)))


_OF_ORDER = Statement(
    "orders.least",
    """select p.farm_id::text, f.name, f.order_minimum, w.way->>'method', coalesce(w.way->>'address', ''), f.delivery
         from order_parts p join orders o on o.id = p.order_id join farms f on f.id = p.farm_id
              cross join lateral (select coalesce(p.fulfilment, o.fulfilment) as way) w
        where p.order_id = :order_id and p.status not in ('cancelled', 'expired')""",
    _least,
)


async def of_order(reader: Reader, order_id: str) -> dict[str, Least]:
    """Those of the parts that stand, by farm."""
    return {one.farm_id: one for one in await reader.rows(_OF_ORDER, order_id=order_id)}
