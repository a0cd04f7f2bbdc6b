"""Rows of a step in an order's fulfilment: its lock, what the rules take, storing the step; and which orders are due to expire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.order import Part
from harvestd.market.orders.rows import COLUMNS, FROM, Order, lines
from harvestd.market.orders.stepping import Moved
from harvestd.market.pricing.terms import PLAIN, kept
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_LOCK = Statement("orders.lock", f"select {COLUMNS} from {FROM} where o.id = :order_id for no key update of o", Order)
_STANDING = Statement(
    "orders.standing",
    """select p.farm_id, f.name, p.position, p.status, p.subtotal, p.fees, p.tax, p.discount, coalesce(p.fulfilment, o.fulfilment)->>'method', p.window_id, w.ends_at
         from order_parts p join farms f on f.id = p.farm_id join orders o on o.id = p.order_id left join windows w on w.id = p.window_id
        where p.order_id = :order_id order by p.position""",
    Part,
)
_MOVE = Statement(
    "orders.move",
    """with parts as (
           update order_parts set status = :to where order_id = :id and farm_id = any(:farms::uuid[])
       ), steps as (
           insert into order_transitions (order_id, version, farm_id, from_status, to_status, actor_id, reason, at, actor)
           select :id, :version, t.farm_id, t.status, :to, :actor_id, :reason, :now, :actor from unnest(:farms::uuid[], :before::text[]) as t(farm_id, status)
       ), answers as (
           update order_lines set answer_by = null where order_id = :id and farm_id = any(:farms::uuid[]) and answer_by is not null and :to in ('cancelled', 'expired')
       )
       update orders set status = :status, goods = :goods, fees = :fees, tax = :tax, discount = :discount, total = :total, version = :version, updated_at = :now where id = :id""",
    nothing,
)
_LEFT = Statement(
    "orders.left",
    """select exists (select from order_transitions where order_id = :order_id and to_status in ('out_for_delivery', 'completed'))""",
    scalar,
)
#: What a change makes of the amounts of the parts that stand, and of their lines.
_BILL = Statement(
    "orders.bill",
    """with parts as (
           update order_parts p set fees = t.fees, tax = t.tax, discount = t.discount
             from unnest(:farms::uuid[], :fees::bigint[], :taxes::bigint[], :discounts::bigint[]) as t(farm_id, fees, tax, discount)
            where p.order_id = :order_id and p.farm_id = t.farm_id
       ), lines as (
           update order_lines l set tax = t.tax, discount = t.discount
             from unnest(:lines::uuid[], :line_taxes::bigint[], :line_discounts::bigint[]) as t(id, tax, discount) where l.id = t.id
       )
       update orders set terms = :terms where id = :order_id""",
    nothing,
)
_WAY = Statement("orders.way", "select fulfilment - 'pickup_point' from orders where id = :order_id", scalar)
_DUE = Statement(
    "orders.due",
    """select distinct r.order_id
         from reservations r join order_lines l on l.id = r.line_id
              join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
        where r.state = 'live' and r.expires_at is not null and r.expires_at <= :now and p.status = 'placed'
        order by r.order_id limit :limit""",
    scalar,
)
_NEXT_DUE = Statement(
    "orders.next_due",
    """select min(r.expires_at)
         from reservations r join order_lines l on l.id = r.line_id
              join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
        where r.state = 'live' and r.expires_at is not null and p.status = 'placed'""",
    scalar,
)


async def lock(tx: Transaction, order_id: str) -> tuple[Order, Standing] | None:
    """An order and its parts, locked until the transaction ends: as its row, and as the rules take it."""
    order = await tx.row(_LOCK, order_id=order_id)
    if order is None:
        return None
    parts, rows = await tx.rows(_STANDING, order_id=order_id), await lines(tx, order_id)
    left = order.terms is not None and await tx.row(_LEFT, order_id=order_id)
    return order, order.standing(parts, rows, bool(left))


async def move(tx: Transaction, before: Standing, moved: Moved, actor_id: str | None, now: datetime) -> None:
    """Store a step of a locked order."""
    statuses, t = {part.farm_id: part.status for part in before.parts}, moved.totals
    await tx.run(
        _MOVE, id=before.id, to=moved.to, farms=list(moved.farms), version=moved.version, actor_id=actor_id, reason=moved.reason, now=now,
        before=[statuses[f] for f in moved.farms], status=moved.status, goods=t.goods, fees=t.fees, tax=t.tax, discount=t.discount, total=t.total, actor=moved.actor,
    )  # fmt: skip
    if moved.amounts.pricing == PLAIN:
        return
    parts, rows = moved.amounts.parts, moved.amounts.lines
    await tx.run(
        _BILL, order_id=before.id, terms=kept(moved.amounts.pricing), farms=[p.farm_id for p in parts], fees=[p.fees for p in parts],
        taxes=[p.tax for p in parts], discounts=[p.discount for p in parts], lines=[x.id for x in rows], line_taxes=[x.tax for x in rows],
        line_discounts=[x.discount for x in rows],
    )  # fmt: skip


async def way(reader: Reader, order_id: str) -> dict[str, Any]:
    """How the goods of an order reach their buyer, whichever farm's: without a point, which is a farm's own."""
    return await reader.row(_WAY, order_id=order_id) or {}


async def next_due(reader: Reader) -> datetime | None:
    """When the first of these holds runs out; None if there is none."""
    found: datetime | None = await reader.row(_NEXT_DUE)
    return found


async def due(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Orders with a part that no farm confirmed before its hold ran out."""
    return await reader.rows(_DUE, now=now, limit=limit)
