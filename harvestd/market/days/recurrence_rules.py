"""Recurrence of rounds, by a part of RFC 5545's RRULE that cannot run away: days only, at most some hundred, asked within a span. Pure.

The days are made here, period by period: python-dateutil looks for a rule's next day until the year 9999, so one without any (the fifth of a month's
last days, say) holds the process for most of a second. The tests compare the two.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import islice, takewhile
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid

MAX_TEXT, MAX_INTERVAL, MAX_COUNT, MAX_LISTED = 300, 100, 500, 31
#: A rule is of use if it has a round within this time; with COUNT it ends within the second.
SOON, LONGEST = timedelta(days=5 * 366), timedelta(days=20 * 366)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY")
#: The first day of any schedule.
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)
_NUMBER, _NUMBERS = re.compile(r"[1-9][0-9]{0,3}"), re.compile(r"[+-]?[1-9][0-9]?(?:,[+-]?[1-9][0-9]?){0,61}")
_BY_DAY = re.compile(r"(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)(?:,(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)){0,61}")
_UNTIL = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
EXAMPLE = "FREQ=WEEKLY;BYDAY=SA"


@attrs.frozen(kw_only=True)
class Rule:
    """A rule. ``by_day`` has pairs of an ordinal within the month (0: every) and a weekday (0 is Monday); lists that are empty are not given."""

    frequency: str
    interval: int = 1
    by_day: tuple[tuple[int, int], ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()
    count: int | None = None
    until: date | None = None

    @property
    def text(self) -> str:
        """The rule in its one spelling."""
        days = ",".join(f"{nth or ''}{WEEKDAYS[day]}" for nth, day in self.by_day)
        parts = {
            "FREQ": self.frequency,
            "INTERVAL": "" if self.interval == 1 else self.interval,
            "BYDAY": days,
            "BYMONTHDAY": ",".join(map(str, self.by_month_day)),
            "BYSETPOS": ",".join(map(str, self.by_set_pos)),
            "COUNT": self.count or "",
            "UNTIL": self.until.strftime("%Y%m%d") if self.until else "",
        }
        return ";".join(f"{name}={value}" for name, value in parts.items() if value)


def parsed(field: str, text: str) -> Rule:
    """The rule that a text says; raises :class:`Invalid` naming ``field``, what is wrong in it and the cure."""
    if len(text) > MAX_TEXT:
        params = {"maximum": str(MAX_TEXT)}
        raise Invalid.of(field, f"must have at most {MAX_TEXT} characters", "too-long", **params)
    given: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if name not in _READERS or not equals:
            allowed = ", ".join(_READERS)
            message = f"must be parts NAME=VALUE joined by semicolons, such as {EXAMPLE}; the names are {allowed}"
            raise Invalid.of(field, message, "wrong-form", reason="rule-parts", example=EXAMPLE)
        if name in given:
            raise Invalid.of(field, f"has {name} twice; give it once", "given-twice", value=name)
        given[name] = value
    found = {_NAMES[name]: _READERS[name](field, value) for name, value in given.items()}
    if "frequency" not in found:
        raise Invalid.of(field, f"needs FREQ, such as {EXAMPLE}", "required", reason="rule-frequency")
    rule = Rule(**found)
    if (fault := _together(field, rule)) is not None:
        raise Invalid(f"{fault.field}: {fault.message}", (fault,))
    return rule


def _part(field: str, name: str, form: str, example: str) -> Invalid:
    """The refusal of the value of a part."""
    return Invalid.of(
        field, f"has a {name} that is not {form}", "wrong-form", reason=f"rule-{name.lower()}", example=example
    )


def _frequency(field: str, value: str) -> str:
    if value not in FREQUENCIES:
        raise _part(field, "FREQ", f"one of {', '.join(FREQUENCIES)}", EXAMPLE)
    return value


def _number(name: str, most: int) -> Callable[[str, str], int]:
    def read(field: str, value: str) -> int:
        if not _NUMBER.fullmatch(value) or int(value) > most:
            raise _part(field, name, f"a number from 1 to {most}", f"{name}=2")
        return int(value)

    return read


def _numbers(name: str) -> Callable[[str, str], tuple[int, ...]]:
    def read(field: str, value: str) -> tuple[int, ...]:
        found = tuple(dict.fromkeys(map(int, value.split(",")))) if _NUMBERS.fullmatch(value) else ()
        if not found or len(found) > MAX_LISTED or any(abs(one) > 31 for one in found):
            form = f"1 to 31, or -1 to -31 from the end, at most {MAX_LISTED} of them, separated by commas"
            raise _part(field, name, form, f"{name}=1,-1")
        return found

    return read


def _by_day(field: str, value: str) -> tuple[tuple[int, int], ...]:
    found = dict.fromkeys(value.split(",")) if _BY_DAY.fullmatch(value) else {}
    if not found or len(found) > MAX_LISTED:
        raise _part(field, "BYDAY", f"weekdays {', '.join(WEEKDAYS)}, of a month also 1SA or -1SU", "BYDAY=WE,SA")
    return tuple(dict.fromkeys((int(one[:-2] or 0), WEEKDAYS.index(one[-2:])) for one in found))


def _until(field: str, value: str) -> date:
    found = _UNTIL.fullmatch(value)
    try:
        if found is not None:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:  # the 30th of February
        pass
    raise _part(field, "UNTIL", "a day, YYYYMMDD, without a time", "UNTIL=20301231")


_READERS: dict[str, Callable[[str, str], Any]] = {
    "FREQ": _frequency, "INTERVAL": _number("INTERVAL", MAX_INTERVAL), "BYDAY": _by_day, "BYMONTHDAY": _numbers("BYMONTHDAY"),
    "BYSETPOS": _numbers("BYSETPOS"), "COUNT": _number("COUNT", MAX_COUNT), "UNTIL": _until,
}  # fmt: skip
_NAMES = {
    "FREQ": "frequency", "INTERVAL": "interval", "BYDAY": "by_day", "BYMONTHDAY": "by_month_day", "BYSETPOS": "by_set_pos",
    "COUNT": "count", "UNTIL": "until",
}  # fmt: skip


def _together(field: str, rule: Rule) -> FieldError | None:
    """What is wrong with parts that are each right."""
    if rule.count and rule.until:
        return _not_together(field, "COUNT", "UNTIL", "give one of them")
    if rule.by_set_pos and not (rule.by_day or rule.by_month_day):
        message = "has a BYSETPOS, which picks among the days of BYDAY or BYMONTHDAY; give one of these, too"
        return FieldError(field, message, code="required", params={"reason": "rule-bysetpos"})
    if rule.frequency == "WEEKLY" and rule.by_month_day:
        return _not_together(field, "BYMONTHDAY", "FREQ=WEEKLY", "take FREQ=MONTHLY")
    if rule.frequency != "MONTHLY" and any(nth for nth, _ in rule.by_day):
        message = f"has a BYDAY with a number, which counts within a month; take FREQ=MONTHLY, not {rule.frequency}"
        return FieldError(field, message, code="not-accepted", params={"reason": "rule-ordinals"})
    return None


def _not_together(field: str, one: str, other: str, cure: str) -> FieldError:
    message = f"has {one} and {other}, which do not go together; {cure}"
    return FieldError(field, message, code="not-accepted", params={"reason": "rule-together"})


def ever(field: str, rule: Rule, first: date) -> FieldError | None:
    """The fault of a rule that has no round soon after its first day."""
    if next(days(rule, first, first, first + SOON), None) is not None:
        return None
    message = "has no day within five years of its first one; check its numbers, and its UNTIL"
    return FieldError(field, message, code="not-accepted", params={"reason": "rule-never"})


def days(rule: Rule, first: date, start: date, end: date) -> Iterator[date]:
    """The days of a rule that begins on ``first``, from ``start`` to ``end``, both included, in order. The time that this takes goes by the
    length of that span alone or, with COUNT, is bounded by :data:`LONGEST`."""
    last = min(end, rule.until or end, first + LONGEST if rule.count else end)
    since = first if rule.count else max(first, start)
    found = (
        day for period in _periods(rule, first, since, last) for day in _chosen(rule, first, period) if day >= first
    )
    for day in takewhile(lambda day: day <= last, islice(found, rule.count)):
        if day >= start:
            yield day


def _periods(rule: Rule, first: date, since: date, last: date) -> Iterator[date]:
    """The first days of the periods that the rule visits: the days, the weeks from Monday, or the months; from that of ``since`` on."""
    if rule.frequency == "MONTHLY":
        gone = (since.year - first.year) * 12 + since.month - first.month
        month = first.year * 12 + first.month - 1 + gone // rule.interval * rule.interval
        while month // 12 <= last.year and (day := date(month // 12, month % 12 + 1, 1)) <= last:
            yield day
            month += rule.interval
        return
    weekly = rule.frequency == "WEEKLY"
    begin = first - timedelta(days=first.weekday()) if weekly else first
    step = rule.interval * (WEEK if weekly else DAY)
    day = begin + max(0, (since - begin) // step) * step
    while day <= last:
        yield day
        day += step


def _chosen(rule: Rule, first: date, period: date) -> list[date]:
    """The days of a period that the rule has, in order."""
    if rule.frequency == "DAILY":
        found = [period]
    elif rule.frequency == "WEEKLY":
        found = [period + n * DAY for n in range(7)]
    else:
        found = [period + n * DAY for n in range(monthrange(period.year, period.month)[1])]
    if rule.by_month_day:
        found = [day for day in found if _in_month(day) & set(rule.by_month_day)]
    if rule.by_day:
        found = [
            day for day in found if any(wd == day.weekday() and (not n or n in _nths(day)) for n, wd in rule.by_day)
        ]
    elif rule.frequency == "WEEKLY":
        found = [day for day in found if day.weekday() == first.weekday()]
    elif rule.frequency == "MONTHLY" and not rule.by_month_day:
        found = [day for day in found if day.day == first.day]
    if rule.by_set_pos:
        places = {n - 1 if n > 0 else len(found) + n for n in rule.by_set_pos}
        found = [day for n, day in enumerate(found) if n in places]
    return found


def _in_month(day: date) -> set[int]:
    """The numbers of a day within its month, from its beginning and from its end."""
    return {day.day, day.day - 1 - monthrange(day.year, day.month)[1]}


def _nths(day: date) -> set[int]:
    """The numbers of a weekday among those of its month, from its beginning and from its end."""
    return {(day.day - 1) // 7 + 1, -((monthrange(day.year, day.month)[1] - day.day) // 7 + 1)}
