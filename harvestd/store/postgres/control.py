"""The one long-lived connection of a process: it listens, and it holds advisory locks.

It is not from the pool, since LISTEN and session locks belong to a connection. It reconnects like the pool's, with a
heartbeat every few seconds, so that a silent server is detected too. Until then another process may have been granted a
lock that this one believes it holds: a lock elects a leader, it does not guard data. Nor does it distinguish a working
process from a frozen one, whose connection stays open: work that must then move to another process needs a lease
(``leases.py``).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from harvestd.kernel.errors import Unavailable
from harvestd.runtime.health import Condition
from harvestd.runtime.reconnecting import Reconnecting
from harvestd.runtime.spawn import spawn
from harvestd.store.listeners import Listener, Listeners
from harvestd.store.postgres.clock_skew import QUESTION, ClockSkew
from harvestd.store.postgres.connection import Connection, ConnectionSettings

_NAME = "the listening connection"
FIRST_DELAY, LAST_DELAY = 0.05, 1.0
#: How long notifications are gathered, in seconds, so that a burst of duplicates is sent once; the batch size; and how
#: many are kept while disconnected.
GATHER, BATCH, KEPT = 0.005, 500, 10_000
#: PostgreSQL's payload limit: under 8,000 bytes.
MAX_PAYLOAD = 7999
CHANNEL = re.compile(r"[a-z_][a-z0-9_]{0,62}")


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
        self._locks: dict[int, Callable[[], None] | None] = {}
        self._identity = -1
        self._pending: dict[tuple[str, str], None] = {}
        self._flush: Any = None
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
        await self._send()
        self._locks.clear()  # before the connection ends, which would report them as lost
        self._kept.halt()
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._opening is not None:
            self._opening.close()
        await self._kept.ended()
        await self._turn.acquire()  # after a caller still waiting for its answer
        self._turn.release()

    # --- notifications ---

    def listen(self, channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        """Call ``receive`` with each payload on the channel, including this process's own; returns the unsubscribe function.

        ``gap`` is called whenever listening begins: soon after this call and after every reconnect, since earlier
        notifications were missed. So reading the state in ``gap`` and its changes in ``receive`` misses nothing.
        """
        if not CHANNEL.fullmatch(channel):
            raise ValueError(f"{channel!r} is no channel name: lower case letters, digits and _, at most 63")
        listener = Listener(receive, gap)
        self._listeners.add(channel, listener)
        spawn(_NAME, self._hear(channel, listener))

        def unsubscribe() -> None:
            if self._listeners.remove(channel, listener):
                spawn(_NAME, self._ask(f'unlisten "{channel}"'))

        return unsubscribe

    async def notify(self, channel: str, payload: str) -> None:
        """Notify all listeners, within some milliseconds; duplicates in that time are sent once. Never raises and never
        waits: while disconnected they are kept for the next connection, and those that cannot be sent are dropped and
        logged."""
        if not CHANNEL.fullmatch(channel) or "\0" in payload or _size(payload) > MAX_PAYLOAD:
            self.log.error("a notification on {channel!r} cannot be sent and is dropped", channel=channel)
            return
        if len(self._pending) >= KEPT:
            self.log.warn("too many notifications wait for a connection, the oldest is dropped")
            del self._pending[next(iter(self._pending))]
        self._pending[channel, payload] = None
        self._send_soon()

    # --- locks ---

    async def try_lock(self, key: int, lost: Callable[[], None] | None = None) -> bool:
        """Take an advisory lock for this process; True also if it holds the lock already, False when another session
        holds it or the database is away. ``lost`` is called once if the lock is lost with the connection. Never
        raises."""
        if key in self._locks:
            return True
        link = self._link
        found = await self._ask("select pg_try_advisory_lock(%s)", (key,))
        if not found or not found[0][0] or link is not self._link or self._stopping:
            return False
        self._locks[key] = lost
        return True

    async def unlock(self, key: int) -> None:
        """Release it, if this session holds it. Never raises."""
        if key in self._locks:
            del self._locks[key]
            await self._ask("select pg_advisory_unlock(%s)", (key,))

    async def identity(self) -> int | None:
        """The key of an advisory lock that this session holds for its lifetime, by which others know whether it is
        alive; a new one for each connection, None without one. Never raises."""
        key = self._identity  # concurrent callers all get the same one
        return key if await self.try_lock(key) else None

    def holds(self, key: int) -> bool:
        """Whether this session holds the lock, as far as it knows."""
        return key in self._locks

    # --- the connection ---

    async def _one(self) -> None:
        """One connection, from open to close."""
        link = self._opening = Connection(self._reactor, self._settings, lambda _: self._kept.wake())
        await link.open()
        link.observe(self._listeners.tell)
        self._link, self._identity = link, secrets.randbits(63)
        try:
            await self._live(link)
        finally:
            link.close()
            self._link = None
            self._lose_locks()

    def _away(self, error: Exception, first: bool) -> None:
        if first:
            self.log.warn("no connection to listen on, retrying: {why}", why=str(error))

    async def _live(self, link: Connection) -> None:
        """For the lifetime of the connection."""
        self._begin()
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

    def _begin(self) -> None:
        for channel in self._listeners.channels():
            spawn(_NAME, self._hear(channel))
        if self._pending:
            self._send_soon()
        self._started()

    def _started(self) -> None:
        if self._first is not None and not self._first.called:
            self._first.callback(None)

    def _lose_locks(self) -> None:
        locks, self._locks = self._locks, {}
        for key, lost in locks.items():
            self.log.warn("the advisory lock {key} is lost with its connection", key=key)
            if lost is not None:
                self._listeners.call(lost)

    async def _hear(self, channel: str, only: Listener | None = None) -> None:
        if await self._ask(f'listen "{channel}"') is None:
            return  # the next connection listens to it
        if only is None:
            self._listeners.tell_gap(channel)
        elif channel in self._listeners:
            self._listeners.call(only.gap)

    def _send_soon(self) -> None:
        if self._flush is None and self._link is not None and not self._stopping:
            self._flush = self._reactor.callLater(GATHER, self._flush_now)

    def _flush_now(self) -> None:
        self._flush = None
        spawn(_NAME, self._send())

    async def _send(self) -> None:
        while self._pending and self._link is not None:
            batch = list(self._pending)[:BATCH]
            for one in batch:
                del self._pending[one]
            channels, payloads = [c for c, _ in batch], [p for _, p in batch]
            sql = "select pg_notify(c, p) from unnest(%s::text[], %s::text[]) as pending (c, p)"
            if await self._ask(sql, (channels, payloads)) is None:
                self._pending = dict.fromkeys(batch) | self._pending  # a duplicate is better than a loss
                return  # left to the next connection: on a closed one this would retry for ever and block the reactor

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


def _size(payload: str) -> int:
    try:
        return len(payload.encode())
    except UnicodeEncodeError:
        return MAX_PAYLOAD + 1
