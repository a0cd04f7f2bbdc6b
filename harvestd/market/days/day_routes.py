"""Market days: shown to everybody; made, changed, copied, closed, cancelled and deleted by the market's staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.families import farm, market_day, pickup_point
from harvestd.kernel.names import accept, told
from harvestd.market.accounts import audit
from harvestd.market.days import day_actions as actions
from harvestd.market.days import day_bodies, day_rules, day_views, window_rows
from harvestd.market.days import day_rows as store
from harvestd.market.days.day_rules import MAX_REASON
from harvestd.market.days.day_shapes import (
    CancelMarketDay,
    ChangeMarketDay,
    CopyMarketDay,
    MarketDay,
    MarketDaysQuery,
    NewMarketDay,
)
from harvestd.store.postgres.statements import Reader
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.shapes import given


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a market day, independent of the others."""
    return day_bodies.faults(sent)


def reason_faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the reason of a cancellation."""
    return errors.faults(lambda: told("reason", sent.get("reason", ""), MAX_REASON))


async def listed(request: RequestContext, query: MarketDaysQuery) -> Result:
    """Market days, the one that opens last first."""
    keyset = Keyset(
        query, f"market days {query.status or ''}", (datetime, UUID), lambda row: (row.day.opens_at, row.day.id)
    )
    after: Any = keyset.after
    rows = await store.listed(request.reader, after, keyset.ask, query.status)
    page, following = keyset.page(rows, day_rules.fitting(row.parts for row in rows))
    total = await store.count(request.reader, query.status) if query.count else None
    found, families = await _shown(request.reader, [row.day for row in page])
    return Result(CountedPage(found, following, total), families=families)


async def see(request: RequestContext) -> Result:
    """One market day."""
    day = await store.one(request.reader, request.id("id"))
    if day is None:
        raise NotFound(actions.NO_DAY)
    (found,), families = await _shown(request.reader, [day])
    return Result(found, version=day.version, families=families)


async def _shown(reader: Reader, days: Sequence[store.Day]) -> tuple[list[MarketDay], tuple[str, ...]]:
    """Days as they are shown, and the families of what is shown of them: themselves, their farms, and those whose points they have."""
    ids = [day.id for day in days]
    farms = await store.farms_of(reader, ids) if any(not day.all_farms for day in days) else {}
    windows = await window_rows.of_days(reader, ids) if ids else {}
    named = {one.farm_id for of in farms.values() for one in of}
    named |= {one.farm_id for of in windows.values() for one in of if one.farm_id is not None}
    points = {one.point_id for of in windows.values() for one in of if one.point_id is not None}
    families = (
        *(market_day(id) for id in ids),
        *(pickup_point(id) for id in sorted(points)),
        *(family for id in sorted(named) for family in farm(id)[:1]),
    )
    return [day_views.shown(day, farms.get(day.id, ()), windows.get(day.id, ())) for day in days], families


async def _one(request: RequestContext, day: store.Day, **more: Any) -> Result:
    (found,), _ = await _shown(request.tx, [day])
    return Result(found, version=day.version, **more)


async def create(request: RequestContext, body: NewMarketDay) -> Result:
    """Make a market day."""
    sent = given(body)
    accept(*day_bodies.faults(sent), message="the market day cannot be accepted")
    return await _made(request, await actions.create(request.work, day_bodies.read(sent)))


async def copy(request: RequestContext, body: CopyMarketDay) -> Result:
    """Make a market day like another, at another time."""
    wrong = day_bodies.faults({"name": body.name})
    accept(*wrong)
    name = None if body.name is None else day_bodies.read({"name": body.name})["name"]
    return await _made(request, await actions.copy(request.work, request.id("id"), body.opens_at, name))


async def _made(request: RequestContext, day: store.Day) -> Result:
    await audit.note(request, request.work, "market_day.created", None, f"market_day:{day.id}", None, _told(day))
    return await _one(request, day, headers=(("Location", f"/api/market-days/{day.id}"),))


async def change(request: RequestContext, body: ChangeMarketDay) -> Result:
    """Change a market day."""
    sent = given(body)
    accept(*day_bodies.faults(sent), message="the market day cannot be accepted")
    before, after = await actions.change(request.work, request.id("id"), day_bodies.read(sent), request.check_version)
    was, now = _told(before), _told(after)
    changed = [name for name in now if was[name] != now[name]]
    others = {name: "changed" for name in ("farms", "windows", "metadata") if name in sent}
    await audit.note(
        request, request.work, "market_day.changed", None, f"market_day:{after.id}", {name: was[name] for name in changed},
        {name: now[name] for name in changed} | others,
    )  # fmt: skip
    return await _one(request, after)


async def close(request: RequestContext) -> Result:
    """Close a market day now."""
    return await _ended(request, *await actions.close(request.work, request.id("id")), "market_day.closed")


async def cancel(request: RequestContext, body: CancelMarketDay) -> Result:
    """Cancel a market day."""
    reason = told("reason", body.reason, MAX_REASON)
    return await _ended(
        request,
        *await actions.cancel(request.work, request.id("id"), reason),
        "market_day.cancelled",
        {"reason": reason},
    )


async def _ended(
    request: RequestContext, before: store.Day, after: store.Day, action: str, more: Mapping[str, Any] | None = None
) -> Result:
    if after.version != before.version:
        status = {"status": after.status, **(more or {})}
        await audit.note(
            request, request.work, action, None, f"market_day:{after.id}", {"status": before.status}, status
        )
    return await _one(request, after)


async def delete(request: RequestContext) -> None:
    """Delete a market day."""
    before = await actions.delete(request.work, request.id("id"), request.check_version)
    await audit.note(request, request.work, "market_day.deleted", None, f"market_day:{before.id}", _told(before))


def _told(day: store.Day) -> dict[str, Any]:
    """What the audit log says of a day."""
    names = ("name", "status", "opens_at", "closes_at", "holds_minutes")
    found: dict[str, Any] = msgspec.to_builtins({name: getattr(day, name) for name in names})
    return found
