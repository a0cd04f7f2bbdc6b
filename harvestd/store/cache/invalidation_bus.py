"""The drops of a process's cache, told to the other processes, and theirs, heard here."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from twisted.logger import Logger

from harvestd.interfaces import ITopics
from harvestd.store.cache.invalidations import CHANNEL, read, written


class InvalidationBus:
    """``drop(families)`` is called for each drop of another process, ``gap()`` whenever some may have been missed."""

    log = Logger()

    def __init__(self, topics: ITopics, drop: Callable[[Sequence[str]], None], gap: Callable[[], None]) -> None:
        self._topics = topics
        self._drop = drop
        self._gap = gap
        self._name = f"{random.getrandbits(64):016x}"
        self._unsubscribe: Callable[[], None] = lambda: None
        self._missed: Callable[[Sequence[str]], None] = lambda families: None

    def start(self) -> None:
        """Start receiving other processes' drops."""
        self._unsubscribe = self._topics.subscribe(CHANNEL, self._receive, self._gap)

    def stop(self) -> None:
        """Stop receiving them."""
        self._unsubscribe()

    async def tell(self, families: Sequence[str], missed: bool = False) -> None:
        """Have the other processes drop them; also in the shared level, for those that reach it, if that was ``missed`` here."""
        for payload in written(self._name, families, missed):
            await self._topics.publish(CHANNEL, payload)

    def on_missed(self, missed: Callable[[Sequence[str]], None]) -> None:
        """Call ``missed(families)`` for drops that another process could not make in the shared level."""
        self._missed = missed

    def _receive(self, payload: str) -> None:
        """A message from another process; invalid ones are ignored."""
        message = read(payload)
        if message is None:
            self.log.debug("an unreadable message on {channel} was ignored", channel=CHANNEL)
        elif message.by != self._name:
            self._drop(message.families)
            if message.missed:
                self._missed(message.families)
