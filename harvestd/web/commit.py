"""A transaction and what follows its commit: the relay is woken, and what the events made stale is dropped here at once.

Every other process hears of it through the queue; this one answers its next request from what it has just written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from harvestd.market.events import Event
from harvestd.market.families import families_of, merged
from harvestd.parts import Parts
from harvestd.store.database import Transaction

Result = TypeVar("Result")


async def write(parts: Parts, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """Run ``work`` in a transaction (again, if it must), commit, and see to what follows."""
    events: list[Event] = []

    async def noted(tx: Transaction) -> Result:
        result = await work(tx)
        events[:] = tx.events
        return result

    result = await parts.database.transaction(noted)
    if events:
        parts.wake_relay()
        stale = merged(families_of(event) for event in events)
        if stale:
            parts.cache.drop_here(stale)
    return result
