"""A step of an order and what it does to the stock, in one place: the route, the farm and the clock all go through it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.stock_rules import give_back
from harvestd.market.orders import rows as orders
from harvestd.market.orders.fulfilment import OVER, Moved, Standing
from harvestd.store import outbox
from harvestd.store.postgres.database import Transaction


async def take_step(
    tx: Transaction, before: Standing, moved: Moved, *, actor_id: str | None, new_id: Callable[[], str], now: datetime,
) -> None:  # fmt: skip
    """Store a step of a locked order; where its parts are over by it, what they hold or bought goes back on sale."""
    await orders.move(tx, before, moved, actor_id, now)
    events = list(moved.events)
    if moved.to in OVER:
        held = [h for h in await stock.held(tx, [before.id]) if h.farm_id in moved.farms]
        shelf = await stock.lock(tx, [h.product_id for h in held])
        effect = give_back(held, shelf, expired=moved.to == "expired")
        await stock.apply(tx, effect, new_id, now)
        events[0] = attrs.evolve(events[0], data=events[0].data | {"families": list(effect.families)})
        events += effect.events
    outbox.record(tx, events, new_id, now)
