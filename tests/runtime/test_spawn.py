"""Work that nobody waits for: its failure is told, its cancelling is not."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from harvestd.runtime.spawn import spawn


async def waiting(for_: Deferred[Any]) -> None:
    await for_


def test_its_end_is_waited_for() -> None:
    work: Deferred[None] = Deferred()
    done = spawn("some work", waiting(work))
    assert not done.called
    work.callback(None)
    assert done.called and done.result is None


def test_a_failure_is_logged_under_its_name_and_ends_it(expected_errors: Any) -> None:
    work: Deferred[None] = Deferred()
    done = spawn("some work", waiting(work))
    work.errback(ValueError("broken"))
    assert done.called and done.result is None
    (told,) = expected_errors(ValueError)
    assert "broken" in told


def test_who_cancels_it_hears_no_error() -> None:
    done = spawn("some work", waiting(Deferred()))
    done.cancel()
    assert done.called and done.result is None
