"""Pauses double up to the longest, begin anew after a success, and differ from each other by the jitter alone."""

from __future__ import annotations

import pytest

from harvestd.runtime.backoff import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(0.1, 1.0)
    assert [backoff.failed() for _ in range(6)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_however_often_it_fails_the_pause_is_the_longest() -> None:
    backoff = Backoff(0.1, 5.0)
    assert [backoff.failed() for _ in range(5_000)][-1] == 5.0


def test_a_success_begins_anew_and_says_whether_anything_had_failed() -> None:
    backoff = Backoff(0.1, 1.0)
    assert not backoff.failing and not backoff.succeeded()
    backoff.failed()
    backoff.failed()
    assert backoff.failing and backoff.succeeded() and not backoff.failing
    assert backoff.failed() == 0.1


def test_jitter_makes_a_pause_shorter_by_its_share_at_most() -> None:
    backoff = Backoff(1.0, 1.0, jitter=0.5)
    pauses = [backoff.failed() for _ in range(500)]
    assert 0.5 <= min(pauses) < 0.6 and 0.9 < max(pauses) <= 1.0
