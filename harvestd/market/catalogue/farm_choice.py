"""The farm that a request is about which may leave it out."""

from __future__ import annotations

from harvestd.kernel.errors import Forbidden, Invalid
from harvestd.kernel.permissions import FARMER, Permission, may_for_farm
from harvestd.market.accounts import rows as accounts
from harvestd.market.catalogue.actions import Farm
from harvestd.market.farms import rows as farms
from harvestd.market.farms.actions import no_farm, require
from harvestd.store.postgres.statements import Reader
from harvestd.web.context import Caller

#: Why a request that names no farm must name one, by role and by whether the caller has any; and the messages.
_WHICH_FARM = {("admin", False): "staff-name-farm", ("manager", False): "staff-name-farm"}
_REASONS = {
    "one-of-yours": "name one of your farms",
    "staff-name-farm": "name the farm that offers the product",
}


async def farm_of(reader: Reader, caller: Caller, farm_id: str | None) -> Farm:
    """The farm that offers the product; without ``farm_id`` the caller's own, if they have exactly one."""
    memberships = await accounts.farms_of(reader, caller.user_id)
    if not memberships and caller.role == FARMER:
        raise no_farm()
    own = [f for f in memberships if may_for_farm(caller.role, f.role, Permission.CHANGE_PRODUCTS)]
    if farm_id is None:
        if len(own) == 1:
            return Farm(own[0].farm_id, own[0].slug)
        if memberships and not own:
            raise Forbidden("your role in the farm does not offer products; ask its owner")
        reason = _WHICH_FARM.get((caller.role, bool(own)), "one-of-yours")
        raise Invalid.of("farm_id", _REASONS[reason], "required", reason=reason)
    for farm in own:
        if farm.farm_id == farm_id:
            return Farm(farm.farm_id, farm.slug)
    await require(reader, caller, Permission.CHANGE_PRODUCTS, farm_id)
    found = await farms.find(reader, farm_id)
    if found is None:
        raise Invalid.of(
            "farm_id", "does not exist; GET /api/farms lists the farms", "not-found", list="GET /api/farms"
        )
    return Farm(found.id, found.slug)
