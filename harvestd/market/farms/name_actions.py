"""Names of farms, where the market vouches for them (``farm_approval``): none passes for a farm that is verified.

A verified farm may change its name and stays verified, as with its imprint: the staff is mailed both names, and looks again. Where nobody verifies
farms, names say nothing, and many may have one.
"""

from __future__ import annotations

from harvestd.kernel.errors import AlreadyTaken, Conflict, FieldError
from harvestd.kernel.events import Event
from harvestd.market.farms import name_rows as rows
from harvestd.market.farms.rows import Farm
from harvestd.unit_of_work import UnitOfWork

_LIKE_ANOTHER = (
    "looks like the name of a verified farm; choose another one, or write to the market's staff if it is yours"
)


async def check(unit: UnitOfWork, name: str, farm_id: str, field: str = "name") -> None:
    """Raise ``AlreadyTaken`` for a name that people would take for that of another farm, which is verified."""
    if await _is_another_s(unit, name, farm_id):
        fault = FieldError(field, _LIKE_ANOTHER, code="taken", params={"reason": "farm-name"})
        raise AlreadyTaken(errors=(fault,))


async def check_verified(unit: UnitOfWork, farm: Farm) -> None:
    """Raise ``Conflict`` if a farm cannot be verified under the name that it has."""
    if await _is_another_s(unit, farm.name, farm.id):
        raise Conflict(
            "another farm, which is verified, has a name that looks like this one; have one of the two change it first"
        )


async def _is_another_s(unit: UnitOfWork, name: str, farm_id: str) -> bool:
    return unit.parts.settings.farm_approval and await rows.verified_like(unit.tx, name, farm_id)


def tell(unit: UnitOfWork, before: Farm, after: Farm) -> None:
    """Have the market's staff look again at a farm that they have verified."""
    if unit.parts.settings.farm_approval:
        data = {"farm_id": after.id, "before": before.name, "after": after.name}
        unit.record(Event("farm.renamed", f"farm:{after.id}", after.version, data))
