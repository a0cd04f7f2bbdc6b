"""The sweep of blobs: what was put without its row in the end, rows that were dropped, and rows whose thing is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from twisted.logger import Logger

from harvestd.interfaces import NoSuchBlob, StoredBlob
from harvestd.parts import Parts
from harvestd.store.blobs import rows
from harvestd.store.blobs.rows import Named
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import change

#: How long a blob may be without its row, which is written after it; much longer than a request takes.
GRACE = timedelta(hours=1)
#: Blobs that are looked at in one go.
BATCH = 500
_FIRST = Named("00000000-0000-0000-0000-000000000000", "")
log = Logger()


async def sweep(parts: Parts, going_on: GoingOn = always) -> None:
    """Delete what nothing refers to any more, and mark the rows of which the store has nothing (``lost``)."""
    before = parts.now() - GRACE
    await parts.blobs.tidy(before)
    await _dropped(parts, going_on)
    await _without_rows(parts, before, going_on)
    await _without_things(parts, before, going_on)


async def _dropped(parts: Parts, going_on: GoingOn) -> None:
    """Delete the things of dropped rows, then these. A commit deletes them at once; this is for those where that failed."""
    while await going_on():
        found = await rows.dropped(parts.database, parts.now(), BATCH)
        for blob in found:
            await parts.blobs.delete(blob.key)
        await _forgotten(parts, found)
        if len(found) < BATCH:
            return


async def _forgotten(parts: Parts, blobs: Sequence[Named]) -> None:
    for blob in blobs:
        await change(parts, lambda unit, blob=blob: rows.forget(unit.tx, blob))  # type: ignore[misc]


async def _without_rows(parts: Parts, before: datetime, going_on: GoingOn) -> None:
    place = ""
    while await going_on():
        found = await parts.blobs.listed(place, BATCH)
        old = [one for one in found if one.modified_at < before]
        await _delete_unknown(parts, old)
        if len(found) < BATCH:
            return
        place = found[-1].place


async def _delete_unknown(parts: Parts, old: Sequence[StoredBlob]) -> None:
    known = await rows.known(parts.database, [one.key for one in old]) if old else set()
    for one in old:
        if one.key not in known:
            await parts.blobs.delete(one.key)
            parts.metrics.swept("without_row")


async def _without_things(parts: Parts, before: datetime, going_on: GoingOn) -> None:
    """Nothing at all in the store is a folder that is not mounted, not that each blob is lost."""
    after: Named = _FIRST
    while await going_on():
        found = await rows.standing(parts.database, before, after, BATCH)
        if found and after is _FIRST and not await parts.blobs.listed("", 1):
            log.error("the store of blobs is empty, and should not be: is its folder mounted?")
            return
        for blob in found:
            if await _there(parts, blob) == blob.lost:
                await _mark(parts, blob, not blob.lost)
        if len(found) < BATCH:
            return
        after = found[-1]


async def _there(parts: Parts, blob: Named) -> bool:
    try:
        (await parts.blobs.open(blob.key)).close()
    except NoSuchBlob:
        return False
    return True


async def _mark(parts: Parts, blob: Named, lost: bool) -> None:
    if await change(parts, lambda unit: rows.mark(unit.tx, blob, lost, unit.now)) and lost:
        log.error("the store has nothing of blob {key}: restore its folder", key=blob.key)
        parts.metrics.swept("without_thing")
