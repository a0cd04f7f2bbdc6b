"""Cache: what events made stale is dropped in every process."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.market.families import merged
from harvestd.queue.envelope import Envelope
from harvestd.workers.work import Work


async def drop(work: Work, events: Sequence[Envelope]) -> None:
    """Drop the families of a batch. Dropping twice does no harm."""
    families = merged(event.data.get("families", ()) for event in events)
    if families:
        await work.parts.cache.drop(families)
