"""What a test must not leave behind: timers, sockets, and errors that nobody saw.

Loaded by ``conftest.py`` for every test. A test that makes the code log errors on purpose asks for ``expected_errors``
and says which: ``assert expected_errors(ValueError)`` answers, and takes, those logged so far (all without a type).
``@pytest.mark.logs_errors`` lets any pass.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from tests import kept

#: Turns of the reactor, and seconds, in which what a test ended may wind down (a closing socket, an answered Deferred).
TURNS, PATIENCE = 5, 2.0
#: After so many tests each, what lasts is not looked through any more.
LASTING = 25
#: The generations of garbage that a test's own can be in.
YOUNG = 1


class Errors:
    """Errors and failures that were logged during a test."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any]) -> None:
        if (
            event.get("isError")
            or event.get("log_level") in (LogLevel.error, LogLevel.critical)
            or "log_failure" in event
        ):
            self.events.append(event)

    def take(self, kind: type[BaseException] | None = None) -> list[str]:
        """What was logged, as text, and forget it; of one kind of exception only, or all."""
        taken, kept = [], []
        for event in self.events:
            failure = event.get("log_failure")
            if kind is None or (failure is not None and failure.check(kind)):
                taken.append(_text(event))
            else:
                kept.append(event)
        self.events = kept
        return taken


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set up before and checked after every other fixture of the test."""
    from twisted.internet import reactor

    errors = Errors()
    request.node.stash[_ERRORS] = errors
    before = [*reactor.getDelayedCalls(), *_descriptors(reactor)]
    known = set(map(id, before))
    globalLogPublisher.addObserver(errors)
    try:
        yield
        pytest_twisted.blockon(Deferred.fromCoroutine(_wind_down(reactor, known)))
        gc.collect(YOUNG)  # a failed Deferred that nobody holds logs when it is collected
        _set_aside(request)
    finally:
        globalLogPublisher.removeObserver(errors)
    left = [f"a delayed call: {call}" for call in reactor.getDelayedCalls() if id(call) not in known]
    left += [f"an open descriptor: {one!r}" for one in _descriptors(reactor) if id(one) not in known]
    if not request.node.get_closest_marker("logs_errors"):
        left += [f"a logged error: {text}" for text in errors.take()]
    if left:
        pytest.fail("the test left behind\n" + "\n".join(left), pytrace=False)


@pytest.fixture
def expected_errors(request: pytest.FixtureRequest) -> Callable[..., list[str]]:
    """Answers and takes the errors that were logged so far; see above."""
    errors: Errors = request.node.stash[_ERRORS]

    def take(kind: type[BaseException] | None = None) -> list[str]:
        gc.collect(YOUNG)
        return errors.take(kind)

    return take


_ERRORS = pytest.StashKey[Errors]()
_DONE = pytest.StashKey[int]()


@pytest.fixture(autouse=True, scope="session")
def _young_garbage_only() -> None:
    """What was imported is never garbage, and what a test made stays young until it is over: looking through more than that
    after every test would cost the most."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 1_000_000, 1_000_000)


def _set_aside(request: pytest.FixtureRequest) -> None:
    """Now and then all is looked through, and what is still there is taken for lasting."""
    done = request.session.stash.get(_DONE, 0) + 1
    request.session.stash[_DONE] = done
    if done % LASTING == 0:
        gc.collect()
        gc.freeze()


async def _wind_down(reactor: Any, known: set[int]) -> None:
    end = reactor.seconds() + PATIENCE
    turns = 0
    while turns < TURNS or reactor.seconds() < end:
        if all(id(one) in known for one in [*reactor.getDelayedCalls(), *_descriptors(reactor)]):
            return
        turn: Deferred[None] = Deferred()
        reactor.callLater(0 if turns < TURNS else 0.02, turn.callback, None)
        await turn
        turns += 1


def _descriptors(reactor: Any) -> list[Any]:
    internal = getattr(reactor, "_internalReaders", set())
    return [
        one for one in (*reactor.getReaders(), *reactor.getWriters()) if one not in internal and one not in kept.READ
    ]


def _text(event: dict[str, Any]) -> str:
    failure = event.get("log_failure")
    text = formatEvent(event)
    return f"{text}\n{failure.getTraceback()}" if failure is not None else text
