"""Expiry: orders that no farm confirmed in time give back what they hold."""

from __future__ import annotations

from harvestd.market.orders import actions as order_steps
from harvestd.market.orders import rows as orders
from harvestd.market.orders.fulfilment import expire
from harvestd.parts import Parts
from harvestd.store.leases import GoingOn, always
from harvestd.store.postgres.database import Transaction

#: Orders looked at in one go; what is left waits for the next.
BATCH = 200


async def release(parts: Parts, going_on: GoingOn = always) -> None:
    """Expire the orders whose hold ran out, each in a transaction of its own."""
    due = await orders.due(parts.database, parts.now(), BATCH)
    for order_id in due:
        if not await going_on():
            break
        await parts.database.transaction(lambda tx, order_id=order_id: _release(parts, tx, order_id))  # type: ignore[misc]
    if due:
        parts.wake_relay()


async def _release(parts: Parts, tx: Transaction, order_id: str) -> None:
    found = await orders.lock(tx, order_id)
    moved = expire(found[1]) if found else None
    if found is not None and moved is not None:
        await order_steps.take_step(tx, found[1], moved, actor_id=None, new_id=parts.new_id, now=parts.now())
