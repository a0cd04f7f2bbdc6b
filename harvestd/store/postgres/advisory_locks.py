"""Advisory locks of a process, held on its one long-lived connection (``control.py``)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.logger import Logger

from harvestd.store.listeners import Listeners
from harvestd.store.postgres.connection import Connection


class AdvisoryLocks:
    """``ask`` returns None where there is no connection or no answer; ``link()`` is the connection, None without one or when it is about to stop."""

    log = Logger()

    def __init__(
        self,
        ask: Callable[..., Coroutine[Any, Any, list[tuple[Any, ...]] | None]],
        link: Callable[[], Connection | None],
        listeners: Listeners,
    ) -> None:
        self._ask = ask
        self._link = link
        self._listeners = listeners
        self._held: dict[int, Callable[[], None] | None] = {}
        self._identity = -1

    async def try_lock(self, key: int, lost: Callable[[], None] | None = None) -> bool:
        """Take an advisory lock for this process; True also if it holds the lock already, False when another session
        holds it or the database is away. ``lost`` is called once if the lock is lost with the connection. Never
        raises."""
        if key in self._held:
            return True
        link = self._link()
        found = await self._ask("select pg_try_advisory_lock(%s)", (key,))
        if not found or not found[0][0] or link is None or link is not self._link():
            return False
        self._held[key] = lost
        return True

    async def unlock(self, key: int) -> None:
        """Release it, if this session holds it. Never raises."""
        if key in self._held:
            del self._held[key]
            await self._ask("select pg_advisory_unlock(%s)", (key,))

    async def identity(self) -> int | None:
        """The key of an advisory lock that this session holds for its lifetime, by which others know whether it is
        alive; a new one for each connection, None without one. Never raises."""
        key = self._identity  # concurrent callers all get the same one
        return key if await self.try_lock(key) else None

    def holds(self, key: int) -> bool:
        """Whether this session holds the lock, as far as it knows."""
        return key in self._held

    def begin(self) -> None:
        """There is a new connection, which holds nothing."""
        self._identity = secrets.randbits(63)

    def forget(self) -> None:
        """They end with a connection that this process ends: nobody is told that they are lost."""
        self._held.clear()

    def lose(self) -> None:
        """They ended with their connection."""
        locks, self._held = self._held, {}
        for key, lost in locks.items():
            self.log.warn("the advisory lock {key} is lost with its connection", key=key)
            if lost is not None:
                self._listeners.call(lost)
