"""Staff of a farm, and invitations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from harvestd.kernel import email_addresses
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.names import accept
from harvestd.kernel.permissions import OWNER, Permission
from harvestd.market.accounts import audit
from harvestd.market.farms import actions, member_actions
from harvestd.market.farms import invitation_rows as open_invitations
from harvestd.market.farms import member_rows as rows
from harvestd.market.farms import rows as farms
from harvestd.market.farms.member_shapes import (
    ChangeMember,
    Invitation,
    InvitationsQuery,
    Invite,
    Joined,
    Member,
    MembersQuery,
)
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.shapes import Named


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    found = email_addresses.checked("email", given["email"]) if isinstance(given.get("email"), str) else None
    return [found] if isinstance(found, FieldError) else []


async def listed(request: RequestContext, query: MembersQuery) -> CountedPage[Member]:
    """The members of a farm, in the order in which they joined. Nobody sees an account at rest, but for those who can take it out of the farm."""
    farm = await actions.seen(request.reader, request.user, Permission.SEE_MEMBERS, request.path["id"])
    everybody = await actions.allowed(request.reader, request.user, Permission.CHANGE_MEMBERS, farm.id)
    keyset = Keyset(query, "members", (datetime, UUID), lambda row: (row.joined_at, row.user_id))
    after: Any = keyset.after
    shown, following = keyset.page(await rows.listed(request.reader, farm.id, after, keyset.ask, everybody))
    total = await rows.count(request.reader, farm.id, everybody) if query.count else None
    return CountedPage([_member(row) for row in shown], following, total)


def _member(row: rows.Member) -> Member:
    return Member(
        id=row.user_id, username=row.username, name=row.name, role=row.role, joined_at=row.joined_at, resting=row.resting
    )  # fmt: skip


def _invitation(row: open_invitations.Invitation) -> Invitation:
    return Invitation(id=row.id, email=row.email, role=row.role, created_at=row.created_at, expires_at=row.expires_at)


def _deciding(*roles: str) -> Permission:
    """What it takes to give or take these roles: who owns a farm is decided by people alone, not by a program with their key."""
    return Permission.CHANGE_OWNERS if OWNER in roles else Permission.CHANGE_MEMBERS


async def invite(request: RequestContext, body: Invite) -> Result:
    """Invite somebody by mail."""
    unit, user = request.work, request.user
    address = accept(email_addresses.checked("email", body.email))[0]
    assert isinstance(address, EmailAddress)
    farm = await actions.locked(unit, user, _deciding(body.role), request.path["id"])
    made = await member_actions.invite(unit, farm, address, body.role, user.user_id)
    after = {"invitation": made.id, "role": made.role}  # no address: that stays erasable
    await audit.note(request, unit, "farm.member_invited", None, f"farm:{farm.id}", None, after)
    return Result(_invitation(made), headers=(("Location", f"/api/farms/{farm.id}/invitations/{made.id}"),))


async def invitations(request: RequestContext, query: InvitationsQuery) -> CountedPage[Invitation]:
    """Invitations that were not answered, newest first."""
    farm = await actions.seen(request.reader, request.user, Permission.CHANGE_MEMBERS, request.path["id"])
    keyset = Keyset(query, "invitations", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    shown, following = keyset.page(await open_invitations.listed(request.reader, farm.id, after, keyset.ask))
    total = await open_invitations.count(request.reader, farm.id) if query.count else None
    return CountedPage([_invitation(row) for row in shown], following, total)


async def withdraw(request: RequestContext) -> None:
    """End an invitation."""
    unit = request.work
    farm = await actions.locked(unit, request.user, Permission.CHANGE_MEMBERS, request.path["id"])
    if not await open_invitations.end(unit.tx, farm.id, request.id("invitation_id"), unit.machine_now):
        raise NotFound("the farm has no such open invitation")
    await audit.note(request, unit, "farm.invitation_withdrawn", None, f"farm:{farm.id}")


async def join(request: RequestContext) -> Joined:
    """Accept an invitation."""
    unit, user_id = request.work, request.user.user_id
    found = await member_actions.accept(unit, request.path["token"], user_id)
    farm = await farms.find(unit.tx, found.farm_id)
    assert farm is not None
    await audit.note(request, unit, "farm.member_joined", user_id, f"farm:{farm.id}", None, {"role": found.role})
    return Joined(farm=Named(id=farm.id, slug=farm.slug, name=farm.name), role=found.role)


async def _other(request: RequestContext, farm: farms.Farm) -> rows.Member:
    found = await rows.one(request.tx, farm.id, request.id("user_id"))
    if found is None:
        raise NotFound("nobody of this farm has this id")
    return found


async def change(request: RequestContext, body: ChangeMember) -> Member:
    """Give a member another role."""
    unit = request.work
    farm = await actions.locked(unit, request.user, Permission.CHANGE_MEMBERS, request.path["id"])
    before = await _other(request, farm)
    request.user.require_scope(_deciding(before.role, body.role))
    if before.role != body.role:
        await member_actions.change(unit, farm, before, body.role, audit.acting(request.user))
        await audit.note(
            request, unit, "farm.member_changed", before.user_id, f"farm:{farm.id}", {"role": before.role}, {"role": body.role}
        )  # fmt: skip
    after = await rows.one(unit.tx, farm.id, before.user_id)
    assert after is not None
    return _member(after)


async def leave(request: RequestContext) -> None:
    """Take a member out, or leave oneself."""
    unit, user = request.work, request.user
    found = await farms.find(unit.tx, request.path["id"])
    farm = await farms.lock(unit.tx, found.id) if found is not None else None
    if farm is None:
        raise await actions.refusal(unit.tx, user, NotFound("there is no such farm"))
    if request.id("user_id") != user.user_id:
        await actions.require(unit.tx, user, Permission.CHANGE_MEMBERS, farm.id)
    member = await _other(request, farm)
    user.require_scope(_deciding(member.role))
    await member_actions.leave(unit, farm, member, audit.acting(user))
    await audit.note(request, unit, "farm.member_left", member.user_id, f"farm:{farm.id}", {"role": member.role})
