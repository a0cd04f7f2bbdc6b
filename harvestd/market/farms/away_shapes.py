"""Days on which a farm is away."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, field

from harvestd.market.farms.away_rules import MAX_NOTE, MAX_PERIODS
from harvestd.web.shapes import In, Out


class AwayIn(In, kw_only=True, frozen=True):
    """From a first to a last day, both included, and what buyers are told of it."""

    from_: date = field(name="from")
    to: date
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""


class Away(Out, kw_only=True, frozen=True):
    """From a first to a last day, both included, and what buyers are told of it."""

    from_: date = field(name="from")
    to: date
    note: str


Aways = Annotated[list[AwayIn], Meta(max_length=MAX_PERIODS)]

#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "away": "Days on which the farm sells nothing, in the market's time zone; those that are over are left out.",
    "away_until": "The last day of the farm's absence; null if it is here today.",
    **dict.fromkeys(("Away.from", "AwayIn.from"), "The first day."),
    **dict.fromkeys(("Away.to", "AwayIn.to"), "The last day."),
    **dict.fromkeys(("Away.note", "AwayIn.note"), "What buyers are told of it."),
}
