"""What time settles: orders that no farm confirmed in time release their stock reservations, and what buyers were asked and did not answer is a no."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from harvestd.market.carts.selling import terms
from harvestd.market.orders import change_rows, fulfilment_rows
from harvestd.market.orders.actions import expire
from harvestd.market.orders.answer_actions import lapse
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


async def next_answer_due(parts: Parts) -> datetime | None:
    """When the first question to a buyer lapses."""
    return await change_rows.next_answer_due(parts.database)


async def settle(parts: Parts, going_on: GoingOn = always) -> None:
    """Settle what nobody answered in time, each order in its own unit of work."""
    for order_id in await change_rows.unanswered(parts.database, parts.now(), BATCH):
        if not await going_on():
            break
        await change(parts, partial(lapse, order_id=order_id, terms=terms(parts.settings)))
