"""Blocking work in threads: a bounded number of pieces waits, for a bounded time, and nobody works for a client that has left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cached_property

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.kernel.errors import Overloaded
from harvestd.runtime import threads
from harvestd.runtime.threads import Threads
from harvestd.runtime.tracing import asked_by


@attrs.define(slots=False)
class Desk:
    """Two pieces wait, behind the one that holds the thread until ``open`` is set."""

    open: threading.Event = attrs.field(factory=threading.Event)
    done: list[str] = attrs.field(factory=list)
    short: list[str] = attrs.field(factory=list)
    gone: set[str] = attrs.field(factory=set)

    @cached_property
    def threads(self) -> Threads:
        return Threads(reactor, 1, 2, self.short.append)

    def come(self, who: str) -> Deferred[None]:
        async def asked() -> None:
            with asked_by(who, lambda: who in self.gone):
                await self.threads.run(self._work, who)

        return Deferred.fromCoroutine(asked())

    def _work(self, who: str) -> None:
        assert self.open.wait(20)
        self.done.append(who)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.open.set()


async def test_more_than_may_wait_are_refused_and_told_when_to_come_again(desk: Desk) -> None:
    first, *waiting = [desk.come(who) for who in ("a", "b", "c")]
    with pytest.raises(Overloaded) as refused:
        await desk.come("d")
    assert refused.value.retry_after > 0 and desk.short == ["d"]
    desk.open.set()
    for one in (first, *waiting):
        await one
    assert desk.done == ["a", "b", "c"]


async def test_nobody_waits_without_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = desk.come("a")
    monkeypatch.setattr(threads, "WAIT", 0.05)
    with pytest.raises(Overloaded):
        await desk.come("b")
    assert desk.short == ["b"]
    desk.open.set()
    await first
    assert desk.done == ["a"]


async def test_nothing_is_done_for_who_has_left_and_their_place_is_another_s(desk: Desk) -> None:
    first, left, second = desk.come("a"), desk.come("left"), desk.come("b")
    desk.gone.add("left")
    third = desk.come("c")
    with pytest.raises(Overloaded):
        await left
    assert desk.short == []
    desk.open.set()
    for one in (first, second, third):
        await one
    assert desk.done == ["a", "b", "c"]
