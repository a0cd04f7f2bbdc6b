"""Staff of a farm: invited by mail, given roles, taken out. A farm always keeps an owner whose account is open."""

from __future__ import annotations

import secrets
from datetime import timedelta

from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import AlreadyTaken, Conflict, FieldError, Forbidden, Invalid, NotFound, TooMany
from harvestd.kernel.events import Event
from harvestd.kernel.families import CATALOGUE, FARMS, farm, stale
from harvestd.kernel.permissions import OWNER
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.kernel.sentences import worded
from harvestd.market.accounts import actions as accounts
from harvestd.market.accounts import recovery_actions as recovery
from harvestd.market.accounts import rows as people
from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.farms import invitation_rows as invitations
from harvestd.market.farms import member_rows as rows
from harvestd.market.farms.rows import Farm
from harvestd.unit_of_work import UnitOfWork

#: How long an invitation can be accepted; how many of a farm may be open, and how many it may send in a DAY: each is a mail to a stranger.
LIFE, MAX_OPEN, MAX_A_DAY = timedelta(days=7), 100, 50
DAY = timedelta(days=1)


async def invite(unit: UnitOfWork, farm: Farm, address: EmailAddress, role: str, by: str) -> invitations.Invitation:
    """Invite somebody by mail; an earlier invitation of the same address ends. The farm is locked. Raises ``AlreadyTaken`` for a
    member's address, ``Conflict`` for a farm that is suspended, ``Invalid`` if too many are open, and ``TooMany`` for too many a day."""
    if farm.state == "suspended":
        raise Conflict("this farm is suspended, and invites nobody; ask the market's staff")
    if await rows.has_address(unit.tx, farm.id, address.key):
        fault = FieldError("email", "belongs to a member already", code="taken", params={"reason": "member"})
        raise AlreadyTaken(errors=(fault,))
    await _check_room(unit, farm)
    made = invitations.Invitation(
        unit.new_id(), farm.id, address.shown, address.key, role, unit.machine_now, unit.machine_now + LIFE
    )
    await invitations.invite(unit.tx, made, by)
    data = {"farm_id": farm.id, "invitation_id": made.id}
    unit.record(Event("farm.member_invited", f"invitation:{made.id}", 1, data))
    return made


async def _check_room(unit: UnitOfWork, farm: Farm) -> None:
    sent = await invitations.sent(unit.tx, farm.id, unit.machine_now - DAY)
    if sent.open >= MAX_OPEN:
        message = f"a farm has {MAX_OPEN} open invitations at most; withdraw one first"
        raise Invalid.of("email", message, "not-accepted", reason="too-many-invitations")
    if sent.lately >= MAX_A_DAY and sent.first is not None:
        detail = worded("a farm invites {most} people a day at most; go on tomorrow", most=MAX_A_DAY)
        raise TooMany(detail, (sent.first + DAY - unit.machine_now).total_seconds())


async def mailed(unit: UnitOfWork, invitation_id: str) -> tuple[invitations.Invitation, str] | None:
    """The invitation, and a new secret for its mail; None if it is open no more."""
    secret = secrets.token_urlsafe(32)
    found = await invitations.mint(unit.tx, invitation_id, secret_hash(secret), unit.machine_now)
    return None if found is None else (found, secret)


async def accept(unit: UnitOfWork, secret: str, user_id: str) -> invitations.Invitation:
    """Join the farm by the secret of an invitation's mail; a buyer becomes a farmer by it, and who reads the mail of an address has verified
    it. Raises ``NotFound``, ``Forbidden`` if it was sent to another address, and ``Conflict`` for a member."""
    await people.lock(unit.tx, user_id)
    found = await invitations.by_token(unit.tx, secret_hash(secret), unit.machine_now)
    if found is None:
        raise NotFound("this invitation was used, withdrawn, or is too old; ask the farm for a new one")
    user = await people.by_id(unit.tx, user_id)
    if user is None or user.email_key != found.email_key:
        raise Forbidden(
            "this invitation was sent to another address; sign in with the account of that address, or ask the farm to invite yours"
        )
    if not await rows.join(unit.tx, found.farm_id, user_id, found.role, unit.machine_now):
        raise Conflict("you belong to this farm already")
    await invitations.end(unit.tx, found.farm_id, found.id, unit.machine_now, user_id)
    await recovery.verified(unit, user_id)
    await accounts.become_farmer(unit, user_id)
    unit.record(_changed(found.farm_id), _told("joined", found.farm_id, user_id, found.role, by=user_id))
    return found


