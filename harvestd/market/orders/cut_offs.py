"""Until when buyers change their orders: a part that belongs to a market day, until that is closed for its farm; others, until the farm has confirmed them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from harvestd.market.days import slot_rows
from harvestd.market.orders.fulfilment import NO_DAYS, Standing
from harvestd.market.orders.windowed_rules import takes_changes
from harvestd.store.postgres.transactions import Transaction


async def open_days(tx: Transaction, order: Standing, now: datetime) -> Mapping[str, bool]:
    """Of the parts of a locked order that belong to a market day, by farm, whether that takes changes still. The days do not change until the transaction ends;
    without any it costs nothing."""
    at = {part.farm_id: part.window_id for part in order.parts if part.window_id is not None}
    if not at:
        return NO_DAYS
    slots = await slot_rows.lock(tx, sorted(set(at.values())))
    return {farm_id: takes_changes(slots[id].hours(farm_id), now) for farm_id, id in at.items() if id in slots}
