"""Staff of a farm, and invitations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from harvestd.market.accounts.shapes import FARM_ROLES, Email, FarmRoleOut
from harvestd.web.shapes import CountedQuery, In, Named, Out
from harvestd.web.vocabulary import closed

FarmRoleIn = Annotated[
    Literal["owner", "manager", "packer", "driver"], closed("FarmRole", FARM_ROLES, "The role of a user in a farm.")
]


class MembersQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of members."""


class Member(Out, kw_only=True, frozen=True):
    """Somebody of a farm."""

    id: str
    username: str
    name: str
    role: FarmRoleOut
    joined_at: datetime
    resting: bool


class Invite(In, kw_only=True, frozen=True):
    """Whom to invite, and as what."""

    email: Email
    role: FarmRoleIn


class ChangeMember(In, kw_only=True, frozen=True):
    """The role that a member is to have."""

    role: FarmRoleIn


class InvitationsQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of invitations."""


class Invitation(Out, kw_only=True, frozen=True):
    """Somebody who was invited, and has not answered."""

    id: str
    email: Annotated[str, Meta(description="The address that the invitation was mailed to.")]
    role: FarmRoleOut
    created_at: datetime
    expires_at: datetime


class Joined(Out, kw_only=True, frozen=True):
    """The farm that one belongs to now, and as what."""

    farm: Named
    role: FarmRoleOut


WORDS: dict[str, str] = {
    "joined_at": "Since when they belong to the farm.",
    "resting": "Whether their account is deactivated, or closed by the market's staff, so that they can do nothing for now. Only those who may take them out see them then.",
    "Member.id": "Id of the user.",
    "Member.role": "Their role in the farm: owners and managers change it and its products, packers pack, drivers deliver.",
    "Invite.role": "The role that they are to have.",
    "Invite.email": "The address that the invitation is mailed to.",
    "ChangeMember.role": "The role that they are to have.",
    "Invitation.role": "The role that they are to have.",
    "Invitation.email": "The address that the invitation was mailed to.",
    "Invitation.expires_at": "Until when it can be accepted.",
    "Joined.role": "The role in the farm.",
    "Joined.farm": "The farm.",
}
