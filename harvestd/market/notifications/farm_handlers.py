"""Farms: invitations to them, what the market says of them to their owners, and what its staff should look at again."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import patterns
from harvestd.kernel.names import one_line
from harvestd.market.farms import listed_rules
from harvestd.market.farms import member_actions as members
from harvestd.market.farms import rows as farms
from harvestd.market.notifications import rows as notifications
from harvestd.market.notifications.messages import ROLES
from harvestd.market.notifications.outgoing import send
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork


async def invited(unit: UnitOfWork, event: Envelope) -> None:
    """Mail an invitation to a farm, with the farm's name if the market has verified it, and nobody would take it for a link: anybody may call a farm
    whatever they like, and have it mailed to strangers."""
    found = await members.mailed(unit, event.data["invitation_id"])
    if found is None:
        return
    invitation, secret = found
    farm = await farms.find(unit.tx, invitation.farm_id)
    assert farm is not None
    tellable = listed_rules.found(farm.state) and not patterns.LINK.search(farm.name)
    named: dict[str, Any] = {"farm": one_line(farm.name)} if tellable else {}
    kind, role = "invitation" if named else "invitation_unnamed", ROLES[invitation.role]
    await send(unit, event, invitation.id, invitation.email, kind, f"#invitation={secret}", role=role, **named)


async def judged(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the farm's owners what the market says of it, unless it says something else by now: events come in any order, and who reads
    "verified" last is wrong about a farm that is suspended."""
    farm = await farms.find(unit.tx, event.data["farm_id"])
    if farm is None or event.type != f"farm.{farm.state}":
        return
    reason = one_line(event.data["reason"])
    kind, told = event.type.replace(".", "_"), f"\n{reason}\n" if reason else ""
    for one in await notifications.owners(unit.tx, farm.id):
        if one.verified:
            await send(unit, event, one.user_id, one.email, kind, farm=one_line(farm.name), reason=told)
        else:
            await send(unit, event, one.user_id, one.email, f"{kind}_unnamed", proven=False, reason=told)


async def imprint_changed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the market's staff that a farm which they have verified is somebody else's by now, perhaps."""
    farm = await farms.find(unit.tx, event.data["farm_id"])
    for one in await notifications.staff(unit.tx) if farm is not None else ():
        assert farm is not None
        await send(unit, event, one.user_id, one.email, "farm_imprint", farm=one_line(farm.name))


async def renamed(unit: UnitOfWork, event: Envelope) -> None:
    """Tell the market's staff that a farm which they have verified has another name."""
    before, after = (one_line(event.data[name]) for name in ("before", "after"))
    for one in await notifications.staff(unit.tx):
        await send(unit, event, one.user_id, one.email, "farm_renamed", before=before, farm=after)
