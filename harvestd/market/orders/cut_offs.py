"""Until when buyers change their orders: where a market has no market days, until the farm has confirmed its part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from harvestd.market.orders.fulfilment import NO_DAYS
from harvestd.store.postgres.statements import Reader


async def open_days(reader: Reader, order_id: str, now: datetime) -> Mapping[str, bool]:
    """Of the parts of an order that belong to a market day, by farm, whether that is open still."""
    return NO_DAYS
