"""The directory's seasons are free text: ``05/12/2014 to 10/20/2014``, ``May to October``, ``June 5, 2012 to Oct 30,
2012``, sometimes only half of it. The parseable ones are merged into one part of the year."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

import attrs

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: Days are counted in a leap year, so that 02-29 is a day of the year.
_NUMBERS = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_WORDS = re.compile(r"([A-Za-z]{3,9})(?: ([0-9]{1,2}), ?([0-9]{4}))?")
_FIRST, _DAYS = date(2000, 1, 1), 366


@attrs.frozen
class _Span:
    """A span of ``days`` days from day ``first`` of the year (0 is January 1st)."""

    first: int
    days: int


def season_of(texts: Iterable[str]) -> tuple[str, str] | None:
    """First and last day, ``MM-DD``, of the year without the longest gap between the spans that ``texts`` name; None if
    none of them can be parsed. The season may span New Year."""
    spans = [span for span in map(_span, texts) if span is not None]
    days = sorted({(span.first + n) % _DAYS for span in spans for n in range(span.days)})
    if not days:
        return None
    gaps = [((after - day - 1) % _DAYS, day, after) for day, after in zip(days, days[1:] + days[:1], strict=True)]
    _, last, first = max(gaps)
    return _month_day(first), _month_day(last)


def _span(text: str) -> _Span | None:
    ends = " ".join(text.split()).split(" to ")
    if len(ends) != 2:
        return None
    first, last = _date(ends[0], False), _date(ends[1], True)
    if first is None or last is None:
        return None
    days = (_count(last) - _count(first)) % _DAYS + 1
    if first.year != _FIRST.year and last.year != _FIRST.year:  # both have a year
        length = (last - first).days
        days = _DAYS if length >= 364 else days if length >= 0 else 0
    return _Span(_count(first), days) if days else None


def _date(text: str, is_last: bool) -> date | None:
    """A day; without a year it is in 2000, and a month alone is its first or last day."""
    try:
        if numbers := _NUMBERS.fullmatch(text):
            return date(int(numbers[3]), int(numbers[1]), int(numbers[2]))
        if words := _WORDS.fullmatch(text):
            month = MONTHS.index(words[1][:3].lower()) + 1
            if words[2]:
                return date(int(words[3]), month, int(words[2]))
            after = date(_FIRST.year + month // 12, month % 12 + 1, 1)
            return after - timedelta(days=1) if is_last else date(_FIRST.year, month, 1)
    except ValueError:
        pass
    return None


def _count(day: date) -> int:
    return (day.replace(year=_FIRST.year) - _FIRST).days


def _month_day(number: int) -> str:
    return (_FIRST + timedelta(days=number)).isoformat()[5:]
