"""Blocking work in threads of the reactor's pool, a bounded number at once, for which addresses take turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.threads import deferToThreadPool

from harvestd.kernel.errors import Overloaded
from harvestd.runtime.fair_turns import Place, Turns
from harvestd.runtime.tracing import current_asker, current_gone

Result = TypeVar("Result")


#: Seconds that a piece of work waits at most.
WAIT = 30.0


class Threads:
    """``at_once`` pieces of work run at once, ``most`` more wait, each for :data:`WAIT` seconds at most; ``short(who)`` is called where that is not enough."""

    def __init__(self, reactor: Any, at_once: int, most: int, short: Callable[[str], Any]) -> None:
        self._reactor = reactor
        self.turns = Turns(at_once, _overloaded)
        self._most = most
        self._short = short

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """The result of ``work``, done for whom the request is. Raises ``Overloaded`` (503) if too many wait, for too long, or if the client is gone
        before it begins."""
        who = current_asker()
        place = Place(who, current_gone(), self._most, lambda: self._short(who), WAIT)
        await self.turns.taken(place)
        try:
            return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *arguments)
        finally:
            self.turns.over(place)


def _overloaded() -> Overloaded:
    return Overloaded("the server has no room for this at present; try again in a moment")
