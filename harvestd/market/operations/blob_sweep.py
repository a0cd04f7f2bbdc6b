"""The sweep of blobs: what was put without its row in the end, rows that were dropped, and rows whose thing is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from twisted.logger import Logger

from harvestd.interfaces import StoredBlob
from harvestd.parts import Parts
from harvestd.store.blobs import rows
from harvestd.store.blobs.merging import beside
from harvestd.store.blobs.rows import Named, Placed
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import change

#: How long a blob may be without its row, which is written after it; much longer than a request takes.
GRACE = timedelta(hours=1)
#: Blobs that are looked at in one go.
BATCH = 500
log = Logger()


async def sweep(parts: Parts, going_on: GoingOn = always) -> None:
    """Delete what nothing refers to any more, and mark the rows of which the store has nothing (``lost``)."""
    before = parts.machine_now() - GRACE
    await parts.blobs.tidy(before)
    await _dropped(parts, going_on)
    await _apart(parts, before, going_on)


async def _dropped(parts: Parts, going_on: GoingOn) -> None:
    """Delete the things of dropped rows, then these. A commit deletes them at once; this is for those where that failed."""
    while await going_on():
        found = await rows.dropped(parts.database, parts.machine_now(), BATCH)
        for blob in found:
            await parts.blobs.delete(blob.key)
        await _forgotten(parts, found)
        if len(found) < BATCH:
            return


async def _forgotten(parts: Parts, blobs: Sequence[Named]) -> None:
    for blob in blobs:
        await change(parts, lambda unit, blob=blob: rows.forget(unit.tx, blob))  # type: ignore[misc]


async def _apart(parts: Parts, before: datetime, going_on: GoingOn) -> None:
    """Rows beside things. Nothing at all in the store is a folder that is not mounted, not that each blob is lost."""
    mounted, seen = bool(await parts.blobs.listed("", 1)), 0
    async for row, thing in beside(lambda after, limit: rows.placed(parts.database, after, limit), parts.blobs):
        seen += 1
        if seen % BATCH == 1 and not await going_on():
            return
        if row is None:
            assert thing is not None
            await _without_row(parts, thing, before)
        elif row.created_at < before and row.state != "dropped" and (thing is None) != (row.state == "lost"):
            if not mounted:
                log.error("the store of blobs is empty, and should not be: is its folder mounted?")
                return
            await _without_thing(parts, row)


async def _without_row(parts: Parts, thing: StoredBlob, before: datetime) -> None:
    if thing.modified_at < before and not await rows.known(parts.database, [thing.key]):
        await parts.blobs.delete(thing.key)
        parts.metrics.swept("without_row")


async def _without_thing(parts: Parts, blob: Placed) -> None:
    """Looked for once more: the listing may be older than its row."""
    lost = not await parts.blobs.has(blob.key)
    if lost == (blob.state == "lost"):
        return
    if await change(parts, lambda unit: rows.mark(unit.tx, blob, lost, unit.machine_now)) and lost:
        log.error("the store has nothing of blob {key}: restore its folder", key=blob.key)
        parts.metrics.swept("without_thing")
