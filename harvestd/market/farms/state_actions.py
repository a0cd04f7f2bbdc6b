"""Farms founded by people who have an account, and what the market says of a farm: verified, suspended, or still to be looked at."""

from __future__ import annotations

from collections.abc import Iterator

from harvestd.kernel.errors import Invalid
from harvestd.kernel.events import Event
from harvestd.kernel.families import CATALOGUE, FARMS, farm, stale
from harvestd.kernel.slugs import distinct
from harvestd.market.accounts import actions as accounts
from harvestd.market.farms import imprint_actions, name_actions, rows, state_rows
from harvestd.market.farms.actions import initial
from harvestd.unit_of_work import UnitOfWork

#: Farms that one person may own; the market's staff found more for them.
MAX_FARMS = 20


async def found(unit: UnitOfWork, user_id: str, name: str) -> rows.Farm:
    """Found a farm; its founder owns it, and is a farmer from now on. Raises ``Invalid`` for one farm too many, ``AlreadyTaken`` for a name that
    passes for another's."""
    if await state_rows.owned(unit.tx, user_id) >= MAX_FARMS:
        message = f"an account founds {MAX_FARMS} farms at most; ask the market's staff"
        raise Invalid.of("name", message, "not-accepted", reason="too-many-farms")
    farm_id = unit.new_id()
    await name_actions.check(unit, name, farm_id)
    await rows.insert(unit.tx, farm_id, distinct(name, farm_id), name, user_id, unit.now, state=initial(unit))
    await accounts.become_farmer(unit, user_id)
    unit.record(stale(f"farm:{farm_id}", 1, FARMS))
    made = await rows.find(unit.tx, farm_id)
    assert made is not None
    return made


async def judge(unit: UnitOfWork, before: rows.Farm, state: str, reason: str) -> rows.Farm:
    """Change the state of a farm, which is locked. Whether it is found, and its products can be ordered, follows from it at once. Raises
    ``Conflict`` for one that would be verified without the imprint that the market asks for, or under a name that passes for another's."""
    if before.state == state and not reason:
        return before
    if before.state != state and state == "verified":
        imprint_actions.check(unit, before)
        await name_actions.check_verified(unit, before)
    if before.state != state:
        await state_rows.change(unit.tx, before.id, state, unit.now)
    after = await rows.find(unit.tx, before.id)
    assert after is not None
    unit.record(*_events(before, after, reason))
    return after


def _events(before: rows.Farm, after: rows.Farm, reason: str) -> Iterator[Event]:
    """What a judgement is told by: as any other change, to all that show the farm or its products; and to its owners, if it is a word of its own."""
    about = f"farm:{after.id}"
    if before.state != after.state:
        families = [FARMS, CATALOGUE, *farm(after.id, after.slug)]
        data = {"farm_id": after.id, "changed": ["state"], "families": families}
        yield Event("farm.updated", about, after.version, data)
    if after.state != "pending":
        yield Event(f"farm.{after.state}", about, after.version, {"farm_id": after.id, "reason": reason})
