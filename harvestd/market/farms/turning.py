"""Days that change what a farm shows: told once each, shortly after they begin, so that nothing stale is shown from a cache."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from harvestd.kernel.events import Event
from harvestd.kernel.families import CATALOGUE, FARMS, farm
from harvestd.market.farms import day_rules, rows, turning_rows
from harvestd.parts import Parts
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web.market_day import beginning, day_of

#: Farms looked up in one run; the rest wait for the next.
BATCH = 200


async def turn(parts: Parts, going_on: GoingOn = always) -> None:
    """Tell of the farms whose day has come, each in its own unit of work."""
    for farm_id in await turning_rows.due(parts.database, day_of(parts.settings, parts.now()), BATCH):
        if not await going_on():
            break
        await change(parts, partial(tell, farm_id=farm_id))


async def next_due(parts: Parts) -> datetime | None:
    """When the first of these days begins."""
    day = await turning_rows.following(parts.database)
    return None if day is None else beginning(parts.settings, day)


async def tell(unit: UnitOfWork, farm_id: str) -> None:
    """Give a farm its next version if its day has come, and tell of it; unless somebody else has by now."""
    today = day_of(unit.parts.settings, unit.now)
    before = await rows.lock(unit.tx, farm_id)
    if before is None or before.turns_on is None or before.turns_on > today:
        return
    await turning_rows.turn(unit.tx, farm_id, day_rules.turn(before.dated, today))
    changed = day_rules.turned(before.dated, before.turns_on - day_rules.DAY, today)
    families = [FARMS, CATALOGUE, *farm(before.id, before.slug)]
    data = {"farm_id": farm_id, "changed": changed, "families": families}
    unit.record(Event("farm.updated", f"farm:{farm_id}", before.version + 1, data))
