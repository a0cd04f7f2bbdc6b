"""This process's knowledge of whether the market has any day, so that an order in a market without asks nothing.

It is valid for ``ttl`` seconds, or until topic ``market_days:any`` says that it may have changed (the database notifies at the commit), or that messages may have
been missed. An answer requested before that is not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harvestd.interfaces import ITopics
from harvestd.market.days import day_rows as rows
from harvestd.store.postgres.statements import Reader

#: The topic; its payload says nothing (store/schema/058_schedules_and_places.sql).
CHANNEL = "market_days:any"


class NearDays:
    """Whoever asks lends a connection to the primary, in case that it is not known: they may have the only one."""

    def __init__(self, clock: Any, topics: ITopics, ttl: float = 600.0) -> None:
        self._seconds: Callable[[], float] = clock.seconds
        self._topics = topics
        self._ttl = ttl
        self._known: bool | None = None
        self._until = 0.0
        self._dropped = 0
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Subscribe to what changes in other processes."""
        self._unsubscribe = self._topics.subscribe(CHANNEL, lambda payload: self.changed(), self.changed)

    def stop(self) -> None:
        """Unsubscribe, and forget."""
        self._unsubscribe()
        self.changed()

    async def any(self, reader: Reader) -> bool:
        """Whether there is a market day that is not cancelled."""
        if self._known is None or self._seconds() >= self._until:
            before = self._dropped
            found = await rows.has_any(reader)
            if self._dropped != before:
                return found
            self._known, self._until = found, self._seconds() + self._ttl
        return self._known

    def changed(self) -> None:
        """Forget it here."""
        self._dropped += 1
        self._known = None
