"""Market days: the table of their steps, each at its time, and what can still be changed when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvestd.market.days.day_rules import (
    CHANGEABLE,
    STATUSES,
    STEPS,
    Timed,
    days_between,
    due,
    ends,
    next_step,
    shifted,
    stepped,
    time_faults,
    unchangeable,
)

OPENS = datetime(2026, 5, 4, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Timed(status="planned", opens_at=OPENS, closes_at=OPENS + 48 * HOUR, ends_at=OPENS + 72 * HOUR)
SOON = 3 * HOUR


@pytest.mark.parametrize(
    ("day", "step", "after"),
    [
        (DAY, "open", 0),
        (attrs.evolve(DAY, status="open"), "soon", 45),
        (attrs.evolve(DAY, status="open", soon_told=True), "close", 48),
        (attrs.evolve(DAY, status="open", closes_at=OPENS + 2 * HOUR), "close", 2),  # it is soon from its beginning on
        (attrs.evolve(DAY, status="closed"), "end", 72),
        (attrs.evolve(DAY, status="done"), None, 0),
        (attrs.evolve(DAY, status="cancelled"), None, 0),
    ],
)
def test_the_next_step_of_a_day(day: Timed, step: str | None, after: int) -> None:
    found = next_step(day, SOON)
    assert (found and found[1].name) == step
    if found:
        assert found[0] == OPENS + after * HOUR


def test_without_a_warning_a_day_just_closes() -> None:
    found = next_step(attrs.evolve(DAY, status="open"), timedelta())
    assert found is not None and found[1].name == "close"


def test_a_day_that_nobody_looked_after_takes_all_steps_in_order() -> None:
    taken = [(at, step.event, after.status) for at, step, after in due(DAY, SOON, OPENS + 1000 * HOUR)]
    assert taken == [
        (OPENS, "market_day.opened", "open"),
        (OPENS + 45 * HOUR, "market_day.closing_soon", "open"),
        (OPENS + 48 * HOUR, "market_day.closed", "closed"),
        (OPENS + 72 * HOUR, "", "done"),
    ]


def test_a_full_day_is_closed_for_good_at_its_cut_off() -> None:
    day = attrs.evolve(DAY, status="closed", full=True)
    taken = [(at, step.event, after.status, after.full) for at, step, after in due(day, SOON, OPENS + 1000 * HOUR)]
    assert taken == [(OPENS + 48 * HOUR, "market_day.closed", "closed", False), (OPENS + 72 * HOUR, "", "done", False)]


@settings(max_examples=60)
@given(
    looks=st.lists(st.integers(0, 80), max_size=8),
    opens=st.integers(1, 60),
    more=st.integers(0, 20),
    soon=st.integers(0, 30),
)
def test_however_often_it_is_looked_at_each_step_is_taken_once(
    looks: list[int], opens: int, more: int, soon: int
) -> None:
    day = attrs.evolve(DAY, closes_at=OPENS + opens * HOUR, ends_at=OPENS + (opens + more) * HOUR)
    taken: list[str] = []
    for look in [*sorted(looks), 10_000]:
        for _, step, after in due(day, soon * HOUR, OPENS + look * HOUR):
            taken.append(step.name)
            day = after
    assert taken == [name for name in ("open", "soon", "close", "end") if name != "soon" or 0 < soon < opens]
    assert day.status == "done"


def test_every_step_leads_from_a_status_to_another_and_tells_once() -> None:
    for step in STEPS:
        assert {step.of, step.to} <= set(STATUSES)
        day = attrs.evolve(DAY, status=step.of, full=step.name == "close for good")
        after = stepped(day, step)
        assert (after.status, after.soon_told, after.full) != (day.status, day.soon_told, day.full)


def test_a_day_ends_with_its_last_window_and_not_before_its_cut_off() -> None:
    assert ends(OPENS, []) == OPENS
    assert ends(OPENS, [OPENS - HOUR, OPENS + HOUR, OPENS]) == OPENS + HOUR


@pytest.mark.parametrize(
    ("given", "now", "wrong"),
    [
        ({}, None, []),
        ({"opens_at": OPENS}, None, []),
        ({"opens_at": OPENS, "closes_at": OPENS + HOUR}, None, []),
        ({"opens_at": OPENS, "closes_at": OPENS}, None, [("closes_at", "before-start")]),
        ({"opens_at": OPENS, "closes_at": OPENS + timedelta(days=400)}, None, []),
        (
            {"opens_at": OPENS, "closes_at": OPENS + timedelta(days=400, seconds=1)},
            None,
            [("closes_at", "above-maximum")],
        ),
        ({"opens_at": OPENS, "closes_at": OPENS + HOUR}, OPENS + HOUR, [("closes_at", "expired")]),
        ({"opens_at": OPENS, "closes_at": OPENS + HOUR}, OPENS, []),
    ],
)
def test_times_of_a_day(given: dict[str, Any], now: datetime | None, wrong: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in time_faults(given, now)] == wrong


@pytest.mark.parametrize(
    ("status", "late"),
    [
        ("planned", []), ("open", ["opens_at"]), ("closed", ["opens_at", "closes_at", "farms", "holds_minutes"]),
        ("done", ["opens_at", "closes_at", "farms", "windows", "holds_minutes"]),
        ("cancelled", ["opens_at", "closes_at", "farms", "windows", "holds_minutes"]),
    ],
)  # fmt: skip
def test_what_has_begun_can_no_longer_be_changed(status: str, late: list[str]) -> None:
    every = ["name", "opens_at", "closes_at", "farms", "windows", "holds_minutes", "metadata"]
    assert [fault.field for fault in unchangeable(status, every)] == late
    assert set(CHANGEABLE) == set(STATUSES)


def test_a_copy_keeps_the_time_of_the_clock_over_a_change_of_it() -> None:
    zone = ZoneInfo("Europe/Berlin")
    saturday = datetime(2026, 3, 28, 8, tzinfo=zone).astimezone(UTC)
    assert shifted(saturday, 1, zone) == saturday + 23 * HOUR
    assert days_between(saturday, saturday + 23 * HOUR, zone) == 1
    assert days_between(saturday, saturday, zone) == 0
