"""Parts start in order and stop in reverse, background work is tracked, and nothing waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError, DNSLookupError
from twisted.internet.task import Clock

from harvestd.runtime import lifecycle as module
from harvestd.runtime.lifecycle import Lifecycle, shield, sleep, within


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def life(clock: Clock) -> Lifecycle:
    return Lifecycle(clock, deadline=20.0)


@pytest.fixture
def said(life: Lifecycle) -> list[str]:
    return []


def part(life: Lifecycle, said: list[str], name: str, **instead: Callable[[], Any]) -> None:
    """Add a part that says when it is started and stopped, or does something instead."""

    async def start() -> None:
        said.append(f"start {name}")

    async def stop() -> None:
        said.append(f"stop {name}")

    life.add(name, instead.get("start", start), instead.get("stop", stop))


def ended(coroutine: Any) -> Any:
    """The result of a coroutine that needs no waiting."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    assert results, "it waits"
    if hasattr(results[0], "raiseException"):
        results[0].raiseException()
    return results[0]


async def never() -> None:
    await Deferred()


async def stubborn() -> None:
    """Ignores being cancelled."""
    while True:
        try:
            await Deferred()
        except CancelledError:
            pass


def test_parts_start_in_order_and_stop_in_reverse(life: Lifecycle, said: list[str]) -> None:
    for name in "abc":
        part(life, said, name)
    ended(life.start())
    assert said == ["start a", "start b", "start c"] and not life.stopping
    ended(life.stop())
    assert said[3:] == ["stop c", "stop b", "stop a"] and life.stopping


def test_each_start_is_awaited_before_the_next(life: Lifecycle, said: list[str]) -> None:
    gate: Deferred[None] = Deferred()
    part(life, said, "slow", start=lambda: gate)
    part(life, said, "next")
    starting = Deferred.fromCoroutine(life.start())
    assert said == [] and not starting.called
    gate.callback(None)
    assert said == ["start next"] and starting.called


def test_a_part_added_later_is_started_by_another_start(life: Lifecycle, said: list[str]) -> None:
    part(life, said, "first")
    ended(life.start())
    part(life, said, "second")
    ended(life.start())
    assert said == ["start first", "start second"]


def test_a_failed_start_stops_what_was_started_and_raises(life: Lifecycle, said: list[str]) -> None:
    def fail() -> None:
        raise OSError("no")

    part(life, said, "a")
    part(life, said, "b", start=fail)
    part(life, said, "c")
    with pytest.raises(OSError, match="no"):
        ended(life.start())
    assert said == ["start a", "stop a"]


def test_a_stop_that_fails_is_logged_and_keeps_no_other_from_stopping(
    life: Lifecycle, said: list[str], expected_errors: Any
) -> None:
    def fail() -> None:
        raise OSError("no")

    part(life, said, "a")
    part(life, said, "b", stop=fail)
    ended(life.start())
    ended(life.stop())
    assert said == ["start a", "start b", "stop a"]
    assert "stopping b failed" in expected_errors(OSError)[0]


@pytest.mark.parametrize("hanging", [never, stubborn])
def test_a_stop_that_hangs_has_the_deadline_and_those_after_it_a_little(
    life: Lifecycle, said: list[str], clock: Clock, expected_errors: Any, hanging: Any
) -> None:
    part(life, said, "a", stop=hanging)
    part(life, said, "b", stop=hanging)
    ended(life.start())
    stopping = Deferred.fromCoroutine(life.stop())
    clock.advance(19.9)
    assert not stopping.called
    clock.advance(0.2)
    assert not stopping.called, "the second has its least"
    clock.advance(module.MIN)
    assert stopping.called
    assert len(expected_errors(TimeoutError)) == 2


def test_spawned_work_that_fails_is_logged_by_its_name(life: Lifecycle, expected_errors: Any) -> None:
    async def fail() -> None:
        raise ValueError("no")

    done = life.spawn(fail(), "telling the search")
    assert done.called and life.tasks() == []
    assert "telling the search failed" in expected_errors(ValueError)[0]


def test_spawned_work_is_cancelled_and_awaited_before_what_it_uses_stops(life: Lifecycle, said: list[str]) -> None:
    async def work() -> None:
        try:
            await Deferred()
        finally:
            said.append("work ended")

    part(life, said, "database")
    part(life, said, "web")
    ended(life.start())
    done = life.spawn(work(), "work")
    assert life.tasks() == ["work"]
    ended(life.stop())
    assert said[2:] == ["stop web", "work ended", "stop database"]
    assert done.called and life.tasks() == []


