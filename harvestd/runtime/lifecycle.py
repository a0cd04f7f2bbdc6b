"""Ordered startup and graceful shutdown, named background tasks, and work that a client disconnect cannot cancel.

Twisted's ``MultiService`` neither awaits starts nor orders stops, so the parts of a process are in one list: they
start from top to bottom, each awaited, and stop from bottom to top.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError, DNSLookupError
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()

#: The exceptions of cancelled work: the last two from an endpoint while it connects, and while it resolves the name.
CANCELLED = (CancelledError, ConnectingCancelledError, DNSLookupError)

Result = TypeVar("Result")
Step = Callable[[], Awaitable[Any] | None]

#: Minimum seconds for each part's stop, even if earlier ones used up the deadline.
MIN = 2.0


async def sleep(reactor: Any, seconds: float) -> None:
    """Wait ``seconds``; cancelling the Deferred cancels the timer."""
    waiting: Deferred[None] = Deferred(lambda _: call.cancel())
    call = reactor.callLater(seconds, waiting.callback, None)
    await waiting


def shield(coroutine: Coroutine[Any, Any, Result]) -> Deferred[Result]:
    """Run ``coroutine`` to completion even if the returned Deferred is cancelled (as Klein does when a client disconnects).
    An exception after that is logged."""
    outer: Deferred[Result] = Deferred(lambda _: None)

    def settle(result: Any) -> None:
        if not outer.called:
            outer.callback(result)  # a Failure errbacks
        elif isinstance(result, Failure):
            log.failure("work that nobody waits for any more failed", failure=result)

    Deferred.fromCoroutine(coroutine).addBoth(settle)
    return outer


async def within(reactor: Any, seconds: float, coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``coroutine``, or ``TimeoutError``: it is then cancelled, and not awaited even if it ignores that.
    Cancelling this raises ``CancelledError``, regardless of the exception with which the work ends."""
    work = Deferred.fromCoroutine(coroutine)
    outcome: Deferred[Result] = Deferred(lambda _: give_up(CancelledError()))

    def give_up(why: Exception) -> None:
        if timer.active():
            timer.cancel()
        outcome.errback(why)  # before cancelling the work, so that cleanup code sees the outcome first
        work.cancel()

    def settle(result: Any) -> None:
        if timer.active():
            timer.cancel()
        if not outcome.called:
            outcome.callback(result)  # a Failure errbacks
        elif isinstance(result, Failure) and not result.check(*CANCELLED):
            log.failure("work that was given up failed", failure=result)

    timer = reactor.callLater(seconds, give_up, TimeoutError(f"not done within {seconds:g} s"))
    work.addBoth(settle)
    return await outcome


@attrs.frozen
class _Part:
    name: str
    start: Step
    stop: Step


class Lifecycle:
    """The parts of one process, and its running background tasks."""

    log = Logger()

    def __init__(self, reactor: Any, deadline: float = 20.0) -> None:
        self.reactor = reactor
        self._deadline = deadline
        self._parts: list[_Part] = []
        self._started: list[_Part] = []
        self._work: set[_Work] = set()
        self.stopping = False

    def add(self, name: str, start: Step, stop: Step) -> None:
        """Append a part. ``start`` and ``stop`` may be plain functions or coroutine functions."""
        self._parts.append(_Part(name, start, stop))

    async def start(self) -> None:
        """Start all parts not yet started, in order; if one fails, stop the started ones in reverse, and raise its error."""
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
        """Stop the started parts in reverse; they share the deadline, and each has at least :data:`MIN`. An error in one does not
        prevent the others."""
        self.stopping = True
        end = self.reactor.seconds() + self._deadline
        while self._started:
            part = self._started.pop()
            self.log.debug("stopping {name}", name=part.name)
            left = max(MIN, end - self.reactor.seconds())
            try:
                await within(self.reactor, left, _maybe(part.stop))
            except Exception as error:
                self.log.failure("stopping {name} failed: {why}", name=part.name, why=repr(error))
            await self._drain(len(self._started))
        await self._drain(0)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], why: str) -> Deferred[None]:
        """Run a background task: its failure is logged under ``why``. Returns a Deferred that fires at its end.

        It may use all parts started now: :meth:`stop` cancels and awaits it before stopping them. Nothing is started
        once everything has stopped.
        """
        done: Deferred[None] = Deferred()
        if self.stopping and not self._started:
            coroutine.close()
            done.callback(None)
            return done
        work = _Work(why, len(self._started), Deferred.fromCoroutine(coroutine))

        def finish(result: Any) -> None:
            self._work.discard(work)
            if isinstance(result, Failure) and not (work.cancelled and result.check(CancelledError)):
                self.log.failure("{why} failed", failure=result, why=why)
            work.ended = True
            for waiter in (work.waiter, done):
                if waiter is not None and not waiter.called:
                    waiter.callback(None)

        self._work.add(work)
        work.running.addBoth(finish)
        return done

    def tasks(self) -> list[str]:
        """The running background tasks, by their ``why``."""
        return [work.why for work in self._work]

    async def _drain(self, level: int) -> None:
        """Cancel and await the tasks that were spawned when at least ``level`` parts were started."""
        for work in [work for work in self._work if work.level >= level]:
            self.log.debug("cancelling {why}", why=work.why)
            work.cancelled = True
            work.running.cancel()
            try:
                await within(self.reactor, MIN, work.end())
            except TimeoutError:
                self.log.error("{why} does not end, going on without it", why=work.why)


@attrs.define(eq=False)
class _Work:
    why: str
    level: int
    running: Deferred[Any]
    cancelled: bool = False
    ended: bool = False
    waiter: Deferred[None] | None = None

    async def end(self) -> None:
        """Wait until it has ended."""
        if not self.ended:
            self.waiter = Deferred()
            await self.waiter


async def _maybe(step: Step) -> None:
    waiting = step()
    if waiting is not None:
        await waiting
