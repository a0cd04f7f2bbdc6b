"""Rounds on public holidays: kept, skipped, or moved to a working day. Which days are holidays says the library of that name. Pure."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any, Literal

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.market.days.recurrence_rules import DAY, Rule, days

OnHoliday = Literal["keep", "skip", "next", "previous"]
#: The days that a round may be moved by, to find a working day; it is skipped if there is none.
FARTHEST = 14
#: Days besides the rule's, and days of it that are left out.
MAX_EXCEPTIONS = 200
#: How a country and a part of it are written; parts have spaces and hyphens within their codes (``Zone A``), and none at their ends.
_COUNTRY, _SUBDIVISION = re.compile(r"[A-Z]{2}"), re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,38}[A-Za-z0-9])?")


@attrs.frozen(kw_only=True)
class Recurrence:
    """When a schedule has rounds: by its rule from ``first`` on, without ``left_out``, and on the days ``besides``. ``on_holiday`` is what becomes of those
    on a public holiday of the country, and of its subdivision if there is one."""

    rule: Rule
    first: date
    left_out: frozenset[date] = frozenset()
    besides: frozenset[date] = frozenset()
    country: str | None = None
    subdivision: str | None = None
    on_holiday: OnHoliday = "keep"


@attrs.frozen(order=True)
class Round:
    """A round: ``of`` is the day by the rule, by which it is known, ``day`` the one on which it is."""

    of: date
    day: date


def faults(country: str | None, subdivision: str | None, on_holiday: str) -> Iterator[FieldError]:
    """Faults of the holidays that a schedule names."""
    if country is None:
        for name, given in (("subdivision", subdivision is not None), ("on_holiday", on_holiday != "keep")):
            if given:
                message = "goes by the public holidays of a country; give country, too"
                yield FieldError(name, message, code="not-accepted", params={"reason": "with-country"})
        return
    if (fault := country_fault(country)) is not None:
        yield fault
    elif subdivision is not None and (
        _SUBDIVISION.fullmatch(subdivision) is None or _calendar(country, subdivision) is None
    ):
        message = f"is no part of {country} whose public holidays are known; give its code (of ISO 3166-2, such as BY), or leave it out"
        yield FieldError("subdivision", message, code="not-found", params={"reason": "subdivision"})


def country_fault(country: str) -> FieldError | None:
    """The fault of a country whose public holidays are not known."""
    if _COUNTRY.fullmatch(country) is not None and _calendar(country, None) is not None:
        return None
    message = "must be the code of a country whose public holidays are known, two capitals, such as FR"
    return FieldError("country", message, code="wrong-form", params={"reason": "country", "example": "FR"})


@lru_cache(maxsize=64)
def _calendar(country: str, subdivision: str | None) -> Any:
    """The public holidays; None if they are not known. The library is loaded once somebody needs it: it takes some megabytes."""
    try:
        return _library().country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        return None


@cache
def _library() -> Any:
    """The library without its package of countries, which imports all 250 for any of them: a fifth of a second, in which nobody is answered. In one that is
    empty each is found as it is asked for, in some milliseconds."""
    holidays = import_module("holidays")
    found = find_spec("holidays.countries")
    if found is not None:
        sys.modules.setdefault("holidays.countries", module_from_spec(found))
    return holidays


def rounds(recurrence: Recurrence, start: date, end: date) -> list[Round]:
    """The rounds whose days by the rule are from ``start`` to ``end``, in the order of those. A round that would be moved to a day with a round
    is left out."""
    wide = timedelta(days=FARTHEST)
    by_rule = set(days(recurrence.rule, recurrence.first, max(start - wide, date.min + wide), end + wide))
    every = sorted((by_rule - recurrence.left_out) | recurrence.besides)
    calendar = _calendar(recurrence.country, recurrence.subdivision) if recurrence.country else None
    if calendar is None or recurrence.on_holiday == "keep":
        return [Round(of, of) for of in every if start <= of <= end]
    unmoved = {of for of in every if of not in calendar}
    found = [Round(of, of) for of in unmoved]
    taken: set[date] = set(unmoved)
    for of in every:
        if of not in unmoved and (day := _moved(of, recurrence.on_holiday, calendar, taken)) is not None:
            taken.add(day)
            found.append(Round(of, day))
    return sorted(one for one in found if start <= one.of <= end)


def _moved(of: date, how: str, calendar: Any, taken: Collection[date]) -> date | None:
    """The working day that a round on a holiday is moved to; None for one that is skipped."""
    step = {"next": DAY, "previous": -DAY}.get(how)
    if step is None:
        return None
    for n in range(1, FARTHEST + 1):
        if calendar.is_working_day(day := of + n * step):
            return None if day in taken else day
    return None
