"""Buyer groups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.accounts.shapes import Email
from harvestd.market.groups.rules import TEXTS
from harvestd.web.shapes import CountedQuery, In, Out, Slug


class GroupsQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of groups."""


class Group(Out, kw_only=True, frozen=True):
    """A group of buyers."""

    id: str
    slug: str
    name: str
    description: str
    version: int
    created_at: datetime
    updated_at: datetime


class NewGroup(In, kw_only=True, frozen=True):
    """A group to make; if the slug is omitted, it is made from the name."""

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)]
    slug: Slug | None = None
    description: Annotated[str, Meta(max_length=TEXTS["description"].longest)] = ""


class ChangeGroup(In, kw_only=True, frozen=True):
    """The fields to change."""

    name: Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)] | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=TEXTS["description"].longest)] | UnsetType = UNSET


class GroupMembersQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of members."""


class NewGroupMember(In, kw_only=True, frozen=True):
    """Whom to put in a group, by their address."""

    email: Email


class GroupMember(Out, kw_only=True, frozen=True):
    """Somebody in a group."""

    id: str
    username: str
    name: str
    joined_at: datetime
    resting: bool


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "Group.description": "What the group is for.",
    "NewGroup.description": "What the group is for; its members do not see it.",
    "ChangeGroup.description": "What the group is for; its members do not see it.",
    "Group.name": "Its name, which its members see in their profile.",
    "NewGroupMember.email": "The e-mail address of their account, however it is spelt.",
    "GroupMember.id": "Id of the user.",
    "GroupMember.resting": "Whether their account is deactivated, or closed by the market's staff, so that they can do nothing for now.",
    "GroupMember.joined_at": "Since when they are in the group.",
}
