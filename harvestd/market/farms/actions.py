"""Permissions for a farm; use cases of farms, one function each, for every caller; and the farm of a newly registered farmer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec

from harvestd.kernel.errors import Forbidden, MarketError, NoFarm, NotFound
from harvestd.kernel.events import Event
from harvestd.kernel.families import CATALOGUE, FARMS, farm, stale
from harvestd.kernel.permissions import FARMER, Permission, may_everywhere, may_for_farm
from harvestd.kernel.slugs import distinct
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.actions import Registered
from harvestd.market.farms import name_actions
from harvestd.market.farms import rows as store
from harvestd.market.farms.day_rules import turn
from harvestd.store.postgres.statements import Reader
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Caller
from harvestd.web.market_day import day_of


@attrs.frozen
class PointsChanged:
    """The pick-up points of a locked farm have become others; whoever listens may refuse that."""

    farm_id: str
    before: Sequence[Mapping[str, Any]]
    after: Sequence[Mapping[str, Any]]


async def allowed(reader: Reader, caller: Caller, permission: Permission, farm_id: str) -> bool:
    """Whether the user has this permission for a farm; an API key needs its scope as well."""
    if not caller.has_scope(permission):
        return False
    if may_everywhere(caller.role, permission):
        return True
    return may_for_farm(caller.role, await store.role(reader, farm_id, caller.user_id), permission)


async def require(reader: Reader, caller: Caller, permission: Permission, farm_id: str) -> None:
    """Raise :class:`Forbidden` unless the user has the permission (:class:`NoFarm` for a farmer who has none at all)."""
    caller.require_scope(permission)
    if await allowed(reader, caller, permission, farm_id):
        return
    if await store.role(reader, farm_id, caller.user_id) is not None:
        raise Forbidden("your role in the farm does not allow this; ask its owner")
    raise await refusal(reader, caller, Forbidden("this farm is not yours"))


async def refusal(reader: Reader, caller: Caller, otherwise: MarketError) -> MarketError:
    """Why somebody gets at nothing of a farm: a farmer who belongs to none is told so, and what to do about it, whatever it was and whether or not it is
    there; everybody else ``otherwise``."""
    lost = caller.role == FARMER and not await accounts.farms_of(reader, caller.user_id)
    return no_farm() if lost else otherwise


def no_farm() -> NoFarm:
    """For a farmer who belongs to no farm."""
    return NoFarm("you have no farm yet; make one with POST /api/farms, or ask a farm's owner to invite you")


def initial(unit: UnitOfWork) -> str:
    """The state in which a farm begins."""
    return "pending" if unit.parts.settings.farm_approval else "verified"


async def found(unit: UnitOfWork, account: Registered) -> None:
    """Create the farm of a new account, in its transaction."""
    if account.farm_id is None or account.farm_name is None:
        return
    if not unit.parts.settings.private_registration:  # there it would tell whether the address has an account
        await name_actions.check(unit, account.farm_name, account.farm_id, "farm_name")
    slug = distinct(account.farm_name, account.farm_id)
    await store.insert(
        unit.tx, account.farm_id, slug, account.farm_name, account.user_id, unit.now, state=initial(unit)
    )
    unit.record(stale(f"farm:{account.farm_id}", 1, FARMS))


async def seen(reader: Reader, caller: Caller, permission: Permission, token: str) -> store.Farm:
    """A farm by id or slug. Raises :class:`NotFound`, and :class:`Forbidden` if the caller lacks this permission for it."""
    found = await store.find(reader, token)
    if found is None:
        raise await refusal(reader, caller, NotFound("there is no such farm"))
    await require(reader, caller, permission, found.id)
    return found


async def locked(unit: UnitOfWork, caller: Caller, permission: Permission, token: str) -> store.Farm:
    """The same, by a slug that it has or had, too; locked."""
    found = await store.find(unit.tx, token)
    row = await store.lock(unit.tx, found.id) if found else None
    if row is None:
        raise await refusal(unit.tx, caller, NotFound("there is no such farm"))
    await require(unit.tx, caller, permission, row.id)
    return row


async def change(unit: UnitOfWork, before: store.Farm, changes: Mapping[str, Any]) -> store.Farm:
    """Change a farm, and notify the subjects that show copies of the changed fields. Raises ``AlreadyTaken`` for a slug, or a name, that
    is another's."""
    if all(getattr(before, name) == value for name, value in changes.items()):
        return before
    if changes.get("name", before.name) != before.name:
        await name_actions.check(unit, changes["name"], before.id)
    after = msgspec.structs.replace(before, **changes, version=before.version + 1, updated_at=unit.now)
    after = msgspec.structs.replace(after, turns_on=turn(after.dated, day_of(unit.parts.settings, unit.now)))
    await store.update(unit.tx, after)
    if after.pickup_points != before.pickup_points:
        await unit.tell(PointsChanged(before.id, before.pickup_points, after.pickup_points))
    # where its former slugs lead changes with its slug
    slugs = [before.slug] if after.slug == before.slug else await store.slugs(unit.tx, before.id)
    own = [name for name in after.__struct_fields__ if name not in ("version", "updated_at", "turns_on")]
    changed = [name for name in own if getattr(after, name) != getattr(before, name)]
    data = {"farm_id": after.id, "changed": changed, "families": [FARMS, CATALOGUE, *farm(before.id, *slugs)]}
    unit.record(Event("farm.updated", f"farm:{after.id}", after.version, data))
    return after
