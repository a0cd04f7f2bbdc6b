"""Market days, as they are sent, shown and listed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.days.day_rules import HOLD, MAX_FARMS, MAX_HOLD, MAX_LEAD, MAX_REASON, MAX_WINDOWS, STATUSES, TEXTS
from harvestd.market.days.window_shapes import Window, WindowIn
from harvestd.web.shapes import CountedQuery, FarmId, In, Metadata, Named, Out
from harvestd.web.vocabulary import closed

_STATUS = "`planned` until it opens, `open` until its cut-off, `closed` until the last goods have been handed over, then `done`; or `cancelled` by the market's staff."
DayStatus = Annotated[
    Literal["planned", "open", "closed", "done", "cancelled"], closed("MarketDayStatus", STATUSES, _STATUS)
]
DayStatusOut = Annotated[str, closed("MarketDayStatus", STATUSES, _STATUS)]
Name = Annotated[str, Meta(min_length=1, max_length=TEXTS["name"].longest)]
Hold = Annotated[int, Meta(ge=1, le=MAX_HOLD)]


class DayFarmIn(In, kw_only=True, frozen=True):
    """A farm that takes part, and how many minutes earlier the day closes for it."""

    farm_id: FarmId
    lead_minutes: Annotated[int, Meta(ge=0, le=MAX_LEAD)] = 0


class DayFarm(Out, kw_only=True, frozen=True):
    """A farm that takes part; ``closes_at`` is its own cut-off."""

    farm: Named
    farm_id: str
    lead_minutes: int
    closes_at: datetime


Farms = Annotated[list[DayFarmIn], Meta(min_length=1, max_length=MAX_FARMS)]
Windows = Annotated[list[WindowIn], Meta(max_length=MAX_WINDOWS)]


class NewMarketDay(In, kw_only=True, frozen=True):
    """A market day to make; without ``farms``, all farms take part."""

    name: Name
    opens_at: datetime
    closes_at: datetime
    farms: Farms | None = None
    windows: Windows = []
    holds_minutes: Hold = HOLD
    metadata: Metadata = {}


class ChangeMarketDay(In, kw_only=True, frozen=True):
    """The fields to change. ``windows`` are all that the day has then: those with an ``id`` stay, or change, the others are new, and what is left out goes."""

    name: Name | UnsetType = UNSET
    opens_at: datetime | UnsetType = UNSET
    closes_at: datetime | UnsetType = UNSET
    farms: Farms | UnsetType | None = UNSET
    windows: Windows | UnsetType = UNSET
    holds_minutes: Hold | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class CopyMarketDay(In, kw_only=True, frozen=True):
    """When the copy opens; all its other times are as many days later, at the same time of the clock."""

    opens_at: datetime
    name: Name | None = None


class CancelMarketDay(In, kw_only=True, frozen=True):
    """The reason, which buyers and farms are told."""

    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class MarketDay(Out, kw_only=True, frozen=True):
    """One round of selling."""

    id: str
    name: str
    status: DayStatusOut
    opens_at: datetime
    closes_at: datetime
    ends_at: datetime
    farms: list[DayFarm] | None
    windows: list[Window]
    holds_minutes: int
    metadata: dict[str, str]
    version: int
    created_at: datetime
    updated_at: datetime


class MarketDaysQuery(CountedQuery, kw_only=True, frozen=True):
    """Market days with a status, or all."""

    status: DayStatus | None = None


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "opens_at": "When selling begins.",
    "closes_at": "The cut-off: when selling ends, unless the day is full, or closed by the staff, before. One that was full opens again when a place returns before it.",
    "DayFarm.closes_at": "The farm's own cut-off.",
    "ends_at": "When the last goods have been handed over: the end of the last window.",
    "MarketDay.farms": "The farms that take part; null: all do.",
    "NewMarketDay.farms": "The farms that take part; null or left out: all do.",
    "ChangeMarketDay.farms": "The farms that take part; null: all do.",
    "lead_minutes": "How many minutes before the day its own cut-off is.",
    "holds_minutes": "How many minutes a quote for windows of the day holds its prices, its stock and its places in them; of several days, the least counts, and nothing is held longer than its window lasts.",
    "MarketDaysQuery.status": "Only market days with this status.",
    "CopyMarketDay.name": "Its name; null or left out: that of the day.",
    "DayFarm.farm_id": "The same as `farm.id`, as it is sent.",
}  # fmt: skip
