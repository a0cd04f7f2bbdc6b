"""This process's knowledge of whether the market has any day, so that an order in a market without asks nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

from harvestd.interfaces import ITopics
from harvestd.market.days import day_rows as rows
from harvestd.store.cache.remembered import Remembered
from harvestd.store.postgres.statements import Reader

#: The topic; its payload says nothing (store/schema/058_schedules_and_places.sql).
CHANNEL = "market_days:any"


class NearDays:
    """Whoever asks lends a connection to the primary, in case that it is not known: they may have the only one."""

    def __init__(self, clock: Any, topics: ITopics, ttl: float = 600.0) -> None:
        self._any: Remembered[None, bool] = Remembered(clock, topics, {CHANNEL: lambda payload: self.changed()}, ttl)
        self.start, self.stop = self._any.start, self._any.stop

    async def any(self, reader: Reader) -> bool:
        """Whether there is a market day that is not cancelled."""
        return await self._any.get_by(None, partial(rows.has_any, reader))

    def changed(self) -> None:
        """Forget it here."""
        self._any.clear()
