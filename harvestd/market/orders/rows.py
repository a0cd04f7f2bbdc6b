"""Rows of orders with their parts, steps and lines: reading those of some ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from harvestd.kernel.units import Amount
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.order import Part, Totals
from harvestd.store.postgres.statements import Reader, Statement


class Order(msgspec.Struct, frozen=True):
    """The row of an order; money in minor units."""

    id: str
    number: str
    buyer_id: str
    status: str
    currency: str
    goods: int
    fees: int
    tax: int
    discount: int
    total: int
    note: str
    placed_at: datetime
    updated_at: datetime
    version: int
    buyer_name: str
    buyer_phone: str | None

    def standing(self, parts: Sequence[Part]) -> Standing:
        """The order as the rules take it."""
        totals = Totals(self.goods, self.fees, self.tax, self.discount)
        return Standing(
            id=self.id, number=self.number, buyer_id=self.buyer_id, status=self.status, version=self.version,
            parts=tuple(parts), totals=totals,
        )  # fmt: skip


class StepRow(msgspec.Struct, frozen=True):
    """A status step of a part, ``from_`` None when it was placed; ``by`` is buyer, farm, admin or clock."""

    version: int
    to: str
    at: datetime
    by: str
    reason: str
    from_: str | None = msgspec.field(name="from")


class PartRow(msgspec.Struct, frozen=True):
    """One farm's part of an order; ``fulfilment`` as stored, the steps in order."""

    order_id: str
    farm_id: str
    farm_name: str
    status: str
    subtotal: int
    fulfilment: dict[str, Any]
    steps: list[StepRow]


def _part(
    order_id: str, farm_id: str, name: str, status: str, subtotal: int, way: dict[str, Any], steps: str
) -> PartRow:
    return PartRow(order_id, farm_id, name, status, subtotal, way, msgspec.json.decode(steps, type=list[StepRow]))


class LineRow(msgspec.Struct, frozen=True):
    """A line of an order; ``unit_price`` is for ``price_per`` of the unit or, with an estimated weight of a piece, of that one's."""

    order_id: str
    farm_id: str
    id: str
    product_id: str
    title: str
    quantity: Decimal
    unit: str
    unit_price: int
    price_per: Decimal
    total: int
    facts: dict[str, Any]
    title_seen: str | None
    variant_id: str | None
    estimated_weight: Decimal | None
    weight_unit: str | None

    @property
    def each(self) -> Amount | None:
        """The estimated weight of a piece that is priced by weight."""
        return Amount(self.estimated_weight, self.weight_unit) if self.estimated_weight and self.weight_unit else None


#: The columns of an :class:`Order`, of :data:`FROM`.
COLUMNS = """o.id, o.number, o.buyer_id, o.status, o.currency, o.goods, o.fees, o.tax, o.discount, o.total, o.note,
            o.placed_at, o.updated_at, o.version, u.name, u.phone"""
FROM = "orders o join users u on u.id = o.buyer_id"
_BY_ID = Statement("orders.by_id", f"select {COLUMNS} from {FROM} where o.id = :order_id", Order)
_BY_IDS = Statement("orders.by_ids", f"select {COLUMNS} from {FROM} where o.id = any(:ids::uuid[])", Order)
_PARTS = Statement(
    "orders.parts",
    """select p.order_id, p.farm_id, f.name, p.status, p.subtotal, coalesce(p.fulfilment, o.fulfilment) || case when w.id is null then '{}' else jsonb_build_object('window',
                  jsonb_build_object('id', w.id, 'market_day_id', w.day_id, 'from', w.starts_at, 'to', w.ends_at)) end,
              (select coalesce(json_agg(json_build_object(
                          'version', t.version, 'from', nullif(t.from_status, ''), 'to', t.to_status, 'at', t.at,
                          'reason', t.reason, 'by', coalesce(t.actor, case when t.actor_id is null then 'clock'
                                                                           when t.actor_id = o.buyer_id then 'buyer' else 'farm' end))
                               order by t.version), '[]')::text
                 from order_transitions t where t.order_id = p.order_id and t.farm_id = p.farm_id)
         from order_parts p join orders o on o.id = p.order_id join farms f on f.id = p.farm_id left join windows w on w.id = p.window_id
        where p.order_id = any(:orders::uuid[]) order by p.order_id, p.position""",
    _part,
)
_LINES = Statement(
    "orders.lines",
    """select order_id, farm_id, id, product_id, title, quantity, unit, unit_price, price_per, total, facts, title_seen, variant_id, estimated_weight, weight_unit
       from order_lines
       where order_id = any(:orders::uuid[]) order by order_id, position""",
    LineRow,
)


async def find(reader: Reader, order_id: str) -> Order | None:
    """An order's row."""
    return await reader.row(_BY_ID, order_id=order_id)


async def some(reader: Reader, ids: Sequence[str]) -> dict[str, Order]:
    """The orders with these ids that exist, by id."""
    return {order.id: order for order in await reader.rows(_BY_IDS, ids=list(ids))}


async def parts_and_lines(reader: Reader, orders: Sequence[str]) -> tuple[list[PartRow], list[LineRow]]:
    """All parts and lines of some orders, in order."""
    return await reader.rows(_PARTS, orders=list(orders)), await reader.rows(_LINES, orders=list(orders))
