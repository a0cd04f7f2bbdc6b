"""Seasons: ``MM-DD`` to ``MM-DD``, every year and perhaps across New Year; or ``YYYY-MM-DD`` to ``YYYY-MM-DD``, once."""

from __future__ import annotations

from datetime import date

import attrs

from harvestd.market.errors import Invalid


@attrs.frozen
class Season:
    """First and last day, both included, in one of the two forms."""

    first: str
    last: str


def checked(first: str, last: str) -> Season:
    """A season from its two days; raises :class:`Invalid` naming ``season.from`` or ``season.to``."""
    for field, day in (("season.from", first), ("season.to", last)):
        if not _is_day(day):
            raise Invalid.of(field, "must be a day, MM-DD for every year or YYYY-MM-DD for one")
    if len(first) != len(last):
        raise Invalid.of("season.to", "must have the form of season.from: both MM-DD or both YYYY-MM-DD")
    if len(first) == 10 and last < first:
        raise Invalid.of("season.to", "must not be before season.from")
    return Season(first, last)


def _is_day(day: str) -> bool:
    if len(day) not in (5, 10) or not day.isascii():
        return False
    try:
        # 2000 is a leap year: 02-29 is a day of the year
        return date.fromisoformat(day if len(day) == 10 else f"2000-{day}") is not None
    except ValueError:
        return False


def in_season(first: str | None, last: str | None, today: date) -> bool:
    """Whether ``today`` lies within; without a season always."""
    if first is None or last is None:
        return True
    day = today.isoformat() if len(first) == 10 else today.isoformat()[5:]
    return first <= day <= last if first <= last else day >= first or day <= last
