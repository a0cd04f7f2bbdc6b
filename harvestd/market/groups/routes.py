"""Buyer groups, for the market's staff: made, changed, deleted; and who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from harvestd.kernel import email_addresses, errors
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.names import accept
from harvestd.market.accounts import audit
from harvestd.market.groups import actions, rules
from harvestd.market.groups import member_rows as members
from harvestd.market.groups import rows as store
from harvestd.market.groups.shapes import (
    ChangeGroup,
    Group,
    GroupMember,
    GroupMembersQuery,
    GroupsQuery,
    NewGroup,
    NewGroupMember,
)
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.shapes import given


def _shown(row: store.Group) -> Group:
    return Group(**msgspec.structs.asdict(row))


def _member(row: members.Member) -> GroupMember:
    return GroupMember(
        id=row.user_id, username=row.username, name=row.name, joined_at=row.joined_at, resting=row.resting
    )  # fmt: skip


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a group, independent of the others."""
    return errors.faults(lambda: rules.checked(sent))


def address_faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """The same of whom to put in a group."""
    found = email_addresses.checked("email", sent["email"]) if isinstance(sent.get("email"), str) else None
    return [found] if isinstance(found, FieldError) else []


async def listed(request: RequestContext, query: GroupsQuery) -> CountedPage[Group]:
    """Groups, newest first."""
    keyset = Keyset(query, "groups", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    shown, following = keyset.page(await store.listed(request.reader, after, keyset.ask))
    total = await store.count(request.reader) if query.count else None
    return CountedPage([_shown(row) for row in shown], following, total)


async def see(request: RequestContext) -> Result:
    """One group."""
    found = await _found(request)
    return Result(_shown(found), version=found.version)


async def _found(request: RequestContext) -> store.Group:
    found = await store.one(request.reader, request.id("id"))
    if found is None:
        raise NotFound("there is no such group")
    return found


async def create(request: RequestContext, body: NewGroup) -> Result:
    """Make a group."""
    made = await actions.create(request.work, msgspec.structs.asdict(body))
    after = {"name": made.name, "slug": made.slug}
    await audit.note(request, request.work, "group.created", None, f"group:{made.id}", None, after)
    return Result(_shown(made), version=made.version, headers=(("Location", f"/api/groups/{made.id}"),))


async def change(request: RequestContext, body: ChangeGroup) -> Result:
    """Change a group."""
    before, after = await actions.change(request.work, request.id("id"), given(body))
    request.check_version(before.version)  # the group is locked, and what was done is undone
    changed = [name for name in ("name", "slug", "description") if getattr(before, name) != getattr(after, name)]
    if changed:
        was, now = ({name: getattr(one, name) for name in changed} for one in (before, after))
        await audit.note(request, request.work, "group.changed", None, f"group:{after.id}", was, now)
    return Result(_shown(after), version=after.version)


async def delete(request: RequestContext) -> None:
    """Delete a group."""
    before, count = await actions.delete(request.work, request.id("id"))
    request.check_version(before.version)
    was = {"name": before.name, "slug": before.slug, "members": count}
    await audit.note(request, request.work, "group.deleted", None, f"group:{before.id}", was)


async def list_members(request: RequestContext, query: GroupMembersQuery) -> CountedPage[GroupMember]:
    """The members of a group, in the order in which they joined."""
    group = await _found(request)
    keyset = Keyset(query, "group members", (datetime, UUID), lambda row: (row.joined_at, row.user_id))
    after: Any = keyset.after
    shown, following = keyset.page(await members.listed(request.reader, group.id, after, keyset.ask))
    total = await members.count(request.reader, group.id) if query.count else None
    return CountedPage([_member(row) for row in shown], following, total)


async def add(request: RequestContext) -> GroupMember:
    """Put somebody in a group."""
    group_id = request.id("id")
    return await _added(request, group_id, *await actions.add(request.work, group_id, request.id("user_id")))


async def add_by_address(request: RequestContext, body: NewGroupMember) -> GroupMember:
    """Put somebody in a group, by their address."""
    group_id, address = request.id("id"), accept(email_addresses.checked("email", body.email))[0]
    assert isinstance(address, EmailAddress)
    return await _added(request, group_id, *await actions.add_by_address(request.work, group_id, address))


async def _added(request: RequestContext, group_id: str, member: members.Member, fresh: bool) -> GroupMember:
    if fresh:
        await audit.note(request, request.work, "group.member_added", member.user_id, f"group:{group_id}")
    return _member(member)


async def remove(request: RequestContext) -> None:
    """Take somebody out of a group."""
    group_id, user_id = request.id("id"), request.id("user_id")
    await actions.remove(request.work, group_id, user_id)
    await audit.note(request, request.work, "group.member_removed", user_id, f"group:{group_id}")
