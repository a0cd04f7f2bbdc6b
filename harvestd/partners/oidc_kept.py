"""A document of an issuer that is fetched when it is needed, by one request at a time, and kept for a while."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """``fetch`` gets the document, within a time of its own; ``life`` is how many seconds it is believed, and ``seconds`` a clock."""

    def __init__(
        self, fetch: Callable[[], Coroutine[Any, Any, Value]], life: float, seconds: Callable[[], float]
    ) -> None:
        self._fetch = fetch
        self._life = life
        self._seconds = seconds
        self._value: Value | None = None
        self._at = 0.0
        self._waiting: list[Deferred[Value]] = []

    async def get(self) -> Value:
        """The document, no older than its life. Raises what the fetch does: an old one is not believed instead."""
        if self._value is not None and self._seconds() - self._at < self._life:
            return self._value
        return await self.renewed()

    async def renewed(self) -> Value:
        """The document as it is now. Whoever asks while it is being fetched waits for the same one."""
        waiting: Deferred[Value] = Deferred()
        self._waiting.append(waiting)
        if len(self._waiting) == 1:  # not by whoever asked: that one may be cancelled, and the others still wait
            Deferred.fromCoroutine(self._fetch()).addCallback(self._keep).addBoth(self._tell)
        return await waiting

    def _keep(self, value: Value) -> Value:
        self._value, self._at = value, self._seconds()
        return value

    def _tell(self, result: Any) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.called:
                one.callback(result)  # a Failure errbacks