def test_work_spawned_while_a_part_starts_lives_until_that_part_has_stopped(life: Lifecycle, said: list[str]) -> None:
    async def work() -> None:
        try:
            await Deferred()
        finally:
            said.append("loop ended")

    part(life, said, "database")
    part(life, said, "relay", start=lambda: life.spawn(work(), "loop") and None)
    part(life, said, "web")
    ended(life.start())
    ended(life.stop())
    assert said[2:] == ["stop web", "stop relay", "loop ended", "stop database"]


def test_work_that_takes_a_moment_to_end_is_waited_for_and_stubborn_work_not_for_ever(
    life: Lifecycle, clock: Clock, expected_errors: Any
) -> None:
    async def tidy() -> None:
        try:
            await Deferred()
        finally:
            await sleep(clock, 0.5)

    life.spawn(tidy(), "tidy")
    stopping = Deferred.fromCoroutine(life.stop())
    assert not stopping.called
    clock.advance(0.5)
    assert stopping.called

    other = Lifecycle(clock)
    other.spawn(stubborn(), "stubborn")
    stopping = Deferred.fromCoroutine(other.stop())
    clock.advance(module.MIN)
    assert stopping.called
    assert expected_errors() == ["stubborn does not end, going on without it"]


def test_nothing_is_begun_when_everything_has_stopped(life: Lifecycle) -> None:
    async def work() -> None:
        raise AssertionError("begun")

    ended(life.stop())
    assert life.spawn(work(), "late").called


def test_a_shielded_coroutine_goes_on_when_its_caller_hangs_up(expected_errors: Any) -> None:
    gate: Deferred[str] = Deferred()
    finished = []

    async def work() -> str:
        finished.append(await gate)
        return "done"

    outer = shield(work())
    outer.addErrback(lambda failure: failure.trap(CancelledError) and None)
    outer.cancel()
    gate.callback("whole")
    assert finished == ["whole"]


def test_a_shielded_coroutine_that_fails_after_its_caller_hung_up_is_logged(expected_errors: Any) -> None:
    gate: Deferred[None] = Deferred()

    async def work() -> None:
        await gate
        raise ValueError("lost")

    outer = shield(work())
    outer.addErrback(lambda failure: failure.trap(CancelledError) and None)
    outer.cancel()
    gate.callback(None)
    assert "nobody waits for any more failed" in expected_errors(ValueError)[0]


def test_a_shielded_coroutine_answers_and_raises_as_it_is() -> None:
    async def answer() -> int:
        return 1

    async def fail() -> None:
        raise ValueError("no")

    results: list[Any] = []
    shield(answer()).addCallback(results.append)
    shield(fail()).addErrback(lambda failure: results.append(failure.value.args))
    assert results == [1, ("no",)]


def test_within_answers_raises_or_gives_up(clock: Clock) -> None:
    async def answer() -> int:
        await sleep(clock, 1)
        return 1

    results: list[Any] = []
    Deferred.fromCoroutine(within(clock, 2, answer())).addBoth(results.append)
    clock.advance(1)
    assert results == [1] and clock.getDelayedCalls() == []
    late = Deferred.fromCoroutine(within(clock, 2, stubborn()))
    late.addErrback(lambda failure: results.append(failure.check(TimeoutError)))
    clock.advance(2)
    assert results == [1, TimeoutError]


@pytest.mark.parametrize("words", [CancelledError, ConnectingCancelledError, DNSLookupError, ConnectionError, None])
def test_within_that_is_cancelled_says_so_whatever_its_work_makes_of_it(
    clock: Clock, words: type[Exception] | None, expected_errors: Any
) -> None:
    over, seen = False, []

    async def work() -> None:
        try:
            await sleep(clock, 60)
        except CancelledError as error:
            seen.append(over)
            if words:
                raise words(*[IPv4Address("TCP", "127.0.0.1", 1)] * (words is ConnectingCancelledError)) from error

    async def ask() -> None:
        nonlocal over
        try:
            await within(clock, 2, work())
        finally:
            over = True

    heard: list[Any] = []
    asking = Deferred.fromCoroutine(ask())
    asking.addErrback(lambda failure: heard.append(failure.check(CancelledError)))
    asking.cancel()
    assert heard == [CancelledError] and seen == [True] and clock.getDelayedCalls() == []
    assert bool(expected_errors()) == (words is ConnectionError), "what is more than its being cancelled is logged"


def test_a_sleep_that_is_cancelled_leaves_no_timer(clock: Clock) -> None:
    sleeping = Deferred.fromCoroutine(sleep(clock, 5))
    sleeping.addErrback(lambda failure: failure.trap(CancelledError) and None)
    sleeping.cancel()
    assert clock.getDelayedCalls() == []
