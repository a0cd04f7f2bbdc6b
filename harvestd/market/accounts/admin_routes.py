"""Accounts for the market's admins: search, roles, closing and opening, acting for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from harvestd.kernel.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from harvestd.kernel.names import accept, clean_name
from harvestd.kernel.permissions import ADMIN, BUYER, STAFF
from harvestd.market.accounts import (
    actions,
    admin_rows,
    audit,
    confirming,
    factor_actions,
    factor_rows,
    key_rows,
    signing_in,
)
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.admin_shapes import (
    Account,
    AccountDetails,
    AccountsQuery,
    ActingFor,
    ChangeAccount,
    Impersonate,
)
from harvestd.market.accounts.shapes import UserFarm
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import tokens
from harvestd.web.context import Caller, CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.shapes import Named

MAX_REASON = 500
#: How long somebody acts for another at the most.
ACTING = timedelta(minutes=30)


def reason_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    found = clean_name("reason", given["reason"], MAX_REASON) if isinstance(given.get("reason"), str) else None
    return [found] if isinstance(found, FieldError) else []


async def listed(request: RequestContext, query: AccountsQuery) -> CountedPage[Account]:
    """Accounts, newest first."""
    keyset = Keyset(query, "accounts", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    which: dict[str, Any] = {"text": query.q.strip().lower(), "role": query.role, "active": query.active}
    shown, following = keyset.page(await admin_rows.listed(request.reader, after, keyset.ask, **which))
    total = await admin_rows.count(request.reader, **which) if query.count else None
    return CountedPage([_shown(row) for row in shown], following, total)


def _shown(row: admin_rows.Account) -> Account:
    return Account(
        id=row.id, email=row.email, email_verified=row.verified, username=row.username, name=row.name, role=row.role,
        active=row.active, second_factor=row.second_factor, deactivated=row.deactivated, erased=row.erased, created_at=row.created_at, version=row.version,
    )  # fmt: skip


async def see(request: RequestContext) -> Result:
    """One account, with what belongs to it."""
    reader, user_id = request.reader, request.id("id")
    found = await admin_rows.one(reader, user_id)
    if found is None:
        raise NotFound("there is no such account")
    belongs = await accounts.belongs(reader, user_id)
    factors = [one.kind for one in await factor_rows.all_of(reader, user_id) if one.confirmed_at is not None]
    shown = AccountDetails(
        **msgspec.structs.asdict(_shown(found)), phone=found.phone, second_factors=factors, last_sign_in_at=found.last_sign_in_at,
        farms=[UserFarm(id=one.id, slug=one.slug, name=one.name, role=one.role) for one in belongs if one.kind == "farm"],
        groups=[Named(id=one.id, slug=one.slug, name=one.name) for one in belongs if one.kind == "group"],
    )  # fmt: skip
    return Result(shown, version=found.version)


async def change(request: RequestContext, body: ChangeAccount) -> Result:
    """Change an account's role, close or open it, or take its second factors away; at once, in every process."""
    await confirming.check(request)
    unit, user_id = request.work, request.id("id")
    before = await admin_rows.lock(unit.tx, user_id)
    if before is None:
        raise NotFound("there is no such account")
    request.check_version(before.version)
    if before.erased:
        raise Conflict("this account was closed by its owner, for good")
    role = before.role if body.role is UNSET else body.role
    active = before.active if body.active is UNSET else body.active
    rests = before.deactivated and body.active is UNSET
    if body.second_factor is True:
        message = "can only be false: second factors are set up by the account's owner"
        raise Invalid.of("second_factor", message, "not-one-of", allowed="false")
    if body.second_factor is False and user_id == request.user.user_id:
        await factor_actions.check_not_required(unit, user_id)
    if body.second_factor is False:  # what was only begun goes as well, and recovery codes
        await factor_rows.delete_all(unit.tx, user_id, unit.machine_now)
        await _end_acting(unit, user_id)
        actions.ended(unit, user_id)
    if (role, active, rests) != (before.role, before.active, before.deactivated):
        await _changed(request, before, role, active, rests)
    if body.second_factor is False and before.second_factor:
        await audit.note(request, unit, "second_factor.removed", user_id, f"user:{user_id}")
    after = await admin_rows.lock(unit.tx, user_id)
    assert after is not None
    return Result(_shown(after), version=after.version)


async def _end_acting(unit: UnitOfWork, user_id: str) -> None:
    """The account no longer acts for others: its role, or what proves that it is its owner's, is gone."""
    for other in await admin_rows.end_acting(unit.tx, user_id, unit.machine_now):
        actions.ended(unit, other)


async def _changed(request: RequestContext, before: admin_rows.Account, role: str, active: bool, rests: bool) -> None:
    unit, user_id = request.work, before.id
    stays = role == ADMIN and active
    if before.role == ADMIN and not stays and not await admin_rows.another_admin(unit.tx, user_id):
        raise Conflict("this is the market's only admin; make somebody else one first")
    if role == BUYER and before.role != BUYER and await admin_rows.farms(unit.tx, user_id):
        raise Conflict("this account works for a farm, and farms are worked by farmers; take it out of its farms first")
    await admin_rows.change(unit.tx, user_id, role, active, unit.machine_now, rests)
    if not active or (before.role in STAFF and role not in STAFF):
        await unit.tell(actions.Demoted(user_id, active))
    if active and not before.active:
        await unit.tell(actions.Opened(user_id))
    if role == ADMIN:
        await admin_rows.end_acted_for(unit.tx, user_id, unit.machine_now)
    if not active:
        await key_rows.end_all(unit.tx, user_id, unit.machine_now)
    if not stays:
        await _end_acting(unit, user_id)
    actions.ended(unit, user_id)
    changed = {
        "role": (before.role, role),
        "active": (before.active, active),
        "deactivated": (before.deactivated, rests),
    }
    changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
    await audit.note(
        request, unit, "account.changed", user_id, f"user:{user_id}",
        {name: pair[0] for name, pair in changed.items()}, {name: pair[1] for name, pair in changed.items()},
    )  # fmt: skip


async def impersonate(request: RequestContext, body: Impersonate) -> ActingFor:
    """Act for somebody, for a time; whatever is done meanwhile has both names in the audit log."""
    reason = accept(clean_name("reason", body.reason, MAX_REASON))[0]
    assert isinstance(reason, str)
    user_id, admin, settings = request.id("id"), request.user, request.parts.settings
    session, ttl = request.new_id(), min(settings.access_token_ttl, ACTING.total_seconds())

    async def work(unit: UnitOfWork) -> ActingFor:
        await confirming.check(request, unit)
        found = await admin_rows.lock(unit.tx, user_id)
        if found is None or not found.active:
            raise NotFound("there is no such open account")
        if found.role == ADMIN:
            raise Forbidden("nobody may act for an admin")
        expires = unit.machine_now + timedelta(seconds=ttl)
        await admin_rows.begin_acting(
            unit.tx, session, user_id, admin.user_id, unit.machine_now, expires, signing_in.device(request)
        )
        await audit.note(request, unit, "account.impersonated", user_id, f"user:{user_id}", None, {"reason": reason})
        caller = Caller(user_id, found.role, session, actor=admin.user_id)
        return ActingFor(
            user=await signing_in.own(unit.tx, user_id), access_token=tokens.issue(request.parts.secret, caller, unit.machine_now, ttl),
            token_type="Bearer", expires_in=int(ttl),
        )  # fmt: skip

    return await request.write(work)
