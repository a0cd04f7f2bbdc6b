"""How often a step is tried."""

from __future__ import annotations

import pytest

from harvestd.market.long_work.rules import exhausted, pause


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, None), (1, 1.0), (2, 5.0), (3, 30.0), (4, 120.0), (5, None), (6, None)]
)
def test_a_step_that_fails_is_tried_again_later_each_time_and_then_given_up(tries: int, seconds: float | None) -> None:
    assert pause(tries) == seconds


@pytest.mark.parametrize(("tries", "over"), [(0, False), (1, False), (5, False), (6, True)])
def test_a_step_whose_workers_died_is_tried_as_often(tries: int, over: bool) -> None:
    assert exhausted(tries) is over
