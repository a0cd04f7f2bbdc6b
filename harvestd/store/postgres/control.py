"""The one long-lived connection of a process: it listens, and it holds advisory locks.

It is not from the pool, since LISTEN and session locks belong to a connection. It reconnects like the pool's, with a
heartbeat every few seconds, so that a silent server is detected too. Until then another process may have been granted a
lock that this one believes it holds: a lock elects a leader, it does not guard data. Nor does it distinguish a working
process from a frozen one, whose connection stays open: work that must then move to another process needs a lease
(``leases.py``).
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from harvestd.kernel.errors import Unavailable
from harvestd.runtime.health import Condition
from harvestd.runtime.reconnecting import Reconnecting
from harvestd.store.listeners import Listeners
from harvestd.store.postgres.advisory_locks import AdvisoryLocks
from harvestd.store.postgres.clock_skew import QUESTION, ClockSkew
from harvestd.store.postgres.connection import Connection
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.notifications import Notifications

_NAME = "the listening connection"
FIRST_DELAY, LAST_DELAY = 0.05, 1.0


class ControlConnection:
    """Listens, notifies and locks. ``heartbeat`` is the time between heartbeats and ``patience`` the timeout of any
    answer, both in seconds; a silent server is detected after their sum."""

    log = Logger()

    def __init__(
        self, reactor: Any, settings: ConnectionSettings, heartbeat: float = 3.0, patience: float = 2.0,
        clock: ClockSkew | None = None,
    ) -> None:  # fmt: skip
        self._reactor = reactor
        name = f"{settings.application_name}-session"
        self._settings = attrs.evolve(settings, statement_timeout=patience, grace=0.0, application_name=name)
        self._heartbeat = heartbeat
        #: This process's clock, compared with PostgreSQL's at each heartbeat.
        self.clock = clock or ClockSkew()
        self._turn = DeferredLock()
        self._opening: Connection | None = None
        self._link: Connection | None = None
        self._listeners = Listeners()
        self.notifications = Notifications(reactor, _NAME, self._ask, lambda: self.connected, self._listeners)
        self.locks = AdvisoryLocks(self._ask, lambda: None if self._stopping else self._link, self._listeners)
        self._first: Deferred[None] | None = None
        self._kept = Reconnecting(reactor, _NAME, self._one, (Unavailable,), self._away, FIRST_DELAY, LAST_DELAY)

    @property
    def _stopping(self) -> bool:
        return self._kept.stopping

    @property
    def connected(self) -> bool:
        """Whether it is connected, and so receives notifications and holds locks."""
        return self._link is not None

    async def condition(self) -> Condition:
        """For readiness."""
        return Condition("ok") if self.connected else Condition("degraded", "no notifications are heard: polling")

    async def start(self) -> None:
        """Connect, or after the connect timeout continue without, retrying in the background."""
        first = self._first = Deferred()
        self._kept.start()
        timer = self._reactor.callLater(self._settings.connect_timeout, self._started)
        await first
        if timer.active():
            timer.cancel()

    async def stop(self) -> None:
        """Send pending notifications and disconnect, which frees the locks. ``lost`` is not called."""
        await self.notifications.send()
        self.locks.forget()  # before the connection ends, which would report them as lost
        self._kept.halt()
        self.notifications.halt()
        if self._opening is not None:
            self._opening.close()
        await self._kept.ended()
        await self._turn.acquire()  # after a caller still waiting for its answer
        self._turn.release()

    # --- the connection ---

    async def _one(self) -> None:
        """One connection, from open to close."""
        link = self._opening = Connection(self._reactor, self._settings, lambda _: self._kept.wake())
        await link.open()
        link.observe(self._listeners.tell)
        self._link = link
        self.locks.begin()
        try:
            await self._live(link)
        finally:
            link.close()
            self._link = None
            self.locks.lose()

    def _away(self, error: Exception, first: bool) -> None:
        if first:
            self.log.warn("no connection to listen on, retrying: {why}", why=str(error))

    async def _live(self, link: Connection) -> None:
        """For the lifetime of the connection."""
        self.notifications.begin()
        self._started()
        await self._compare_clocks()
        if not link.closed:
            self._kept.connected()
        while not link.closed and not self._stopping:
            await self._kept.nap(self._heartbeat)
            if not link.closed and not self._stopping:
                await self._compare_clocks()

    async def _compare_clocks(self) -> None:
        asked = self.clock.wall()
        found = await self._ask(QUESTION)
        if found:
            self.clock.compared(asked, found[0][0], self.clock.wall())

    def _started(self) -> None:
        if self._first is not None and not self._first.called:
            self._first.callback(None)

    async def _ask(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]] | None:
        """The rows, or None without a connection or an answer in time, after which it is closed. They are fetched here:
        the next caller may close the connection, and every cursor with it, before this returns."""
        await self._turn.acquire()
        link = self._link
        try:
            if link is None:
                return None
            cursor = await link.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
        except Unavailable as error:
            if not self._stopping:
                self.log.warn("the listening connection: {why}", why=error.detail)
            if link is not None:
                link.close()
            return None
        finally:
            self._turn.release()
