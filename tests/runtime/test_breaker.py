"""The circuit breaker, on a clock of the test's own."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from harvestd.runtime.breaker import FIRST_PAUSE, LAST_PAUSE, Breaker


class Server:
    """What is behind it: each probe waits for :meth:`answer`."""

    def __init__(self) -> None:
        self.probes: list[Deferred[None]] = []

    async def probe(self) -> None:
        waiting: Deferred[None] = Deferred()
        self.probes.append(waiting)
        await waiting


def made(failures: int = 3) -> tuple[Clock, Server, Breaker]:
    clock, server = Clock(), Server()
    return clock, server, Breaker(clock, "Redis", server.probe, failures)


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not_count_as_one() -> None:
    _, _, breaker = made()
    for _ in range(5):
        breaker.failed("late")
        breaker.failed("late")
        breaker.succeeded()
    assert breaker.closed and breaker.opened == 0
    for _ in range(3):
        breaker.failed("late")
    assert not breaker.closed and breaker.cause == "late" and breaker.opened == 1
    breaker.stop()


def test_it_closes_only_when_a_probe_has_done_its_work() -> None:
    clock, server, breaker = made(failures=1)
    breaker.failed("gone")
    assert server.probes == []
    clock.advance(FIRST_PAUSE)
    assert len(server.probes) == 1 and not breaker.closed
    server.probes[0].callback(None)
    assert breaker.closed and breaker.cause == ""
    assert clock.getDelayedCalls() == []


def test_a_success_of_a_call_begun_earlier_does_not_close_it() -> None:
    clock, _, breaker = made(failures=1)
    breaker.failed("gone")
    breaker.succeeded()
    assert not breaker.closed
    breaker.stop()
    assert clock.getDelayedCalls() == []


def test_probes_that_fail_are_repeated_ever_more_seldom_up_to_a_bound_without_end() -> None:
    clock, server, breaker = made(failures=1)
    breaker.failed("gone")
    pauses = []
    for number in range(8):
        waited = 0.0
        while len(server.probes) == number:
            clock.advance(0.1)
            waited += 0.1
        pauses.append(waited)
        server.probes[-1].errback(OSError("refused"))
    assert pauses[0] <= FIRST_PAUSE + 0.11 and max(pauses) <= LAST_PAUSE + 0.11 and pauses[-1] > LAST_PAUSE - 0.11
    assert breaker.cause == "refused" and not breaker.closed
    breaker.stop()


def test_once_closed_it_takes_as_many_failures_as_before_to_open_it_again() -> None:
    clock, server, breaker = made(failures=2)
    breaker.open("told so")
    clock.advance(FIRST_PAUSE)
    server.probes[0].callback(None)
    breaker.failed("late")
    assert breaker.closed
    breaker.failed("late")
    assert not breaker.closed and breaker.opened == 2
    breaker.stop()


def test_stopped_while_a_probe_is_under_way_it_probes_no_more() -> None:
    clock, server, breaker = made(failures=1)
    breaker.failed("gone")
    clock.advance(FIRST_PAUSE)
    breaker.stop()
    clock.advance(60)
    assert len(server.probes) == 1 and clock.getDelayedCalls() == []


def test_a_stop_ends_it_whatever_a_cancelled_probe_raises() -> None:
    clock = Clock()

    async def probe() -> None:
        try:
            await Deferred()
        except BaseException as error:
            raise OSError("connecting was cancelled") from error

    breaker = Breaker(clock, "Redis", probe, failures=1)
    breaker.failed("gone")
    clock.advance(FIRST_PAUSE)
    breaker.stop()
    assert clock.getDelayedCalls() == []
