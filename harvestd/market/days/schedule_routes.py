"""Schedules of market days, for the market's staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.names import accept
from harvestd.market.accounts import audit
from harvestd.market.days import schedule_actions as actions
from harvestd.market.days import schedule_bodies as bodies
from harvestd.market.days import schedule_rows as store
from harvestd.market.days import showing
from harvestd.market.days.schedule_shapes import (
    ChangeMarketSchedule,
    DayTimeOut,
    MarketSchedule,
    MarketSchedulesQuery,
    NewMarketSchedule,
    ScheduledFarm,
    ScheduledWindow,
)
from harvestd.market.days.window_rules import Capacity
from harvestd.market.days.window_shapes import WindowArea
from harvestd.market.farms import rows as farms
from harvestd.store.postgres.statements import Reader
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.shapes import Named, given


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a schedule, independent of the others."""
    return bodies.faults(sent)


async def _shown(reader: Reader, schedules: Sequence[store.Schedule]) -> list[MarketSchedule]:
    ids = [one["farm_id"] for schedule in schedules for one in schedule.template["farms"] or ()]
    known = {
        farm.id: Named(id=farm.id, slug=farm.slug, name=farm.name)
        for farm in (await farms.by_ids(reader, ids) if ids else ())
    }
    return [_one(schedule, known) for schedule in schedules]


def _one(row: store.Schedule, known: Mapping[str, Named]) -> MarketSchedule:
    columns = {name: value for name, value in msgspec.structs.asdict(row).items() if name not in ("template", "due_at")}
    template = row.template
    taking_part = template["farms"]
    return MarketSchedule(
        **columns, opens=msgspec.convert(template["opens"], DayTimeOut), closes=msgspec.convert(template["closes"], DayTimeOut),
        farms=None if taking_part is None else [_farm(one, known) for one in taking_part if one["farm_id"] in known],
        windows=[_window(one) for one in template["windows"]], holds_minutes=template["holds_minutes"], metadata=template["metadata"],
    )  # fmt: skip


def _farm(one: Mapping[str, Any], known: Mapping[str, Named]) -> ScheduledFarm:
    return ScheduledFarm(farm=known[one["farm_id"]], farm_id=one["farm_id"], lead_minutes=one["lead_minutes"])


def _window(one: Mapping[str, Any]) -> ScheduledWindow:
    holds = one["capacity"]
    return ScheduledWindow(
        method=one["method"], pickup_point_id=one["pickup_point_id"], area=msgspec.convert(one["area"], WindowArea | None),
        from_=msgspec.convert(one["from"], DayTimeOut), to=msgspec.convert(one["to"], DayTimeOut),
        capacity=None if holds is None else showing.capacity(Capacity(**holds)),
    )  # fmt: skip


async def listed(request: RequestContext, query: MarketSchedulesQuery) -> CountedPage[MarketSchedule]:
    """Schedules, newest first."""
    keyset = Keyset(query, "market schedules", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    page, following = keyset.page(await store.listed(request.reader, after, keyset.ask))
    total = await store.count(request.reader) if query.count else None
    return CountedPage(await _shown(request.reader, page), following, total)


async def see(request: RequestContext) -> Result:
    """One schedule."""
    found = await store.one(request.reader, request.id("id"))
    if found is None:
        raise NotFound(actions.NO_SCHEDULE)
    return await _result(request.reader, found)


async def _result(reader: Reader, row: store.Schedule, **more: Any) -> Result:
    (shown,) = await _shown(reader, [row])
    return Result(shown, version=row.version, **more)


async def create(request: RequestContext, body: NewMarketSchedule) -> Result:
    """Make a schedule."""
    sent = given(body)
    accept(*bodies.faults(sent), message="the schedule cannot be accepted")
    made = await actions.create(request.work, sent)
    await audit.note(
        request, request.work, "market_schedule.created", None, f"market_schedule:{made.id}", None, _told(made)
    )
    return await _result(request.tx, made, headers=(("Location", f"/api/market-schedules/{made.id}"),))


async def change(request: RequestContext, body: ChangeMarketSchedule) -> Result:
    """Change a schedule."""
    sent = given(body)
    accept(*bodies.faults(sent), message="the schedule cannot be accepted")
    before, after = await actions.change(request.work, request.id("id"), sent, request.check_version)
    was, now = _told(before), _told(after)
    changed = [name for name in now if was[name] != now[name]]
    others = {name: "changed" for name in bodies.TEMPLATE if name in sent}
    await audit.note(
        request, request.work, "market_schedule.changed", None, f"market_schedule:{after.id}", {name: was[name] for name in changed},
        {name: now[name] for name in changed} | others,
    )  # fmt: skip
    return await _result(request.tx, after)


async def delete(request: RequestContext) -> None:
    """Delete a schedule."""
    before = await actions.delete(request.work, request.id("id"), request.check_version)
    await audit.note(
        request, request.work, "market_schedule.deleted", None, f"market_schedule:{before.id}", _told(before)
    )


def _told(row: store.Schedule) -> dict[str, Any]:
    """What the audit log says of a schedule."""
    names = (
        "name",
        "rule",
        "first",
        "exceptions",
        "extra_days",
        "country",
        "subdivision",
        "on_holiday",
        "rounds_ahead",
    )
    found: dict[str, Any] = msgspec.to_builtins({name: getattr(row, name) for name in names})
    return found
