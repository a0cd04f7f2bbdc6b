"""This process's in-memory copy of fees and tax rates, so that an order normally costs no statement for them, whether or not the market has any.

It is valid for ``ttl`` seconds, or until topic ``pricing:changed`` says that one changed (the database notifies at the commit), or that messages may have
been missed. What was requested before that is not kept. An order that another process decides in that moment is at the charges of the moment before, which
its buyer has seen: whoever states an expected total is never charged another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from harvestd.interfaces import IPricing, ITopics
from harvestd.interfaces.pricing import Charges
from harvestd.market.pricing import rows
from harvestd.store.postgres.statements import Reader

CHANNEL = "pricing:changed"


@implementer(IPricing)
class NearPricing:
    """``primary`` is queried when there is no valid copy."""

    def __init__(self, clock: Any, topics: ITopics, primary: Reader, ttl: float = 30.0) -> None:
        self._seconds: Callable[[], float] = clock.seconds
        self._topics = topics
        self._primary = primary
        self._ttl = ttl
        self._charges: Charges | None = None
        self._until = 0.0
        self._dropped = 0
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Subscribe to what changes in other processes."""
        self._unsubscribe = self._topics.subscribe(CHANNEL, lambda payload: self.changed(), self.changed)

    def stop(self) -> None:
        """Unsubscribe, and forget them."""
        self._unsubscribe()
        self.changed()

    async def now(self, reader: Reader | None = None) -> Charges:
        """All of them."""
        charges = self._charges
        if charges is None or self._seconds() >= self._until:
            before = self._dropped
            charges = await rows.charges(reader or self._primary)
            if self._dropped == before:
                self._charges, self._until = charges, self._seconds() + self._ttl
        return charges

    def changed(self) -> None:
        """Forget them here."""
        self._dropped += 1
        self._charges = None
