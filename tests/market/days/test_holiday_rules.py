"""Rounds on public holidays: kept, skipped, or on the next or the previous working day."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from harvestd.market.days.holiday_rules import Recurrence, Round, faults, rounds
from harvestd.market.days.recurrence_rules import parsed

APRIL, JUNE = date(2026, 4, 1), date(2026, 6, 1)


def recurrence(rule: str = "FREQ=WEEKLY;BYDAY=FR", **more: Any) -> Recurrence:
    given: dict[str, Any] = {"first": APRIL, "country": "DE", "subdivision": "BY", "on_holiday": "keep", **more}
    return Recurrence(rule=parsed("rule", rule), **given)


@pytest.mark.parametrize(
    ("how", "good_friday", "may_day"),
    [
        ("keep", "2026-04-03", "2026-05-01"),
        ("skip", None, None),
        ("next", "2026-04-07", "2026-05-04"),  # behind Easter Monday, and behind a weekend
        ("previous", "2026-04-02", "2026-04-30"),
    ],
)
def test_a_round_on_a_holiday(how: str, good_friday: str | None, may_day: str | None) -> None:
    found = {one.of: one.day.isoformat() for one in rounds(recurrence(on_holiday=how), APRIL, JUNE)}
    assert found.get(date(2026, 4, 3)) == good_friday
    assert found.get(date(2026, 5, 1)) == may_day
    assert found[date(2026, 4, 10)] == "2026-04-10"


def test_the_holidays_are_those_of_the_part_of_the_country() -> None:
    epiphany, new_year = date(2026, 1, 6), date(2026, 1, 1)  # a holiday in Bavaria, and none in Berlin
    rule, span = "FREQ=WEEKLY;BYDAY=TU", (date(2026, 1, 4), date(2026, 1, 10))
    assert rounds(recurrence(rule, first=new_year, on_holiday="skip"), *span) == []
    assert rounds(recurrence(rule, first=new_year, on_holiday="skip", subdivision="BE"), *span) == [
        Round(epiphany, epiphany)
    ]


def test_days_are_left_out_and_come_besides() -> None:
    more = {"left_out": frozenset({date(2026, 4, 10)}), "besides": frozenset({date(2026, 4, 14)})}
    found = [one.day.day for one in rounds(recurrence(**more), APRIL, date(2026, 4, 30))]
    assert found == [3, 14, 17, 24]


def test_a_round_is_not_moved_to_a_day_that_has_one() -> None:
    found = rounds(recurrence("FREQ=WEEKLY;BYDAY=TH,FR", on_holiday="previous"), date(2026, 4, 1), date(2026, 4, 4))
    assert found == [Round(date(2026, 4, 2), date(2026, 4, 2))]


def test_a_round_is_known_by_its_day_of_the_rule_however_the_span_is_cut() -> None:
    whole = rounds(recurrence(on_holiday="next"), APRIL, JUNE)
    days = [date.fromordinal(n) for n in range(APRIL.toordinal(), JUNE.toordinal() + 1)]
    assert [one for day in days for one in rounds(recurrence(on_holiday="next"), day, day)] == whole


@pytest.mark.parametrize(
    ("country", "subdivision", "how", "field"),
    [
        ("XX", None, "keep", "country"),
        ("de", None, "keep", "country"),
        ("DE\n", None, "keep", "country"),
        ("DE", "ZZ", "skip", "subdivision"),
        ("DE", " BY", "skip", "subdivision"),
        ("DE", "BY\n", "skip", "subdivision"),
        (None, "BY", "keep", "subdivision"),
        (None, None, "skip", "on_holiday"),
    ],
)
def test_holidays_that_nobody_knows_are_refused(
    country: str | None, subdivision: str | None, how: str, field: str
) -> None:
    assert [fault.field for fault in faults(country, subdivision, how)] == [field]


def test_holidays_that_are_known_are_taken() -> None:
    assert (
        not list(faults("FR", None, "next"))
        and not list(faults("DE", "BY", "skip"))
        and not list(faults("FR", "Zone A", "skip"))
        and not list(faults(None, None, "keep"))
    )


def test_a_country_is_loaded_alone() -> None:
    """All of them are a fifth of a second of Python, in which the reactor answers nobody."""
    program = (
        "import sys; from harvestd.market.days.holiday_rules import country_fault, faults; "
        "assert country_fault('FR') is None and country_fault('ZZ') is not None; "
        "assert [*faults('DE', 'BY', 'skip')] == [] and [*faults('DE', 'XX', 'skip')] != []; "
        "print(sorted(name for name in sys.modules if name.startswith('holidays.countries.')))"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert said.strip() == "['holidays.countries.france', 'holidays.countries.germany']"
