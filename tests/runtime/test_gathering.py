"""Work that waits anyway is done together: in the order in which it came, each with its own outcome, and one by one where a group fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from harvestd.runtime import gathering
from harvestd.runtime.gathering import LANES, MOST, PATIENCE, Gathering


@attrs.define
class Bench:
    """Items are texts; each group, and each that is alone, goes on when the test says so. ``done`` has what is under way, or was, in its order."""

    clock: Clock = attrs.field(factory=Clock)
    done: list[list[str]] = attrs.field(factory=list)
    ends: list[Deferred[None]] = attrs.field(factory=list)
    gathering: Gathering[str, str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.gathering = Gathering(self.clock, self._together, 4)

    async def _wait(self, items: list[str]) -> None:
        self.done.append(items)
        self.ends.append(Deferred())
        await self.ends[-1]

    async def _together(self, items: Sequence[str]) -> list[str | Exception | None]:
        await self._wait([*items])
        return [self._of(one) for one in items]

    def _of(self, item: str) -> str | Exception | None:
        if item.startswith("apart"):
            return None
        return ValueError(item) if item.startswith("bad") else f"{item} together"

    def start(self, *items: str) -> list[Deferred[str]]:
        return [Deferred.fromCoroutine(self._one(item)) for item in items]

    async def _one(self, item: str) -> str:
        async def alone() -> str:
            await self._wait([item])
            return f"{item} alone"

        return await self.gathering.do(item, alone)

    def end_all(self) -> None:
        """Whatever a test leaves under way."""
        for end in self.ends:  # grows meanwhile
            if not end.called:
                end.callback(None)

    def end(self, number: int, error: Exception | None = None) -> None:
        end = self.ends[number]
        end.callback(None) if error is None else end.errback(error)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.end_all()


def outcome(one: Deferred[str]) -> Any:
    """What came of it by now: None, as long as it is under way."""
    found: list[Any] = []
    one.addBoth(lambda result: (found.append(getattr(result, "value", result)), result)[1])
    one.addErrback(lambda failure: None)
    return found[0] if found else None


def test_nobody_waits_for_others_to_come(bench: Bench) -> None:
    first, second = bench.start("a", "b")
    assert bench.done == [["a"], ["b"]]
    bench.end(0)
    bench.end(1)
    assert (outcome(first), outcome(second)) == ("a alone", "b alone")
    assert bench.clock.getDelayedCalls() == [], "no timer is left"


def test_whoever_waits_goes_on_with_all_others_in_the_order_in_which_they_came(bench: Bench) -> None:
    busy = bench.start("a", "b")
    waiting = bench.start("c", "bad d", "e")
    assert (len(bench.done), bench.gathering.waiting) == (LANES, 3)
    bench.end(0)
    assert bench.done[2:] == [["c", "bad d", "e"]]
    bench.end(2)
    found = [outcome(one) for one in waiting]
    assert (found[0], str(found[1]), found[2]) == ("c together", "bad d", "e together")
    bench.end(1)
    assert [outcome(one) for one in busy] == ["a alone", "b alone"]


def test_one_of_which_nothing_came_is_done_by_itself_after_the_group(bench: Bench) -> None:
    busy = bench.start("a", "b")
    waiting = bench.start("apart c", "d", "apart e")
    bench.end(0)
    assert bench.done[2:] == [["apart c", "d", "apart e"]]
    bench.end(2)
    assert outcome(waiting[1]) == "d together"
    assert bench.done[3:] == [["apart c"], ["apart e"]] or bench.done[3:] == [["apart e"], ["apart c"]]
    bench.end(3)
    bench.end(4)
    assert [outcome(waiting[n]) for n in (0, 2)] == ["apart c alone", "apart e alone"]
    bench.end(1)
    assert [outcome(one) for one in busy] == ["a alone", "b alone"]


def test_what_fails_as_a_whole_is_done_one_by_one(bench: Bench) -> None:
    bench.start("a", "b")
    waiting = bench.start("c", "d", "e")
    bench.end(0)
    bench.end(2, OSError("the line is cut"))
    assert sorted(bench.done[3:]) == [["c"], ["d"], ["e"]]
    bench.end(3, ValueError("c is wrong"))
    bench.end(4)
    bench.end(5)
    found = {str(outcome(one)) for one in waiting}
    assert len(found) == 3 and sum("alone" in one for one in found) == 2, found


def test_a_group_is_no_larger_than_its_most(bench: Bench) -> None:
    bench.start("a", "b", *(str(n) for n in range(MOST + 2)))
    bench.end(0)
    bench.end(1)
    assert bench.done[2:] == [[str(n) for n in range(MOST)], [str(MOST), str(MOST + 1)]]


def test_one_that_is_held_up_keeps_nobody_from_going_on_until_too_many_are(bench: Bench) -> None:
    bench.gathering = Gathering(bench.clock, bench._together, LANES + 1)
    bench.start("a", "b")
    bench.start("c", "d")
    bench.clock.advance(PATIENCE + 0.001)
    assert bench.done[LANES:] == [["c", "d"]]
    bench.clock.advance(PATIENCE + 0.001)
    bench.start("e")
    assert len(bench.done) == LANES + 1, "as many are under way as may be"
    bench.end(0)
    assert bench.done[LANES + 1 :] == [["e"]]


def test_whoever_was_to_lead_and_is_gone_leaves_the_others_to_themselves(bench: Bench) -> None:
    bench.start("a", "b")
    leader, other = bench.start("c", "d")
    leader.cancel()
    assert isinstance(outcome(leader), CancelledError)
    bench.end(0)
    assert bench.done[2:] == [["d"]]
    bench.end(2)
    assert outcome(other) == "d alone"


def test_many_that_end_at_once_are_no_deeper_than_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader whose work is done as soon as it begins starts the next from its own end: not inside it, or Python's stack would overflow."""
    monkeypatch.setattr(gathering, "MOST", 1)
    bench.start("a", "b")

    async def at_once() -> str:
        return "done"

    many = [Deferred.fromCoroutine(bench.gathering.do(str(n), at_once)) for n in range(5000)]
    bench.end(0)
    assert {outcome(one) for one in many} == {"done"}
