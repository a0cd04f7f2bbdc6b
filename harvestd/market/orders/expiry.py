"""Expiry: orders that no farm confirmed in time release their stock reservations."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from harvestd.market.orders import fulfilment_rows
from harvestd.market.orders.actions import expire
from harvestd.parts import Parts
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import change

#: Orders processed in one run; the rest wait for the next.
BATCH = 200


async def next_due(parts: Parts) -> datetime | None:
    """When the first hold runs out."""
    return await fulfilment_rows.next_due(parts.database)


async def release(parts: Parts, going_on: GoingOn = always) -> None:
    """Expire the orders whose hold has run out, each in its own unit of work."""
    due = await fulfilment_rows.due(parts.database, parts.now(), BATCH)
    for order_id in due:
        if not await going_on():
            break
        await change(parts, partial(expire, order_id=order_id))
