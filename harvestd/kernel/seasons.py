"""Seasons: yearly from ``MM-DD`` to ``MM-DD``, possibly across New Year; or once from ``YYYY-MM-DD`` to ``YYYY-MM-DD``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import attrs

from harvestd.kernel import readers
from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.names import accept


@attrs.frozen
class Season:
    """First and last day, inclusive, in one of the two forms."""

    first: str
    last: str


def faults(days: Mapping[str, str]) -> list[FieldError]:
    """The errors of a season's single days: of ``from`` and ``to``, if given."""
    message = "must be a day, MM-DD for every year or YYYY-MM-DD for one"
    return [
        FieldError(f"season.{name}", message, code="not-a-date", params={"example": "05-01"})
        for name, day in days.items()
        if not _is_day(day)
    ]


def checked(first: str, last: str) -> Season:
    """A season from its two days; raises :class:`Invalid` naming ``season.from``, ``season.to`` or both."""
    accept(*faults({"from": first, "to": last}))
    if len(first) != len(last):
        raise Invalid.of(
            "season.to",
            "must be written like season.from: both as MM-DD or both as YYYY-MM-DD",
            "wrong-form",
            reason="as-from",
        )
    if len(first) == 10 and last < first:
        raise Invalid.of("season.to", "must not be before season.from", "before-start")
    return Season(first, last)


def _is_day(day: str) -> bool:
    return readers.is_yearly_day(day) or readers.is_day(day)


def in_season(first: str | None, last: str | None, today: date) -> bool:
    """Whether ``today`` is in the season; always true without one."""
    if first is None or last is None:
        return True
    day = today.isoformat() if len(first) == 10 else today.isoformat()[5:]
    return first <= day <= last if first <= last else day >= first or day <= last
