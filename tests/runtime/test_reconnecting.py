"""A connection that comes back: after growing pauses while it cannot be had, soon after it served, and never once it is halted."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from harvestd.runtime.reconnecting import Reconnecting
from harvestd.runtime.spawn import spawn


class Away(Exception):
    """What is expected of a server that is not there."""


class Connection:
    """A server that is scripted: what each connection does, in order; the last again and again."""

    def __init__(self, *lives: Any) -> None:
        self.clock = Clock()
        self.tries: list[float] = []
        self.told: list[tuple[str, bool]] = []
        self.ends: Deferred[None] | None = None
        self._lives = list(lives)
        self.kept = Reconnecting(
            self.clock, "a test's connection", self._live, (Away,), lambda e, first: self.told.append((str(e), first)), 1.0, 4.0
        )  # fmt: skip
        self.kept.start()

    async def _live(self) -> None:
        self.tries.append(self.clock.seconds())
        life = self._lives[0] if len(self._lives) == 1 else self._lives.pop(0)
        if isinstance(life, Exception):
            raise life
        self.kept.connected()
        ends = self.ends = Deferred()
        await ends

    def pauses(self) -> list[float]:
        return [later - before for before, later in zip(self.tries, self.tries[1:], strict=False)]

    def run(self, seconds: float) -> None:
        for _ in range(int(seconds * 20)):
            self.clock.advance(0.05)


def within(pause: float, longest: float) -> bool:
    """Half of it at least, by chance."""
    return longest / 2 - 0.05 <= pause <= longest + 0.1


def test_while_it_cannot_be_had_the_pauses_grow_and_the_first_failure_alone_is_the_first() -> None:
    connection = Connection(Away("no route"))
    connection.run(20)
    assert [within(pause, longest) for pause, longest in zip(connection.pauses()[:4], (1, 2, 4, 4), strict=True)] == [
        True
    ] * 4
    assert connection.told[0] == ("no route", True)
    assert {first for _, first in connection.told[1:]} == {False}


def test_after_it_served_it_is_sought_again_soon() -> None:
    connection = Connection(Away("1"), Away("2"), Away("3"), None)
    connection.run(12)
    assert len(connection.tries) == 4 and connection.ends is not None
    connection.ends.callback(None)
    at = connection.clock.seconds()
    connection.run(1.1)
    assert len(connection.tries) == 5 and connection.tries[-1] - at <= 1.1


@pytest.mark.logs_errors
def test_what_nobody_expected_is_followed_by_the_longest_pause_and_by_another_connection() -> None:
    connection = Connection(ValueError("a fault of ours"), None)
    connection.run(3.9)
    assert len(connection.tries) == 1
    connection.run(0.2)
    assert len(connection.tries) == 2 and connection.told == []


def test_halted_it_connects_no_more_and_has_ended_once_its_connection_has() -> None:
    connection = Connection(None)
    ended = spawn("a wait", connection.kept.ended())
    connection.kept.halt()
    assert not ended.called and connection.ends is not None
    connection.ends.callback(None)
    assert ended.called
    connection.run(20)
    assert len(connection.tries) == 1


def test_halted_in_a_pause_it_ends_at_once_and_tells_nothing() -> None:
    connection = Connection(Away("gone"))
    connection.kept.halt()
    assert spawn("a wait", connection.kept.ended()).called
    assert connection.clock.getDelayedCalls() == []


def test_a_nap_ends_with_its_time_a_wake_or_the_halt() -> None:
    connection = Connection(None)
    for end in (lambda: connection.run(5.1), connection.kept.wake, connection.kept.halt):
        nap = spawn("a nap", connection.kept.nap(5.0))
        assert not nap.called
        end()
        assert nap.called


@pytest.mark.logs_errors
def test_what_goes_wrong_with_telling_ends_nothing() -> None:
    connection = Connection(Away("gone"))
    connection.told = None  # type: ignore[assignment]  # whoever is told of a failure fails
    connection.run(10)
    assert len(connection.tries) > 3
