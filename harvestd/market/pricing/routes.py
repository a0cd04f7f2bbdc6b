"""Fees, tax rates and coupons: made, changed, deleted by whoever runs the market, or the farm whose they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.names import accept
from harvestd.kernel.permissions import FARMER, Permission, may_everywhere, may_for_farm
from harvestd.market.accounts import audit
from harvestd.market.accounts import rows as accounts
from harvestd.market.farms.actions import allowed, no_farm, refusal, require
from harvestd.market.pricing import actions, rows
from harvestd.market.pricing.actions import Kind
from harvestd.market.pricing.shapes import ChargesQuery, RatesQuery
from harvestd.market.pricing.views import faults as own_faults
from harvestd.market.pricing.views import shown, stored
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset

Handler = Callable[..., Awaitable[Any]]
_PATHS = {"fee": "/api/fees", "tax_rate": "/api/tax-rates", "coupon": "/api/coupons"}
_SEE, _PRICE = Permission.SEE_PRICING, Permission.CHANGE_PRICING


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, each by itself."""
    return own_faults(given, request.parts.settings.market_currency)


def _given(request: RequestContext, body: msgspec.Struct) -> dict[str, Any]:
    """The fields of a body that were sent, as they are stored. Raises ``Invalid``."""
    fields = zip(body.__struct_encode_fields__, body.__struct_fields__, strict=True)
    sent = {name: getattr(body, own) for name, own in fields if getattr(body, own) is not msgspec.UNSET}
    accept(*faults(request, sent))
    return stored(sent)


async def _farms(request: RequestContext, farm_id: str | None) -> list[str] | None:
    """The farms whose fees and coupons are asked for; None for everybody's and the market's, which its staff sees. Raises ``Forbidden``."""
    if farm_id is not None:
        await require(request.reader, request.user, _SEE, farm_id)
        return [farm_id]
    return None if may_everywhere(request.user.role, _SEE) else await _own(request)


async def _own(request: RequestContext) -> list[str]:
    farms = await accounts.farms_of(request.reader, request.user.user_id)
    if not farms and request.user.role == FARMER:
        raise no_farm()
    return [one.farm_id for one in farms if may_for_farm(request.user.role, one.role, _PRICE)]


async def _owner(request: RequestContext, farm_id: str | None) -> str | None:
    """Whose a new fee or coupon is: the market's, for its staff, or a farm's. Raises ``Forbidden``, and ``Invalid`` where it is not said which farm's."""
    if farm_id is not None:
        await require(request.tx, request.user, _PRICE, farm_id)
    elif not may_everywhere(request.user.role, _PRICE):
        own = await _own(request)
        if len(own) != 1:
            raise Invalid.of("farm_id", "name one of your farms", "required", reason="one-of-yours")
        return own[0]
    return farm_id


def _mine(request: RequestContext, kind: Kind[Any], right: Permission) -> actions.Allowed:
    """Whether the caller has the right to one of a farm, or of the market; otherwise it is as if it were not there."""

    async def check(farm_id: str | None) -> None:
        if kind is actions.TAX_RATE or may_everywhere(request.user.role, right):
            return
        if farm_id is None or not await allowed(request.reader, request.user, right, farm_id):
            raise await refusal(request.reader, request.user, actions.missing(kind))

    return check


async def _listed(request: RequestContext, query: ChargesQuery | RatesQuery, kind: Kind[Any]) -> CountedPage[Any]:
    farms = await _farms(request, query.farm) if isinstance(query, ChargesQuery) else None
    keyset = Keyset(query, f"{kind.name}s", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    page, following = keyset.page(await rows.listed(request.reader, kind.table, after, keyset.ask, farms))
    total = await rows.count(request.reader, kind.table, farms) if query.count else None
    return CountedPage([shown(row, request.parts.settings.market_currency) for row in page], following, total)


async def list_fees(request: RequestContext, query: ChargesQuery) -> CountedPage[Any]:
    """Fees, newest first."""
    return await _listed(request, query, actions.FEE)


async def list_rates(request: RequestContext, query: RatesQuery) -> CountedPage[Any]:
    """Tax rates, newest first."""
    return await _listed(request, query, actions.TAX_RATE)


async def list_coupons(request: RequestContext, query: ChargesQuery) -> CountedPage[Any]:
    """Coupons, newest first."""
    return await _listed(request, query, actions.COUPON)


def see(kind: Kind[Any]) -> Handler:
    """The handler that shows one."""

    async def handler(request: RequestContext) -> Result:
        found = await rows.one(request.reader, kind.table, request.id("id"))
        await _mine(request, kind, _SEE)(getattr(found, "farm_id", None))
        if found is None:
            raise actions.missing(kind)
        return Result(shown(found, request.parts.settings.market_currency), version=found.version)

    return handler


def guarded(request: RequestContext) -> list[str]:
    """The limit of a code that is given to a coupon by somebody who does not see all coupons: that another has it is answered, so to give one is to try it."""
    tried = isinstance(getattr(request.body, "code", None), str)
    return ["rate_coupon"] if tried and not may_everywhere(request.user.role, _SEE) else []


def create(kind: Kind[Any]) -> Handler:
    """The handler that makes one."""

    async def handler(request: RequestContext, body: msgspec.Struct) -> Result:
        given = _given(request, body)
        if "farm_id" in given:
            given["farm_id"] = await _owner(request, given["farm_id"])
        made = await actions.create(request.work, kind, given)
        await audit.note(
            request, request.work, f"{kind.name}.created", None, f"{kind.name}:{made.id}", None, _told(kind, made)
        )
        location = ("Location", f"{_PATHS[kind.name]}/{made.id}")
        return Result(shown(made, request.parts.settings.market_currency), version=made.version, headers=(location,))

    return handler


def change(kind: Kind[Any]) -> Handler:
    """The handler that changes one."""

    async def handler(request: RequestContext, body: msgspec.Struct) -> Result:
        before, after = await actions.change(
            request.work, kind, request.id("id"), _given(request, body), _mine(request, kind, _PRICE)
        )
        request.check_version(before.version)  # it is locked, and what was done is undone
        was, now = _told(kind, before), _told(kind, after)
        changed = [name for name in now if was[name] != now[name]]
        if changed:
            await audit.note(
                request, request.work, f"{kind.name}.changed", None, f"{kind.name}:{after.id}",
                {name: was[name] for name in changed}, {name: now[name] for name in changed},
            )  # fmt: skip
        return Result(shown(after, request.parts.settings.market_currency), version=after.version)

    return handler


def delete(kind: Kind[Any]) -> Handler:
    """The handler that deletes one."""

    async def handler(request: RequestContext) -> None:
        before = await actions.delete(request.work, kind, request.id("id"), _mine(request, kind, _PRICE))
        request.check_version(before.version)
        await audit.note(
            request, request.work, f"{kind.name}.deleted", None, f"{kind.name}:{before.id}", _told(kind, before)
        )

    return handler


def _told(kind: Kind[Any], row: Any) -> dict[str, Any]:
    """What the audit log says of one: all that was given."""
    return {name: msgspec.to_builtins(getattr(row, name)) for name in kind.fields}
