"""Ordered start and stop, background work with a name, and work that no hang-up can cancel.

Twisted's ``MultiService`` neither awaits starts nor orders stops, so the parts of a process stand in one list: they
start from top to bottom, each awaited, and stop from bottom to top.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

Result = TypeVar("Result")
Step = Callable[[], Awaitable[Any] | None]

#: What each part has for its stop, in seconds, even when those before it used up the deadline.
LEAST = 2.0


async def sleep(reactor: Any, seconds: float) -> None:
    """Wait; cancelling the waiting Deferred cancels the timer."""
    waiting: Deferred[None] = Deferred(lambda _: call.cancel())
    call = reactor.callLater(seconds, waiting.callback, None)
    await waiting


def shield(coroutine: Coroutine[Any, Any, Result]) -> Deferred[Result]:
    """Run ``coroutine`` to its end even if the returned Deferred is cancelled (as Klein does when a client hangs up)."""
    outer: Deferred[Result] = Deferred(lambda _: None)

    def settle(result: Any) -> None:
        if not outer.called:
            outer.callback(result)  # a Failure errbacks

    Deferred.fromCoroutine(coroutine).addBoth(settle)
    return outer


@attrs.frozen
class _Part:
    name: str
    start: Step
    stop: Step


class Lifecycle:
    """The parts of one process, and the background work that it has under way."""

    log = Logger()

    def __init__(self, reactor: Any, deadline: float = 20.0) -> None:
        self.reactor = reactor
        self._deadline = deadline
        self._parts: list[_Part] = []
        self._started: list[_Part] = []
        self._tasks: dict[Deferred[Any], str] = {}
        self.stopping = False

    def add(self, name: str, start: Step, stop: Step) -> None:
        """Append a part. ``start`` and ``stop`` may be plain functions or coroutine functions."""
        self._parts.append(_Part(name, start, stop))

    async def start(self) -> None:
        """Start all parts that are not started yet, in order; if one fails, stop those that are, in reverse, and raise its
        error."""
        for part in self._parts[len(self._started) :]:
            self.log.debug("starting {name}", name=part.name)
            try:
                await _maybe(part.start)
            except BaseException:
                self.log.debug("{name} did not start", name=part.name)
                await self.stop()
                raise
            self._started.append(part)

    async def stop(self) -> None:
        """Stop the started parts in reverse; together they have the deadline, and each has :data:`LEAST` at least. An error
        in one does not keep the others."""
        self.stopping = True
        end = self.reactor.seconds() + self._deadline
        while self._started:
            part = self._started.pop()
            self.log.debug("stopping {name}", name=part.name)
            left = max(LEAST, end - self.reactor.seconds())
            try:
                await Deferred.fromCoroutine(_maybe(part.stop)).addTimeout(left, self.reactor)
            except BaseException as error:
                self.log.failure("stopping {name} failed: {why}", name=part.name, why=repr(error))
        await self._drain()

    def spawn(self, coroutine: Coroutine[Any, Any, Any], why: str) -> Deferred[None]:
        """Run work that nobody awaits: its failure is logged under ``why``, and :meth:`stop` cancels and awaits it."""
        task = Deferred.fromCoroutine(coroutine)
        done: Deferred[None] = Deferred()

        def finish(result: Any) -> None:
            self._tasks.pop(task, None)
            if hasattr(result, "check") and result.check(CancelledError) is None:
                self.log.failure("{why} failed", failure=result, why=why)
            done.callback(None)

        self._tasks[task] = why
        task.addBoth(finish)
        return done

    def tasks(self) -> list[str]:
        """What is under way, by its ``why``."""
        return list(self._tasks.values())

    async def _drain(self) -> None:
        for task, why in list(self._tasks.items()):
            self.log.debug("cancelling {why}", why=why)
            task.cancel()


async def _maybe(step: Step) -> None:
    waiting = step()
    if waiting is not None:
        await waiting
