"""Changes of a farm's imprint. It says who answers for what is sold, so its owner changes it, in person.

A verified farm stays verified: to take it off the market for a corrected number would punish those who keep theirs right. Where the market
approves farms, its staff is mailed instead, and looks again; what the imprint was stays in the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping

from harvestd.kernel.errors import Conflict, Forbidden, Invalid
from harvestd.kernel.events import Event
from harvestd.kernel.permissions import Permission
from harvestd.market.farms import actions
from harvestd.market.farms import imprint_rules as rules
from harvestd.market.farms.rows import Farm
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Caller


async def change(unit: UnitOfWork, caller: Caller, farm: Farm, given: Mapping[str, str] | None) -> dict[str, str]:
    """What the farm's imprint will be; the farm is locked. Raises ``Forbidden`` for those who do not own it, and ``Invalid`` if a verified farm
    would lack what the market asks for."""
    after = rules.merged(farm.imprint, given)
    if after == farm.imprint:
        return after
    if caller.scopes is not None:
        raise Forbidden("the imprint cannot be changed with an API key; its owner has to sign in")
    if not await actions.allowed(unit.tx, caller, Permission.CHANGE_IMPRINT, farm.id):
        raise Forbidden(
            "only an owner of the farm, or the market's staff, may change its imprint; leave it out, or ask an owner"
        )
    lacking = tuple(rules.lacking(after))
    if unit.parts.settings.farm_imprint_needed and farm.state == "verified" and lacking:
        raise Invalid("a verified farm keeps its imprint whole", lacking)
    return after


def tell(unit: UnitOfWork, farm: Farm) -> None:
    """Have the market's staff look again at a farm that they have verified."""
    if farm.state == "verified" and unit.parts.settings.farm_approval:
        data = {"farm_id": farm.id}
        unit.record(Event("farm.imprint_changed", f"farm:{farm.id}", farm.version, data))


def check(unit: UnitOfWork, farm: Farm) -> None:
    """Raise ``Conflict`` if a farm cannot be verified, since its imprint is not whole, where the market asks for one."""
    lacking = tuple(rules.lacking(farm.imprint))
    if unit.parts.settings.farm_imprint_needed and lacking:
        raise Conflict("the farm's imprint is not whole; its owner has to complete it first", lacking)
