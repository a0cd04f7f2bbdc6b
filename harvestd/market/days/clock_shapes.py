"""Moving the market's clock, and what happened on the way."""

from __future__ import annotations

from datetime import datetime

from msgspec import field

from harvestd.web.shapes import In, Out


class MoveClock(In, kw_only=True, frozen=True):
    """The time that the market is to have."""

    to: datetime


class Happened(Out, kw_only=True, frozen=True):
    """An event on the way."""

    type: str
    at: datetime
    about: str


class ClockMoved(Out, kw_only=True, frozen=True):
    """What the market's time was and is, and what happened in between, in order."""

    from_: datetime = field(name="from")
    now: datetime
    reached: bool
    happened: list[Happened]
    more: bool


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "MoveClock.to": "Later than the market's present time, by 400 days at most.",
    "ClockMoved.from": "What it was.",
    "ClockMoved.now": "What it is.",
    "reached": "Whether that is what was asked for. False: very much was due; ask again for the rest.",
    "happened": "The events that what was due has caused, in order; what they cause in turn follows.",
    "ClockMoved.more": "Whether there were more than are listed.",
    "Happened.type": "The event's type.",
    "Happened.at": "The market's time at which it happened.",
    "about": "What it is about: the kind of thing, and its id.",
}
