"""When a farm may say that it is away."""

from __future__ import annotations

from datetime import date

import pytest

from harvestd.market.farms.away_rules import MAX_NOTE, MAX_PERIODS, Period, checked, faults_in_part


def period(first: int, last: int, note: str = "") -> Period:
    return Period(date(2026, 6, first), date(2026, 6, last), note)


def test_periods_are_kept_in_the_order_of_their_days() -> None:
    kept, wrong = checked([period(8, 9, " In\r\nItaly "), period(1, 1)])
    assert not wrong
    assert kept == [
        {"from": "2026-06-01", "to": "2026-06-01", "note": ""},
        {"from": "2026-06-08", "to": "2026-06-09", "note": "In\nItaly"},
    ]


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ([period(1, 1), period(2, 2)], []),
        ([period(1, 5), period(5, 6)], [("away[1].from", "given-twice")]),
        ([period(5, 6), period(1, 5)], [("away[0].from", "given-twice")]),
        ([period(1, 9), period(3, 4)], [("away[1].from", "given-twice")]),
        ([period(2, 1)], [("away[0].to", "before-start")]),
        ([period(1, 1, "x" * MAX_NOTE)], []),
        ([period(1, 1), period(2, 2, "x" * (MAX_NOTE + 1))], [("away[1].note", "too-long")]),
        ([Period(date(2026, 1, 1), date.max)] * (MAX_PERIODS + 1), [("away", "too-long")]),
    ],
)
def test_what_is_wrong_is_named(given: list[Period], faults: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in checked(given)[1]] == faults


def test_a_period_that_is_readable_in_part_is_judged_by_that() -> None:
    found = faults_in_part(
        {1: {"from": date(2026, 6, 2), "to": date(2026, 6, 1)}, 2: {"to": date(2026, 6, 1)}, 4: {"note": "\x07"}}
    )
    assert [fault.field for fault in found] == ["away[1].to", "away[4].note"]
