"""What a coroutine works under, and what becomes of that when it is cancelled."""

from __future__ import annotations

from contextvars import copy_context

import pytest
from twisted.internet.defer import CancelledError, Deferred

from harvestd.runtime.tracing import Trace, asked_by, current_asker, current_trace, tracing


async def test_it_holds_over_each_wait_and_for_nobody_else() -> None:
    waiting, seen = Deferred[None](), list[str]()

    async def work(who: str) -> None:
        with asked_by(who), tracing(Trace(who, "")):
            await waiting
            seen.append(f"{current_asker()} {current_trace().request_id}")

    both = [Deferred.fromCoroutine(work(who)) for who in ("a", "b")]
    assert current_asker() == ""
    waiting.callback(None)
    for one in both:
        await one
    assert seen == ["a a", "b b"]


def test_who_is_thrown_away_in_anothers_context_ends_with_that_and_changes_nothing_of_the_other() -> None:
    """As a coroutine is that is cancelled from elsewhere: what it set stays with the context that it set it in."""

    async def work() -> None:
        with asked_by("a"), tracing(Trace("a", "")):
            await Deferred()

    working = work()
    copy_context().run(working.send, None)
    with asked_by("b"), tracing(Trace("b", "")):
        with pytest.raises(CancelledError):
            working.throw(CancelledError())
        assert (current_asker(), current_trace().request_id) == ("b", "b")