async def change(unit: UnitOfWork, farm: Farm, member: rows.Member, role: str, by: str) -> None:
    """Give a member another role, which is the doing of ``by``. The farm is locked. Raises ``Conflict`` for its last owner."""
    if role != OWNER:
        await _keep_an_owner(unit, farm, member)
        await invitations.end_by(unit.tx, farm.id, member.user_id, unit.machine_now)
    await rows.change(unit.tx, farm.id, member.user_id, role)
    owners = (_changed(farm.id, farm.slug),) if OWNER in (role, member.role) else ()
    unit.record(*owners, _told("changed", farm.id, member.user_id, role, by))


async def leave(unit: UnitOfWork, farm: Farm, member: rows.Member, by: str) -> None:
    """Take a member out, which is the doing of ``by``. The farm is locked. Raises ``Conflict`` for its last owner."""
    await _keep_an_owner(unit, farm, member)
    await rows.leave(unit.tx, farm.id, member.user_id)
    await invitations.end_by(unit.tx, farm.id, member.user_id, unit.machine_now)
    what = "left" if by == member.user_id else "removed"
    unit.record(_changed(farm.id, farm.slug), _told(what, farm.id, member.user_id, "", by))


async def _keep_an_owner(unit: UnitOfWork, farm: Farm, member: rows.Member) -> None:
    if member.role == OWNER and not await rows.other_owners(unit.tx, farm.id, member.user_id):
        raise Conflict("this is the farm's only owner; make somebody else one first")


def _told(what: str, farm_id: str, user_id: str, role: str, by: str) -> Event:
    """By which the farm's owners, and the member, are told of it."""
    data = {"farm_id": farm_id, "user_id": user_id, "actor_id": by, "role": role}
    return Event(f"farm.member_{what}", f"farm:{farm_id}", 1, data)


def _changed(farm_id: str, *slugs: str) -> Event:
    """Whether the farm takes orders (it has an owner with an open account) may be another matter now."""
    return stale(f"farm:{farm_id}", 1, FARMS, CATALOGUE, *farm(farm_id, *slugs))


async def forget(unit: UnitOfWork, closed: Closed) -> None:
    """Erase what invitations have of a person whose account is closed; the other owners of their farms are told that somebody is gone."""
    await invitations.forget(unit.tx, closed.user_id, closed.email_key, unit.machine_now)
    for own in await people.farms_of(unit.tx, closed.user_id):
        data = {"farm_id": own.farm_id, "role": own.role}
        unit.record(Event("farm.member_closed", f"farm:{own.farm_id}", 1, data))


async def export(unit: UnitOfWork, exported: Exported) -> None:
    """The invitations that a person got."""
    exported.sections.append(invitations.HELD)


async def demoted(unit: UnitOfWork, happening: accounts.Demoted) -> None:
    """End the invitations of somebody who may not invite any more. Of an account that is closed, farms that have no other owner take no orders."""
    await invitations.end_of(unit.tx, happening.user_id, happening.active, unit.machine_now)
    if not happening.active:
        await _owners_changed(unit, happening.user_id)


async def opened(unit: UnitOfWork, happening: accounts.Opened) -> None:
    """Farms that had no other owner take orders again."""
    await _owners_changed(unit, happening.user_id)


async def _owners_changed(unit: UnitOfWork, user_id: str) -> None:
    owned = [own for own in await people.farms_of(unit.tx, user_id) if own.role == OWNER]
    unit.record(*(_changed(own.farm_id, own.slug) for own in owned))
