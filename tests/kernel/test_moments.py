"""Moments in the market's zone: on each day there is one for each time of the clock, in order, over both changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.moments import day_in, moment

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("zone", "day", "at", "expected"),
    [
        ("Europe/Berlin", date(2026, 6, 1), time(8), "2026-06-01T06:00:00+00:00"),
        ("Europe/Berlin", date(2026, 12, 1), time(8), "2026-12-01T07:00:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(1, 59), "2026-03-29T00:59:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(2), "2026-03-29T01:00:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:00:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(3), "2026-03-29T01:00:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(3, 1), "2026-03-29T01:01:00+00:00"),
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00+00:00"),
        ("Europe/Berlin", date(2026, 10, 25), time(3), "2026-10-25T02:00:00+00:00"),
        ("America/New_York", date(2026, 3, 8), time(2, 15), "2026-03-08T07:00:00+00:00"),
        ("America/New_York", date(2026, 11, 1), time(1, 15), "2026-11-01T05:15:00+00:00"),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 10), "2026-10-03T15:30:00+00:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), time(0), "2018-11-04T03:00:00+00:00"),
        ("UTC", date(2026, 3, 29), time(2, 30), "2026-03-29T02:30:00+00:00"),
    ],
)
def test_a_time_on_a_day_is_this_moment(zone: str, day: date, at: time, expected: str) -> None:
    assert moment(day, at, ZoneInfo(zone)) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_later_by_the_clock_is_never_earlier(day: date) -> None:
    found = [moment(day, time(hour, minute), BERLIN) for hour in range(24) for minute in (0, 15, 30, 45)]
    assert found == sorted(found)


@given(day=st.dates(date(2000, 1, 1), date(2099, 12, 31)), minutes=st.integers(0, 1439))
def test_a_moment_shows_its_time_unless_there_is_none(day: date, minutes: int) -> None:
    at = time(minutes // 60, minutes % 60)
    found = moment(day, at, BERLIN)
    shown = found.astimezone(BERLIN)
    assert found.tzinfo is UTC and day_in(BERLIN, found) == day
    assert shown.time() == at or (shown.time() > at and (found - timedelta(seconds=1)).astimezone(BERLIN).time() < at)
