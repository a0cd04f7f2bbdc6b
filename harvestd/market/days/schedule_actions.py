"""Use cases of schedules: made, changed and deleted by the market's staff; and the market days that are made of them ahead, each round once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import msgspec

from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.moments import day_in
from harvestd.kernel.names import accept
from harvestd.market.days import day_actions, day_rows, point_rows, schedule_rules
from harvestd.market.days import schedule_bodies as bodies
from harvestd.market.days import schedule_rows as rows
from harvestd.market.days.holiday_rules import Recurrence
from harvestd.parts import Parts
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import UnitOfWork
from harvestd.unit_of_work import change as changing
from harvestd.web.market_day import zone_of

#: The name of the periodic task that makes days, and the schedules that it looks at in one run.
TASK, BATCH = "market schedules", 50
NO_SCHEDULE = "there is no such schedule of market days"


async def create(unit: UnitOfWork, sent: Mapping[str, Any]) -> rows.Schedule:
    """Make a schedule, given all fields of its body, which has no faults of its own; and its first days. Raises ``Invalid``."""
    columns, template = bodies.read(sent)
    schedule = rows.Schedule(
        **columns, id=unit.new_id(), template=template, due_at=None, version=1, created_at=unit.now, updated_at=unit.now
    )
    accept(*_too_many(unit, schedule), *await _strangers(unit, template), message="the schedule cannot be accepted")
    await rows.insert(unit.tx, schedule)
    return await _made(unit, schedule)


async def change(
    unit: UnitOfWork, id: str, sent: Mapping[str, Any], check: Callable[[int], None]
) -> tuple[rows.Schedule, rows.Schedule]:
    """Change a schedule, and the days of it that are planned and were not changed by hand; returns what it was and what it is. Raises ``NotFound`` and
    ``Invalid``."""
    before = await _locked(unit, id)
    check(before.version)
    columns, template = bodies.read(sent)
    after = msgspec.structs.replace(
        before, **columns, template=before.template | template, version=before.version + 1, updated_at=unit.now
    )
    wrong = [*_whole_faults(after), *_too_many(unit, after)]
    accept(*wrong, *await _strangers(unit, template), message="the schedule cannot be accepted")
    return before, await _made(unit, after)


def _too_many(unit: UnitOfWork, schedule: rows.Schedule) -> list[FieldError]:
    fault = schedule_rules.ahead_fault(_rounds_ahead(unit, schedule), schedule.template)
    return [] if fault is None else [fault]


def _rounds_ahead(unit: UnitOfWork, schedule: rows.Schedule) -> int:
    """How many rounds are made ahead: as many as the schedule says or, as far as it may have them, the market."""
    if schedule.rounds_ahead is not None:
        return schedule.rounds_ahead
    asked = unit.parts.settings.market_rounds_ahead
    fault = schedule_rules.ahead_fault(asked, schedule.template)
    return asked if fault is None else int(fault.params["maximum"])


def _whole_faults(schedule: rows.Schedule) -> list[FieldError]:
    """Faults of fields together, of which a change gave some."""
    columns = msgspec.structs.asdict(schedule)
    wrong = [*schedule_rules.faults({name: columns[name] for name in (*bodies.COLUMNS, "rule")})]
    times = [
        (f"windows[{i}]", bodies.time_of(one["from"]), bodies.time_of(one["to"])) for i, one in enumerate(schedule.template["windows"])
    ]  # fmt: skip
    opens, closes = (bodies.time_of(schedule.template[name]) for name in ("opens", "closes"))
    return [*wrong, *schedule_rules.time_faults(opens, closes, times)]


async def delete(unit: UnitOfWork, id: str, check: Callable[[int], None]) -> rows.Schedule:
    """Delete a schedule, with the days of it that are planned and were not changed by hand; others stay. Raises ``NotFound``."""
    before = await _locked(unit, id)
    check(before.version)
    for made in await _open_rounds(unit, before):
        assert made.day_id is not None
        await day_actions.delete(unit, made.day_id, lambda version: None)
    await rows.delete(unit.tx, id)
    return before


async def _locked(unit: UnitOfWork, id: str) -> rows.Schedule:
    found = await rows.lock(unit.tx, id)
    if found is None:
        raise NotFound(NO_SCHEDULE)
    return found


async def _strangers(unit: UnitOfWork, template: Mapping[str, Any]) -> list[FieldError]:
    """Faults of farms and pick-up points in a template that do not exist."""
    farms = [one["farm_id"] for one in template.get("farms") or ()]
    points = [one["pickup_point_id"] for one in template.get("windows") or ()]
    there, known = await _known_farms(unit, farms), await _known_points(unit, points)
    message, params = "is no farm; GET /api/farms lists them", {"list": "GET /api/farms"}
    wrong = [
        FieldError(f"farms[{i}].farm_id", message, code="not-found", params=params) for i, one in enumerate(farms) if one not in there
    ]  # fmt: skip
    message, params = (
        "is no pick-up point; GET /api/pickup-points lists the market's",
        {"list": "GET /api/pickup-points"},
    )
    return wrong + [
        FieldError(f"windows[{i}].pickup_point_id", message, code="not-found", params=params)
        for i, one in enumerate(points)
        if one is not None and one not in known
    ]


async def _known_farms(unit: UnitOfWork, ids: list[str]) -> set[str]:
    return await day_rows.known_farms(unit.tx, ids) if ids else set()


async def _known_points(unit: UnitOfWork, ids: list[str | None]) -> set[str]:
    wanted = [id for id in ids if id is not None]
    own = set(await point_rows.keep(unit.tx, wanted)) if wanted else set()
    rest = [id for id in wanted if id not in own]
    return own | set(await point_rows.of_farms(unit.tx, rest)) if rest else own


async def _open_rounds(unit: UnitOfWork, schedule: rows.Schedule) -> list[rows.MadeRound]:
    """The rounds whose days are planned and were not changed by hand."""
    since = day_in(zone_of(unit.parts.settings), unit.now) - schedule_rules.LATE
    made = await rows.made(unit.tx, schedule.id, since)
    return [one for one in made if one.status == "planned" and not one.edited]


def _when(schedule: rows.Schedule) -> Recurrence:
    return schedule_rules.recurrence(msgspec.structs.asdict(schedule))


@attrs.frozen
class _Likeness:
    """What the rounds of a schedule are like, as far as its points and farms are still there."""

    schedule: rows.Schedule
    zone: ZoneInfo
    points: Collection[str]
    farms: Collection[str]

    def on(self, day: date) -> dict[str, Any]:
        """The round of a day, as ``day_actions`` takes it."""
        one = self.schedule
        return bodies.round_of(one.name, one.template, day, self.zone, self.points, self.farms)


async def _likeness(unit: UnitOfWork, schedule: rows.Schedule) -> _Likeness:
    template = schedule.template
    points = await _known_points(unit, [one["pickup_point_id"] for one in template["windows"]])
    farms = await _known_farms(unit, [one["farm_id"] for one in template["farms"] or ()])
    return _Likeness(schedule, zone_of(unit.parts.settings), points, farms)


async def _made(unit: UnitOfWork, schedule: rows.Schedule) -> rows.Schedule:
    """A locked, or new, schedule once some of its days follow it that have to, and some are made that are to be made by now: as many as one unit of work makes. With the time of
    its next ones, which is now if there are more."""
    left = schedule_rules.at_once(schedule.template)
    likeness = await _likeness(unit, schedule)
    if schedule.version > 1:
        left -= await _renewed(unit, likeness, left)
    due_at = await _ahead(unit, likeness, left)
    schedule = msgspec.structs.replace(schedule, due_at=due_at)
    await rows.update(unit.tx, schedule)
    if due_at == unit.now:
        unit.on_commit(lambda: unit.parts.due(TASK))
    return schedule


async def _renewed(unit: UnitOfWork, likeness: _Likeness, most: int) -> int:
    """Have the days that are planned, and that nobody changed, be as a changed schedule says, ``most`` of them; those that it has no more go. Returns how many."""
    schedule = likeness.schedule
    outdated = [one for one in await _open_rounds(unit, schedule) if one.made_by != schedule.version][:most]
    when = _when(schedule) if outdated else None
    for made in outdated:
        assert made.day_id is not None and when is not None
        day = schedule_rules.is_round(when, made.round)
        if day is None:
            await day_actions.delete(unit, made.day_id, lambda version: None)
            await rows.forget(unit.tx, schedule.id, made.round)
        else:
            await day_actions.renew(unit, made.day_id, likeness.on(day))
            await rows.of_day(unit.tx, schedule, made.round, made.day_id)
    return len(outdated)


async def _ahead(unit: UnitOfWork, likeness: _Likeness, most: int) -> datetime | None:
    """Make the days that are to be made by now, ``most`` of them. Returns when the next are to be made; now, if more are, or if days may have to be renewed still."""
    schedule = likeness.schedule
    opens, closes = (bodies.time_of(schedule.template[name]) for name in ("opens", "closes"))
    ahead = _rounds_ahead(unit, schedule)
    planned, due_at = schedule_rules.to_make(_when(schedule), opens, closes, likeness.zone, unit.now, ahead)
    for one in planned:
        if most <= 0:
            return unit.now
        if await rows.note(unit.tx, schedule, one.of):
            day = await day_actions.create(unit, likeness.on(one.day))
            await rows.of_day(unit.tx, schedule, one.of, day.id)
            most -= 1
    return unit.now if most <= 0 else due_at


async def make_all(parts: Parts, going_on: GoingOn = always) -> None:
    """Make the days that are to be made by now, of each schedule in its own unit of work."""
    while ids := await rows.due(parts.database, parts.now(), BATCH):
        for id in ids:
            if not await going_on():
                return
            await changing(parts, partial(make, id=id))


async def make(unit: UnitOfWork, id: str) -> None:
    """Make the days of a schedule that are to be made by now; whoever comes second finds none."""
    schedule = await rows.lock(unit.tx, id)
    if schedule is not None and schedule.due_at is not None and schedule.due_at <= unit.now:
        await _made(unit, schedule)


async def next_due(parts: Parts) -> datetime | None:
    """When the first schedule has a day to be made."""
    return await rows.next_due(parts.database)
