"""Pick-up points of the market and of farms, as they are sent and shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.days.window_shapes import CapacityIn, CapacityOut
from harvestd.market.farms.delivery_shapes import PointPosition, PointPositionIn
from harvestd.market.farms.rules import MAX_ADDRESS, MAX_HOURS, MAX_POINT_NAME
from harvestd.web.shapes import CountedQuery, FarmId, In, Named, Out

Name = Annotated[str, Meta(min_length=1, max_length=MAX_POINT_NAME)]
Address = Annotated[str, Meta(max_length=MAX_ADDRESS)]
Hours = Annotated[str, Meta(max_length=MAX_HOURS, examples=["Sat 9:00-12:00"])]


class NewMarketPoint(In, kw_only=True, frozen=True):
    """A pick-up point to make: of the market or, with ``farm_id``, of that farm."""

    farm_id: FarmId | None = None
    name: Name
    address: Address = ""
    position: PointPositionIn | None = None
    hours: Hours = ""
    capacity: CapacityIn | None = None


class ChangeMarketPoint(In, kw_only=True, frozen=True):
    """The fields to change."""

    name: Name | UnsetType = UNSET
    address: Address | UnsetType = UNSET
    position: PointPositionIn | UnsetType | None = UNSET
    hours: Hours | UnsetType = UNSET
    capacity: CapacityIn | UnsetType | None = UNSET


class MarketPoint(Out, kw_only=True, frozen=True):
    """A place where goods are picked up: of the market, or of one farm. The version and the times of a farm's point are the farm's."""

    id: str
    farm: Named | None
    name: str
    address: str
    position: PointPosition | None
    hours: str
    capacity: CapacityOut
    version: int
    created_at: datetime
    updated_at: datetime


class MarketPointsQuery(CountedQuery, kw_only=True, frozen=True):
    """The market's pick-up points; a farm's are in the farm."""


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "MarketPoint.farm": "The farm whose point it is; null: the market's.",
    "NewMarketPoint.farm_id": "The farm whose point it is; null or left out: the market's, which its staff make.",
    **dict.fromkeys(("MarketPoint.position", "NewMarketPoint.position", "ChangeMarketPoint.position"), "Where it is, in degrees; null if unknown."),
    **dict.fromkeys(("MarketPoint.hours", "NewMarketPoint.hours", "ChangeMarketPoint.hours"), "When it is open, in words."),
    **dict.fromkeys(
        ("MarketPoint.capacity", "NewMarketPoint.capacity", "ChangeMarketPoint.capacity"),
        "How much one window there takes, unless the window says otherwise. Only of the market's points.",
    ),
}  # fmt: skip
