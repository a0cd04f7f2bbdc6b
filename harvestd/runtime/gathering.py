"""Work that has to wait anyway is done together: whoever comes while as many groups are under way as may be waits for the next to end, and then goes on with all
others who wait, as one group. Nobody waits for others to come.

A group is led by the first of it, in that one's own coroutine. One that fails as a whole is done again one by one, each in its own, so what is wrong with one
is never another's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.runtime.handing import Handing

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

#: Groups that are under way at once: while the database works on one, this process decides on the other.
LANES = 2
#: How many a group has at most: it holds the locks of all of them.
MOST = 32
#: Seconds after which a group is held up by somebody else, and keeps nobody from going on.
PATIENCE = 0.1


@attrs.define(eq=False)
class _Place(Generic[Item, Outcome]):
    """Of one item. ``turn`` fires with the group that it leads, or with None when another has led it: ``outcome`` is then what came of it, or nothing."""

    item: Item
    turn: Deferred[_Group[Item, Outcome] | None] = attrs.field(factory=Deferred)
    outcome: list[Outcome | Exception] = attrs.field(factory=list)


@attrs.define(eq=False)
class _Group(Generic[Item, Outcome]):
    places: Sequence[_Place[Item, Outcome]]
    timer: Any = None
    late: bool = False


class Gathering(Generic[Item, Outcome]):
    """``together`` does several items at once, all or none, and returns for each, in the order in which they came, what came of it: an exception is raised where that
    item waits, and one of which nothing came (None) is done by itself after the group. At most ``groups`` are under way, however long they take."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        together: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception | None]]],
        groups: int,
    ) -> None:
        self._reactor = reactor
        self._together = together
        self._groups = max(1, groups)
        self._under_way: set[_Group[Item, Outcome]] = set()
        self._waiting: deque[_Place[Item, Outcome]] = deque()
        self._handing: Handing[_Group[Item, Outcome] | None] = Handing(self._abandoned)

    @property
    def waiting(self) -> int:
        """How many wait for a group that is under way."""
        return len(self._waiting)

    async def do(self, item: Item, alone: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Do it, with others if they wait at the same time; ``alone`` does it by itself."""
        place: _Place[Item, Outcome] = _Place(item)
        group = await self._turn(place)
        if group is not None:
            try:
                if len(group.places) == 1:
                    return await alone()
                await self._lead(group)
            finally:
                self._end(group)
        if not place.outcome:
            return await alone()
        (outcome,) = place.outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _turn(self, place: _Place[Item, Outcome]) -> _Group[Item, Outcome] | None:
        if not self._waiting and self._free():
            return self._begun([place])
        self._waiting.append(place)
        return await place.turn

    async def _lead(self, group: _Group[Item, Outcome]) -> None:
        try:
            outcomes = await self._together([place.item for place in group.places])
        except Exception as error:
            self.log.warn(
                "what {number} waited for together failed, and is done one by one: {why}",
                number=len(group.places), why=f"{type(error).__name__}: {error}",
            )  # fmt: skip
            return
        for place, outcome in zip(group.places, outcomes, strict=True):
            if outcome is not None:
                place.outcome.append(outcome)

    def _free(self) -> bool:
        held_up = sum(group.late for group in self._under_way)
        return len(self._under_way) < self._groups and len(self._under_way) - held_up < LANES

    def _begun(self, places: Sequence[_Place[Item, Outcome]]) -> _Group[Item, Outcome]:
        group = _Group(places)
        group.timer = self._reactor.callLater(PATIENCE, self._late, group)
        self._under_way.add(group)
        return group

    def _late(self, group: _Group[Item, Outcome]) -> None:
        group.late = True
        self._go()

    def _end(self, group: _Group[Item, Outcome]) -> None:
        """The next ones go first, so that the database has something to do while those who were led answer."""
        self._under_way.discard(group)
        if group.timer.active():
            group.timer.cancel()
        self._go()
        for place in group.places[1:]:
            self._handing.wake(place.turn, None)

    def _go(self) -> None:
        while self._waiting and self._free():
            places = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            self._handing.wake(places[0].turn, self._begun(places))

    def _abandoned(self, group: _Group[Item, Outcome] | None) -> None:
        """Whoever was to lead was cancelled while they waited: the others do it one by one."""
        if group is not None:
            self._end(group)
