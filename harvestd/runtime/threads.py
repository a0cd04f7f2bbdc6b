"""Blocking work in threads of the reactor's pool, a bounded number at once, for which addresses take turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.threads import deferToThreadPool

from harvestd.kernel.errors import Overloaded
from harvestd.runtime.fair_turns import Place, Turns
from harvestd.runtime.tracing import current_asker

Result = TypeVar("Result")


class Threads:
    """``at_once`` pieces of work run at once, ``most`` more wait."""

    def __init__(self, reactor: Any, at_once: int, most: int) -> None:
        self._reactor = reactor
        self._turns = Turns(at_once, _overloaded)
        self._most = most

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """The result of ``work``, done for whom the request is. Raises ``Overloaded`` if too many wait."""
        place = Place(current_asker(), most=self._most)
        await self._turns.taken(place)
        try:
            return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *arguments)
        finally:
            self._turns.over(place)


def _overloaded() -> Overloaded:
    return Overloaded("the server has no room for this at present; try again in a moment")
