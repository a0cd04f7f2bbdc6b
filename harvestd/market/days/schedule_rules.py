"""Schedules of market days: what a round is like, by days and times of the clock relative to its day; and which rounds are to be made. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.moments import day_in, moment
from harvestd.market.days import holiday_rules, recurrence_rules
from harvestd.market.days.holiday_rules import MAX_EXCEPTIONS, Recurrence, Round, rounds

#: The days that a time may be before and after that of its round; the rounds made ahead; and how far ahead rounds are looked for.
MAX_DAYS, MAX_AHEAD, HORIZON = 60, 60, timedelta(days=2 * 366)
#: The windows and farms of all rounds that are made ahead, together; and those of the rounds that are made, or renewed, in one unit of work: the others follow.
MAX_PARTS, SLICE = 12_000, 300
#: A round that closes later than this after its day would not be found.
LATE = timedelta(days=MAX_DAYS + 1)


@attrs.frozen
class DayTime:
    """A time of the clock so many days after that of the round, or before it."""

    day: int
    at: time

    def on(self, day: date, zone: ZoneInfo) -> datetime:
        """The moment of it in the round of a day."""
        return moment(day + timedelta(days=self.day), self.at, zone)


@attrs.frozen
class Planned:
    """A round that is to be a market day."""

    of: date
    day: date
    opens_at: datetime


def recurrence(given: Mapping[str, Any]) -> Recurrence:
    """When a schedule has rounds, by its fields. Raises ``Invalid`` for its rule."""
    return Recurrence(
        rule=recurrence_rules.parsed("rule", given["rule"]), first=given["first"], left_out=frozenset(given["exceptions"]),
        besides=frozenset(given["extra_days"]), country=given["country"], subdivision=given["subdivision"], on_holiday=given["on_holiday"],
    )  # fmt: skip


def faults(given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given fields that say when there are rounds."""
    rule = None
    if "rule" in given:
        try:
            rule = recurrence_rules.parsed("rule", given["rule"])
        except Invalid as refused:
            yield from refused.errors
    first = given.get("first")
    if first is not None and not recurrence_rules.EARLIEST <= first <= recurrence_rules.LATEST:
        message = f"must be a day from {recurrence_rules.EARLIEST} to {recurrence_rules.LATEST}"
        yield FieldError("first", message, code="not-a-date", params={"example": "2026-05-02"})
    elif first is not None and rule is not None and (fault := recurrence_rules.ever("rule", rule, first)) is not None:
        yield fault
    for name in ("exceptions", "extra_days"):
        if len(given.get(name) or ()) > MAX_EXCEPTIONS:
            params = {"maximum": str(MAX_EXCEPTIONS), "reason": "elements"}
            yield FieldError(name, f"must have at most {MAX_EXCEPTIONS} elements", code="too-long", params=params)
    if all(name in given for name in ("country", "subdivision", "on_holiday")):
        yield from holiday_rules.faults(given["country"], given["subdivision"], given["on_holiday"])
    elif given.get("country") is not None and (unknown := holiday_rules.country_fault(given["country"])) is not None:
        yield unknown


def parts_of(template: Mapping[str, Any]) -> int:
    """The windows and the farms of a round."""
    return len(template["windows"]) + len(template["farms"] or ())


def at_once(template: Mapping[str, Any]) -> int:
    """How many rounds are made in one unit of work."""
    return max(1, SLICE // (parts_of(template) + 1))


def ahead_fault(ahead: int, template: Mapping[str, Any]) -> FieldError | None:
    """The fault of more rounds ahead than there may be with so many windows and farms in each."""
    most = max(1, MAX_PARTS // max(1, parts_of(template)))
    if ahead <= most:
        return None
    message = f"must be at most {most} with so many windows and farms in each round"
    return FieldError("rounds_ahead", message, code="above-maximum", params={"maximum": str(most), "reason": "rounds"})


def to_make(
    when: Recurrence, opens: DayTime, closes: DayTime, zone: ZoneInfo, now: datetime, ahead: int
) -> tuple[list[Planned], datetime | None]:
    """The rounds that market days are to be made of by now: those that are not over, up to ``ahead`` that have not opened yet. And when the next is to be
    made: once the first of these opens; None if there are no more."""
    today = day_in(zone, now)
    found = rounds(when, max(today - LATE, date.min + LATE), today + HORIZON)
    present = [_planned(one, opens, zone) for one in found if closes.on(one.day, zone) > now]
    begun = [one for one in present if one.opens_at <= now]
    coming = sorted((one for one in present if one.opens_at > now), key=lambda one: (one.opens_at, one.of))
    return [*begun, *coming[:ahead]], coming[0].opens_at if coming else None


def _planned(one: Round, opens: DayTime, zone: ZoneInfo) -> Planned:
    return Planned(one.of, one.day, opens.on(one.day, zone))


def is_round(when: Recurrence, of: date) -> date | None:
    """The day of a round that is known by its day of the rule; None if the schedule has it no more."""
    return next((one.day for one in rounds(when, of, of)), None)


def time_faults(
    opens: DayTime, closes: DayTime, windows: Sequence[tuple[str, DayTime, DayTime]]
) -> Iterator[FieldError]:
    """Faults in the times of a round, as they are on a day without a change of the clock; of each window its path, its begin and its end."""
    begin, end = ((one.day, one.at) for one in (opens, closes))
    if end <= begin:
        yield FieldError("closes", "must be later than opens", code="before-start")
    for path, start, over in windows:
        if (over.day, over.at) <= (start.day, start.at):
            yield FieldError(f"{path}.to", "must be later than from", code="before-start")
        elif (over.day, over.at) <= begin:
            yield FieldError(f"{path}.to", "must be later than opens", code="before-start")
