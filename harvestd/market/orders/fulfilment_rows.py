"""Rows of a step in an order's fulfilment: its lock, what the rules take, storing the step; and which orders are due to expire."""

from __future__ import annotations

from datetime import datetime

from harvestd.market.orders.fulfilment import Moved, Standing
from harvestd.market.orders.order import Part
from harvestd.market.orders.rows import COLUMNS, FROM, Order
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_LOCK = Statement("orders.lock", f"select {COLUMNS} from {FROM} where o.id = :order_id for no key update of o", Order)
_STANDING = Statement(
    "orders.standing",
    """select p.farm_id, f.name, p.position, p.status, p.subtotal, p.window_id from order_parts p join farms f on f.id = p.farm_id
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
       )
       update orders set status = :status, goods = :goods, total = :total, version = :version, updated_at = :now where id = :id""",
    nothing,
)
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
    return order, order.standing(await tx.rows(_STANDING, order_id=order_id))


async def move(tx: Transaction, before: Standing, moved: Moved, actor_id: str | None, now: datetime) -> None:
    """Store a step of a locked order."""
    statuses = {part.farm_id: part.status for part in before.parts}
    await tx.run(
        _MOVE, id=before.id, to=moved.to, farms=list(moved.farms), version=moved.version, actor_id=actor_id, reason=moved.reason, now=now,
        before=[statuses[f] for f in moved.farms], status=moved.status, goods=moved.totals.goods, total=moved.totals.total, actor=moved.actor,
    )  # fmt: skip


async def next_due(reader: Reader) -> datetime | None:
    """When the first of these holds runs out; None if there is none."""
    found: datetime | None = await reader.row(_NEXT_DUE)
    return found


async def due(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Orders with a part that no farm confirmed before its hold ran out."""
    return await reader.rows(_DUE, now=now, limit=limit)
