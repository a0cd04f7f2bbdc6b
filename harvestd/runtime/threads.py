"""Blocking work in threads of the reactor's pool, a bounded number at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import DeferredSemaphore
from twisted.internet.threads import deferToThreadPool

from harvestd.kernel.errors import Overloaded

Result = TypeVar("Result")


class Threads:
    """``at_once`` pieces of work run at once, ``most`` more wait in order of arrival."""

    def __init__(self, reactor: Any, at_once: int, most: int) -> None:
        self._reactor = reactor
        self._turn = DeferredSemaphore(at_once)
        self._most = most

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """The result of ``work``. Raises ``Overloaded`` if too many wait."""
        if len(self._turn.waiting) >= self._most:
            raise Overloaded("the server has no room for this at present; try again in a moment")
        await self._turn.acquire()
        try:
            return await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *arguments)
        finally:
            self._turn.release()
