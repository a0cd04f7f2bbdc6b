"""A clock that differs from PostgreSQL's is told."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harvestd.store.postgres.clock_skew import ClockSkew, ahead_by
from tests.waiting import eventually


@pytest.mark.parametrize("off", [3600, -3600, 0])
async def test_a_clock_that_differs_from_postgresqls_is_told(sessions: Any, database_url: str, off: int) -> None:
    """In readiness, and in the log once a minute."""
    told: list[str] = []

    class Kept(ClockSkew):
        class log:
            @staticmethod
            def warn(_: str, what: str) -> None:
                told.append(what)

    clock = Kept(lambda: time.time() + off)
    session = await sessions(database_url, heartbeat=0.01, clock=clock)
    looks = 0

    def compared(*times: float) -> None:
        nonlocal looks
        looks += 1
        ClockSkew.compared(clock, *times)

    clock.compared = compared  # type: ignore[method-assign]
    await eventually("it is looked at again and again", lambda: looks > 5)
    condition = await session.clock.condition()
    assert clock.ahead == pytest.approx(off, abs=2)
    assert condition.state == ("degraded" if off else "ok")
    assert len(told) == (1 if off else 0) and all("NTP" in words for words in told)
    for words in (*told, *([condition.detail] if off else [])):
        assert ("ahead of" if off > 0 else "behind") in words


@pytest.mark.parametrize(
    ("asked", "server", "answered", "ahead"),
    [(0, 1, 2, 0), (0, 0, 0, 0), (10, 4, 12, 6), (10, 18, 12, -6), (0, 100, 200, 0)],
)
def test_of_an_answer_that_was_long_on_its_way_only_what_is_certain_counts(
    asked: float, server: float, answered: float, ahead: float
) -> None:
    assert ahead_by(asked, server, answered) == ahead
