"""Use cases of buyer groups, one function each, for every caller; and what other subjects ask: which groups a caller is in.

Nobody is mailed when a group ends, or when they come into one or leave it: what follows from it are prices, which they see where they
buy, and their profile names their groups. The audit log has who did it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import AlreadyTaken, Conflict, Invalid, NotFound
from harvestd.kernel.sentences import worded
from harvestd.kernel.slugs import candidates
from harvestd.market.accounts import admin_rows as accounts
from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.groups import member_rows as members
from harvestd.market.groups import rows, rules
from harvestd.parts import Parts
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Caller

_NONE: frozenset[str] = frozenset()
_NO_GROUP = "there is no such group"


async def groups_of(parts: Parts, caller: Caller | None) -> frozenset[str]:
    """The ids of the groups that the caller is in; none for a stranger. It is known in every process as soon as it changes."""
    return _NONE if caller is None else await parts.groups.of(caller.user_id)


async def create(unit: UnitOfWork, given: Mapping[str, Any]) -> rows.Group:
    """Make a group, given all fields of its body. Raises ``Invalid``, and ``AlreadyTaken`` for a name or slug that another has."""
    texts, id = rules.checked(given), unit.new_id()
    await rows.lock_all(unit.tx)
    names, slugs = await rows.others(unit.tx, id)
    if len(slugs) >= rules.MAX_GROUPS:
        message = f"a market has {rules.MAX_GROUPS} groups at most; delete one first"
        raise Invalid.of("name", message, "not-accepted", reason="too-many-groups")
    slug = texts["slug"] or next(one for one in candidates(texts["name"], id) if one not in slugs)
    group = rows.Group(id, slug, texts["name"], texts["description"], 1, unit.now, unit.now)
    _check(group, names, slugs)
    await rows.insert(unit.tx, group)
    return group


async def change(unit: UnitOfWork, group_id: str, given: Mapping[str, Any]) -> tuple[rows.Group, rows.Group]:
    """Change a group; returns what it was and what it is. Raises what :func:`create` does, and ``NotFound``."""
    texts = rules.checked(given)
    await rows.lock_all(unit.tx)
    before = await rows.lock(unit.tx, group_id)
    if before is None:
        raise NotFound(_NO_GROUP)
    if all(getattr(before, name) == value for name, value in texts.items()):
        return before, before
    after = msgspec.structs.replace(before, **texts, version=before.version + 1, updated_at=unit.now)
    _check(after, *await rows.others(unit.tx, group_id))
    await rows.update(unit.tx, after)
    return before, after


def _check(group: rows.Group, names: set[str], slugs: set[str]) -> None:
    faults = tuple(rules.taken(group.name, group.slug, names, slugs))
    if faults:
        raise AlreadyTaken(errors=faults)


async def delete(unit: UnitOfWork, group_id: str) -> tuple[rows.Group, int]:
    """Delete a group, with its memberships; returns what it was, and how many were in it. Raises ``NotFound``."""
    await rows.lock_all(unit.tx)
    before = await rows.lock(unit.tx, group_id)
    if before is None:
        raise NotFound(_NO_GROUP)
    count = await members.count(unit.tx, group_id)
    await rows.delete(unit.tx, group_id)
    unit.on_commit(lambda: unit.parts.groups.gone(group_id))
    return before, count


async def add(unit: UnitOfWork, group_id: str, user_id: str) -> tuple[members.Member, bool]:
    """Put somebody in a group; returns the member, and whether that is new. Raises ``NotFound`` without such a group or open account, and
    ``Conflict`` for one group too many."""
    await _kept(unit, group_id)
    account = await accounts.lock(unit.tx, user_id)
    if account is None or not account.active:
        raise NotFound("there is no such open account")
    return await _joined(unit, group_id, account.id)


async def add_by_address(unit: UnitOfWork, group_id: str, address: EmailAddress) -> tuple[members.Member, bool]:
    """The same with whoever has this address, for staff who know nobody's id. Raises ``NotFound`` without such a group, ``Invalid`` where no
    open account has the address, or nobody has shown that it is theirs, and ``Conflict`` for one group too many."""
    await _kept(unit, group_id)
    account = await accounts.lock_by_address(unit.tx, address.key)
    if account is None or not account.active:
        message = "nobody with an open account has this address; check it, or ask them to open an account first"
        raise Invalid.of("email", message, "not-found", reason="no-account")
    if not account.verified:
        message = "this address is not confirmed yet, and may be somebody else's; have its owner open the link of the mail that welcomed them"
        raise Invalid.of("email", message, "not-accepted", reason="not-confirmed")
    return await _joined(unit, group_id, account.id)


async def _joined(unit: UnitOfWork, group_id: str, user_id: str) -> tuple[members.Member, bool]:
    """The member, and whether that is new. The group is kept, and the account, which is open, locked."""
    own = await members.groups_of(unit.tx, user_id)
    if group_id not in own and len(own) >= rules.MAX_OF_ONE:
        raise Conflict(
            worded("nobody is in more than {most} groups; take them out of another first", most=rules.MAX_OF_ONE)
        )
    await members.add(unit.tx, group_id, user_id, unit.now)
    member = await members.one(unit.tx, group_id, user_id)
    assert member is not None
    _changed(unit, user_id)
    return member, group_id not in own


async def remove(unit: UnitOfWork, group_id: str, user_id: str) -> None:
    """Take somebody out of a group. Raises ``NotFound``."""
    await _kept(unit, group_id)
    await accounts.lock(unit.tx, user_id)
    if not await members.remove(unit.tx, group_id, user_id):
        raise NotFound("nobody of this group has this id")
    _changed(unit, user_id)


async def _kept(unit: UnitOfWork, group_id: str) -> None:
    if await rows.keep(unit.tx, group_id) is None:
        raise NotFound(_NO_GROUP)


def _changed(unit: UnitOfWork, user_id: str) -> None:
    """This process forgets what it knew at the commit; the others are told by the database itself."""
    unit.on_commit(lambda: unit.parts.groups.changed(user_id))


async def leave_all(unit: UnitOfWork, closed: Closed) -> None:
    """Take somebody out of all groups, whose account is closed."""
    await members.leave_all(unit.tx, closed.user_id)


async def export(unit: UnitOfWork, exported: Exported) -> None:
    """The groups that a person is in."""
    exported.sections.append(members.HELD)
