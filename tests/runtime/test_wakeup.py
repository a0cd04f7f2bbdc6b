"""What wakes a loop before its poll."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from harvestd.runtime.wakeup import Wakeup


def wait(bell: Wakeup, seconds: float = 10.0) -> "Deferred[bool]":
    return Deferred.fromCoroutine(bell.wait(seconds))


def test_a_ring_ends_the_wait() -> None:
    clock = Clock()
    bell = Wakeup(clock)
    waiting = wait(bell)
    assert not waiting.called
    bell.ring()
    assert waiting.result is True and clock.getDelayedCalls() == []


def test_a_ring_before_the_wait_is_kept_once() -> None:
    clock = Clock()
    bell = Wakeup(clock)
    bell.ring()
    bell.ring()
    assert wait(bell).result is True
    assert not wait(bell).called


def test_without_a_ring_the_wait_ends_after_its_time() -> None:
    clock = Clock()
    waiting = wait(Wakeup(clock), 10.0)
    clock.advance(9.9)
    assert not waiting.called
    clock.advance(0.2)
    assert waiting.result is False and clock.getDelayedCalls() == []
