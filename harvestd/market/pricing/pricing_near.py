"""This process's in-memory copy of fees and tax rates, so that an order normally costs no statement for them, whether or not the market has any.

An order that another process decides in the moment of a change is at the charges of the moment before, which its buyer has seen: whoever states an expected
total is never charged another.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from zope.interface import implementer

from harvestd.interfaces import IPricing, ITopics
from harvestd.interfaces.pricing import Charges
from harvestd.market.pricing import rows
from harvestd.store.cache.remembered import Remembered
from harvestd.store.postgres.statements import Reader

CHANNEL = "pricing:changed"


@implementer(IPricing)
class NearPricing:
    """``primary`` is queried when there is no valid copy and nobody lends a reader."""

    def __init__(self, clock: Any, topics: ITopics, primary: Reader, ttl: float = 30.0) -> None:
        self._primary = primary
        self._all: Remembered[None, Charges] = Remembered(clock, topics, {CHANNEL: lambda payload: self.changed()}, ttl)
        self.start, self.stop = self._all.start, self._all.stop

    async def now(self, reader: Reader | None = None) -> Charges:
        """All of them."""
        if reader is None:
            return await self._all.get(None, partial(rows.charges, self._primary))
        return await self._all.get_by(None, partial(rows.charges, reader))

    def changed(self) -> None:
        """Forget them here."""
        self._all.clear()
