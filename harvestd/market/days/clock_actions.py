"""Moving the clock of a sandbox: from one thing that is due to the next, each done at its time, as live time would have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import attrs
from twisted.internet.task import deferLater

from harvestd.kernel.errors import Conflict, Invalid, NotFound
from harvestd.kernel.events import Event
from harvestd.kernel.families import CATALOGUE, FARMS, MARKET_DAYS, stale
from harvestd.kernel.sentences import worded
from harvestd.parts import Parts
from harvestd.queue.work import Due
from harvestd.store.leases import always
from harvestd.unit_of_work import UnitOfWork, change

#: The farthest that one request moves the clock; the most that it does, and for how long in seconds; and the events that it lists.
MAX_AHEAD, MAX_STEPS, MAX_SECONDS, MAX_TOLD = timedelta(days=400), 1000, 20.0, 500
#: How often what is due is tried that another process is at, and the pause in between, in seconds.
TRIES, PAUSE = 50, 0.05


@attrs.frozen
class Happened:
    """An event, the market's time at which it happened, and what it is about."""

    type: str
    at: datetime
    about: str


@attrs.frozen
class Moved:
    """What the time was and is, whether that is what was asked for, and what happened in between: the first of it, and how much in all."""

    before: datetime
    now: datetime
    reached: bool
    happened: tuple[Happened, ...]
    count: int


@attrs.define
class _Told:
    """The events so far; ``at`` is the time of the step that is being done."""

    at: datetime
    happened: list[Happened] = attrs.field(factory=list)
    count: int = 0

    def note(self, events: Sequence[Event]) -> None:
        told = [event for event in events if event.type != "cache.invalidate"]
        self.count += len(told)
        self.happened += [Happened(one.type, self.at, one.aggregate) for one in told][: MAX_TOLD - len(self.happened)]


async def move(parts: Parts, to: datetime) -> Moved:
    """Move the market's time to ``to``, doing all that is due on the way. Raises ``NotFound`` in a market that is no sandbox, ``Invalid`` for a time that is not
    ahead or too far, and ``Conflict`` if something that is due cannot be done."""
    if not parts.settings.sandbox:
        raise NotFound("this market is no sandbox, so its time is that of the world")
    before = parts.now()
    _check(before, to)
    told = _Told(before)
    await parts.clock.move(before, moving=True)
    reached = False
    try:
        reached = await _go(parts, to, told)
    finally:
        version = await parts.clock.move(to if reached else told.at, moving=False)
    await change(parts, lambda unit: _settled(unit, version))
    return Moved(before, to if reached else told.at, reached, tuple(told.happened), told.count)


def _check(now: datetime, to: datetime) -> None:
    if to <= now:
        minimum = now.isoformat().replace("+00:00", "Z")
        message = f"must be later than the market's time, which is {minimum}: it only moves forward"
        raise Invalid.of("to", message, "below-minimum", minimum=minimum)
    if to > now + MAX_AHEAD:
        maximum = (now + MAX_AHEAD).isoformat().replace("+00:00", "Z")
        raise Invalid.of(
            "to", f"must be at most {MAX_AHEAD.days} days ahead; move it in steps", "above-maximum", maximum=maximum
        )


async def _go(parts: Parts, to: datetime, told: _Told) -> bool:
    """Do what is due until ``to``; False if that is more than one request does."""
    began, tries = parts.reactor.seconds(), 0
    last: tuple[datetime, Due] | None = None
    for _ in range(MAX_STEPS):
        following = await _next(parts)
        if following is None or following[0] > to:
            return True
        if parts.reactor.seconds() - began > MAX_SECONDS:
            return False
        tries = tries + 1 if following == last else 0
        if tries > TRIES:
            raise Conflict(worded("{task} did not do what is due; the log says why", task=following[1].name))
        if tries > 1:
            await deferLater(parts.reactor, PAUSE, lambda: None)
        last, (at, task) = following, following
        told.at = max(at, told.at)
        await parts.clock.move(told.at, moving=True)
        await task.run(attrs.evolve(parts, now=_constant(told.at), committed=told.note), always)
    return False


def _constant(at: datetime) -> Callable[[], datetime]:
    return lambda: at


async def _next(parts: Parts) -> tuple[datetime, Due] | None:
    """What is due next, and when; of several at one time the first in the table."""
    found = [(at, n, task) for n, task in enumerate(parts.dues) if (at := await task.next_due(parts)) is not None]
    if not found:
        return None
    at, _, task = min(found, key=lambda one: one[:2])
    return at, task


async def _settled(unit: UnitOfWork, version: int) -> None:
    """Drop from the caches what was shown of another time."""
    unit.record(stale("market:clock", version, CATALOGUE, FARMS, MARKET_DAYS))
