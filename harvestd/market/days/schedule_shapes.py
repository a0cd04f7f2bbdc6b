"""Schedules of market days, as they are sent, shown and listed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from harvestd.market.days.day_rules import HOLD
from harvestd.market.days.day_shapes import Farms, Hold, Name
from harvestd.market.days.holiday_rules import MAX_EXCEPTIONS
from harvestd.market.days.recurrence_rules import EXAMPLE, MAX_TEXT
from harvestd.market.days.schedule_rules import MAX_AHEAD, MAX_DAYS
from harvestd.market.days.window_shapes import (
    CapacityIn,
    CapacityOut,
    FulfilmentMethod,
    FulfilmentMethodOut,
    WindowArea,
    WindowAreaIn,
)
from harvestd.web.reading import form
from harvestd.web.shapes import CountedQuery, Id, In, Metadata, Named, Out
from harvestd.web.vocabulary import closed

_ON_HOLIDAY = ("keep", "skip", "next", "previous")
_MEANS = "What becomes of a round on a public holiday: it is kept, skipped, or on the next or the previous working day."
OnHoliday = Annotated[Literal["keep", "skip", "next", "previous"], closed("OnHoliday", _ON_HOLIDAY, _MEANS)]
OnHolidayOut = Annotated[str, closed("OnHoliday", _ON_HOLIDAY, _MEANS)]
RuleText = Annotated[
    str,
    form(
        "[A-Za-z0-9=;,+:-]{1,300}",
        kind=f"must be parts NAME=VALUE joined by semicolons, such as {EXAMPLE}",
        max_length=MAX_TEXT,
        examples=[EXAMPLE],
    ),
]
Days = Annotated[list[date], Meta(max_length=MAX_EXCEPTIONS)]
Country = Annotated[str, form("[A-Z]{2}", kind="must be two capitals, such as FR", examples=["FR"])]
Subdivision = Annotated[
    str,
    form(
        "[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,38}[A-Za-z0-9])?",
        kind="must be a code of ISO 3166-2, such as BY",
        examples=["BY"],
    ),
]
Ahead = Annotated[int, Meta(ge=1, le=MAX_AHEAD)]
ClockTime = Annotated[
    str, form("(?:[01][0-9]|2[0-3]):[0-5][0-9]", description="A time of the market's clock.", examples=["08:00"])
]


class DayTimeIn(In, kw_only=True, frozen=True):
    """A time of the clock, so many days after the day of the round (before it, if negative)."""

    day: Annotated[int, Meta(ge=-MAX_DAYS, le=MAX_DAYS)] = 0
    at: ClockTime


class DayTimeOut(Out, kw_only=True, frozen=True):
    """A time of the clock, so many days after the day of the round (before it, if negative)."""

    day: int
    at: str


class ScheduledWindowIn(In, kw_only=True, frozen=True):
    """A window that each round has."""

    method: FulfilmentMethod
    pickup_point_id: Id | None = None
    area: WindowAreaIn | None = None
    from_: DayTimeIn = field(name="from")
    to: DayTimeIn
    capacity: CapacityIn | None = None


class ScheduledWindow(Out, kw_only=True, frozen=True):
    """A window that each round has."""

    method: FulfilmentMethodOut
    pickup_point_id: str | None
    area: WindowArea | None
    from_: DayTimeOut = field(name="from")
    to: DayTimeOut
    capacity: CapacityOut | None


class ScheduledFarm(Out, kw_only=True, frozen=True):
    """A farm that takes part in each round."""

    farm: Named
    farm_id: str
    lead_minutes: int


Windows = Annotated[list[ScheduledWindowIn], Meta(max_length=100)]


class NewMarketSchedule(In, kw_only=True, frozen=True):
    """A schedule to make: when its rounds are, and what each is like."""

    name: Name
    rule: RuleText
    first: date
    exceptions: Days = []
    extra_days: Days = []
    country: Country | None = None
    subdivision: Subdivision | None = None
    on_holiday: OnHoliday = "keep"
    rounds_ahead: Ahead | None = None
    opens: DayTimeIn
    closes: DayTimeIn
    farms: Farms | None = None
    windows: Windows = []
    holds_minutes: Hold = HOLD
    metadata: Metadata = {}


class ChangeMarketSchedule(In, kw_only=True, frozen=True):
    """The fields to change."""

    name: Name | UnsetType = UNSET
    rule: RuleText | UnsetType = UNSET
    first: date | UnsetType = UNSET
    exceptions: Days | UnsetType = UNSET
    extra_days: Days | UnsetType = UNSET
    country: Country | UnsetType | None = UNSET
    subdivision: Subdivision | UnsetType | None = UNSET
    on_holiday: OnHoliday | UnsetType = UNSET
    rounds_ahead: Ahead | UnsetType | None = UNSET
    opens: DayTimeIn | UnsetType = UNSET
    closes: DayTimeIn | UnsetType = UNSET
    farms: Farms | UnsetType | None = UNSET
    windows: Windows | UnsetType = UNSET
    holds_minutes: Hold | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class MarketSchedule(Out, kw_only=True, frozen=True):
    """A schedule of market days."""

    id: str
    name: str
    rule: str
    first: date
    exceptions: list[date]
    extra_days: list[date]
    country: str | None
    subdivision: str | None
    on_holiday: OnHolidayOut
    rounds_ahead: int | None
    opens: DayTimeOut
    closes: DayTimeOut
    farms: list[ScheduledFarm] | None
    windows: list[ScheduledWindow]
    holds_minutes: int
    metadata: dict[str, str]
    version: int
    created_at: datetime
    updated_at: datetime


class MarketSchedulesQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of schedules."""


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "rule": "When there are rounds, in a part of RFC 5545's RRULE: `FREQ` (`DAILY`, `WEEKLY`, `MONTHLY`), `INTERVAL`, `BYDAY`, `BYMONTHDAY`, `BYSETPOS`, `COUNT`, `UNTIL` (a day).",
    "first": "The day from which the rule counts.",
    "exceptions": "Days of the rule without a round.",
    "extra_days": "Days with a round besides those of the rule.",
    "country": "The country whose public holidays count, two capitals; null: none.",
    "subdivision": "The part of the country whose public holidays count, too, by its code (ISO 3166-2 behind the hyphen); null: those of the whole.",
    "on_holiday": "What becomes of a round on a public holiday.",
    "rounds_ahead": "How many rounds are made ahead; null: as the market's setting says.",
    "opens": "When selling begins.",
    "closes": "The cut-off.",
    **dict.fromkeys(("DayTimeIn.day", "DayTimeOut.day"), "Days after that of the round; negative: before it."),
    **dict.fromkeys(("DayTimeIn.at", "DayTimeOut.at"), "The time of the market's clock."),
    **dict.fromkeys(("ScheduledWindowIn.from", "ScheduledWindow.from"), "When handing over begins."),
    **dict.fromkeys(("ScheduledWindowIn.to", "ScheduledWindow.to"), "When it ends."),
    **dict.fromkeys(("ScheduledWindowIn.pickup_point_id", "ScheduledWindow.pickup_point_id"), "Where goods are picked up: a point of the market, or of a farm."),
    **dict.fromkeys(("ScheduledWindowIn.area", "ScheduledWindow.area"), "Where they are delivered; null: anywhere, or a pick-up."),
    **dict.fromkeys(("MarketSchedule.farms", "NewMarketSchedule.farms", "ChangeMarketSchedule.farms"), "The farms that take part in each round; null: all do."),
    "ScheduledFarm.farm_id": "The same as `farm.id`, as it is sent.",
}  # fmt: skip
