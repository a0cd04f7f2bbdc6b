"""Recurrence: the rules that are taken, the days that they have (as python-dateutil has them), and what is refused, with its cure."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule, weekday
from hypothesis import given, settings
from hypothesis import strategies as st

from harvestd.kernel.errors import Invalid
from harvestd.market.days.recurrence_rules import Rule, days, ever, parsed

FIRST = date(2026, 1, 3)
YEAR_ON = date(2027, 1, 3)
_FREQUENCIES = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("FREQ=WEEKLY", ["2026-01-03", "2026-01-10", "2026-01-17"]),
        ("FREQ=WEEKLY;BYDAY=WE,SA", ["2026-01-03", "2026-01-07", "2026-01-10"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", ["2026-01-13", "2026-01-27", "2026-02-10"]),
        ("FREQ=MONTHLY", ["2026-01-03", "2026-02-03", "2026-03-03"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("FREQ=MONTHLY;BYDAY=1SA,-1SU", ["2026-01-03", "2026-01-25", "2026-02-07"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        ("FREQ=DAILY;INTERVAL=10", ["2026-01-03", "2026-01-13", "2026-01-23"]),
        ("freq=daily;count=2", ["2026-01-03", "2026-01-04"]),
        ("RRULE:FREQ=DAILY;UNTIL=20260104", ["2026-01-03", "2026-01-04"]),
    ],
)
def test_a_rule_has_these_days(text: str, first: list[str]) -> None:
    found = list(days(parsed("rule", text), FIRST, FIRST, YEAR_ON))
    assert [day.isoformat() for day in found[:3]] == first


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "wrong-form", "FREQ=WEEKLY;BYDAY=SA"),
        ("every saturday", "wrong-form", "FREQ=WEEKLY;BYDAY=SA"),
        ("INTERVAL=2", "required", "FREQ"),
        ("FREQ=YEARLY", "wrong-form", "DAILY, WEEKLY, MONTHLY"),
        ("FREQ=SECONDLY", "wrong-form", "DAILY"),
        ("FREQ=WEEKLY;FREQ=DAILY", "given-twice", "once"),
        ("FREQ=WEEKLY;BYHOUR=3", "wrong-form", "names are"),
        ("FREQ=WEEKLY;INTERVAL=0", "wrong-form", "1 to 100"),
        ("FREQ=WEEKLY;INTERVAL=101", "wrong-form", "1 to 100"),
        ("FREQ=WEEKLY;INTERVAL=-1", "wrong-form", "1 to 100"),
        ("FREQ=WEEKLY;INTERVAL=٢", "wrong-form", "1 to 100"),
        ("FREQ=WEEKLY;INTERVAL=2\n", "wrong-form", "1 to 100"),
        ("FREQ=WEEKLY;COUNT=501", "wrong-form", "1 to 500"),
        ("FREQ=WEEKLY;COUNT=1e2", "wrong-form", "1 to 500"),
        ("FREQ=WEEKLY;BYDAY=XX", "wrong-form", "MO, TU"),
        ("FREQ=WEEKLY;BYDAY=1SA", "not-accepted", "FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYDAY=6SA", "wrong-form", "1SA"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "wrong-form", "1 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "wrong-form", "1 to 31"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "not-accepted", "FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYSETPOS=1", "required", "BYDAY or BYMONTHDAY"),
        ("FREQ=WEEKLY;UNTIL=20260230", "wrong-form", "YYYYMMDD"),
        ("FREQ=WEEKLY;UNTIL=20260201T000000Z", "wrong-form", "YYYYMMDD"),
        ("FREQ=WEEKLY;COUNT=3;UNTIL=20260301", "not-accepted", "one of them"),
        ("FREQ=WEEKLY;" * 40, "too-long", "300"),
    ],
)
def test_what_is_refused_says_the_field_and_the_cure(text: str, code: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        parsed("rule", text)
    (fault,) = refused.value.errors
    assert (fault.field, fault.code) == ("rule", code)
    assert says in fault.message


def test_a_rule_without_any_day_is_told_from_one_that_has_some() -> None:
    for text in (
        "FREQ=MONTHLY;BYMONTHDAY=31;BYSETPOS=5",
        "FREQ=WEEKLY;UNTIL=20250101",
        "FREQ=DAILY;BYMONTHDAY=1;BYSETPOS=2",
    ):
        fault = ever("rule", parsed("rule", text), FIRST)
        assert fault is not None and fault.code == "not-accepted"
    assert ever("rule", parsed("rule", "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=29"), date(2026, 2, 1)) is None


@pytest.mark.parametrize(
    "text",
    ["FREQ=MONTHLY;BYMONTHDAY=31;BYSETPOS=5", "FREQ=DAILY;BYMONTHDAY=31;COUNT=500", "FREQ=DAILY;BYDAY=MO;BYMONTHDAY=1"],
)
def test_no_rule_runs_away(text: str) -> None:
    began = time.process_time()
    list(days(parsed("rule", text), date(2000, 1, 1), date(2100, 1, 1), date(2102, 1, 1)))
    assert time.process_time() - began < 0.25


def test_what_a_rule_has_in_a_span_does_not_depend_on_where_the_span_begins() -> None:
    rule = parsed("rule", "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU")
    every = list(days(rule, FIRST, FIRST, date(2030, 1, 1)))
    for start in (FIRST + timedelta(days=n) for n in range(0, 60, 7)):
        assert list(days(rule, FIRST, start, date(2030, 1, 1))) == [day for day in every if day >= start]


def numbers(most: int) -> Any:
    return st.lists(st.integers(-most, most).filter(bool), max_size=3, unique=True).map(tuple)


@st.composite
def some_rules(draw: Any) -> Rule:
    frequency = draw(st.sampled_from(sorted(_FREQUENCIES)))
    monthly = frequency == "MONTHLY"
    nth = st.integers(-5, 5) if monthly else st.just(0)
    by_day = draw(st.lists(st.tuples(nth, st.integers(0, 6)), max_size=3, unique=True).map(tuple))
    by_month_day = () if frequency == "WEEKLY" else draw(numbers(31))
    by_set_pos = draw(numbers(4)) if by_day or by_month_day else ()
    count = draw(st.none() | st.integers(1, 20))
    return Rule(
        frequency=frequency, interval=draw(st.integers(1, 6)), by_day=by_day, by_month_day=by_month_day, by_set_pos=by_set_pos, count=count,
        until=None if count else draw(st.none() | st.dates(date(2026, 6, 1), date(2028, 1, 1))),
    )  # fmt: skip


@settings(max_examples=60)
@given(rule=some_rules(), first=st.dates(date(2026, 1, 1), date(2027, 12, 31)), skip=st.integers(0, 200))
def test_the_days_are_those_of_dateutil(rule: Rule, first: date, skip: int) -> None:
    end = first + timedelta(days=800)
    if ever("rule", rule, first) is not None:
        return  # dateutil would look for a day until the year 9999
    if rule.frequency == "WEEKLY" and rule.by_set_pos:
        first -= timedelta(days=first.weekday())  # of its first week, dateutil picks among the days that are left
    until = datetime.combine(min(end, rule.until or end), datetime.min.time())
    series = rrule(
        _FREQUENCIES[rule.frequency], dtstart=datetime.combine(first, datetime.min.time()), interval=rule.interval,
        byweekday=[weekday(day, nth or None) for nth, day in rule.by_day] or None,
        bymonthday=list(rule.by_month_day) or None, bysetpos=list(rule.by_set_pos) or None, count=rule.count,
        until=None if rule.count else until,
    )  # fmt: skip
    theirs = [found.date() for found in series if found.date() <= end] if rule.count is None or rule.count < 21 else []
    start = first + timedelta(days=skip)
    assert list(days(rule, first, start, end)) == [day for day in theirs if day >= start]


@given(rule=some_rules())
def test_a_rule_is_read_from_its_own_text(rule: Rule) -> None:
    assert parsed("rule", rule.text) == rule


@given(text=st.text(alphabet="FREQWKLYMOND=;,-+0123456789BSATINVCU:", max_size=400))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        parsed("rule", text)
    except Invalid as refused:
        assert all(fault.field == "rule" and fault.message for fault in refused.errors)
