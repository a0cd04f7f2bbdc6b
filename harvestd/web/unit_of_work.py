"""What follows a commit at once, in this process: the relay is woken, and what became stale leaves the near cache."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from harvestd.kernel.events import Event
from harvestd.kernel.families import families_of, merged
from harvestd.parts import Parts
from harvestd.store.postgres.database import Transaction

Result = TypeVar("Result")


async def transact(parts: Parts, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """Run ``work`` in a transaction (again, if it must be) and act on the events of the run that was committed."""

    async def remembered(tx: Transaction) -> tuple[Result, list[Event]]:
        result = await work(tx)
        return result, tx.events

    result, events = await parts.database.transaction(remembered, by_keys=True)
    committed(parts, events)
    return result


def committed(parts: Parts, events: Iterable[Event]) -> None:
    """Act on committed events. Other processes hear of them from the queue; whoever wrote reads fresh at once."""
    events = list(events)
    if not events:
        return
    parts.wake_relay()
    families = merged(families_of(event) for event in events)
    if families:
        parts.cache.drop_here(families)
