"""The one connection of a process that outlives statements: it listens, and it holds advisory locks.

Not from the pool, since LISTEN and session locks belong to a connection. It heals like the pool's, and is asked for a
sign of life every few seconds, so that a server that went silent is noticed too. Until then another process may have
been given a lock that this one believes to hold: a lock elects, it does not guard data. Nor does it tell a process that works from
one that is frozen, whose connection lives on: what must go on without that one is a lease (``leases.py``).
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
from harvestd.runtime.reconnecting import Reconnecting
from harvestd.runtime.spawn import spawn
from harvestd.store.listeners import Listener, Listeners
from harvestd.store.postgres.clock_skew import QUESTION, ClockSkew
from harvestd.store.postgres.connection import Connection, ConnectionSettings

_NAME = "the listening connection"
FIRST_DELAY, LAST_DELAY = 0.05, 1.0
#: How long notifications are gathered, in seconds, so that a burst of equal ones is one; how many are sent at once, and
#: how many are kept while there is no connection.
GATHER, BATCH, KEPT = 0.005, 500, 10_000
#: PostgreSQL takes payloads under 8,000 bytes.
MAX_PAYLOAD = 7999
CHANNEL = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class ControlConnection:
    """Listens, notifies and locks. ``heartbeat`` is the time between signs of life and ``patience`` the longest wait
    for any answer, both in seconds; their sum is how soon a silent server is noticed."""

    log = Logger()

    def __init__(
        self, reactor: Any, settings: ConnectionSettings, heartbeat: float = 3.0, patience: float = 2.0,
        clock: ClockSkew | None = None,
    ) -> None:  # fmt: skip
        self._reactor = reactor
        name = f"{settings.application_name}-session"
        self._settings = attrs.evolve(settings, statement_timeout=patience, grace=0.0, application_name=name)
        self._heartbeat = heartbeat
        #: This process's clock, compared with PostgreSQL's with each sign of life.
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
        """Whether it hears and holds anything now."""
        return self._link is not None

    async def start(self) -> None:
        """Connect, or after the connect time-out go on without, connecting behind."""
        first = self._first = Deferred()
        self._kept.start()
        timer = self._reactor.callLater(self._settings.connect_timeout, self._started)
        await first
        if timer.active():
            timer.cancel()

    async def stop(self) -> None:
        """Send what waits to be sent and disconnect, which frees the locks. ``lost`` is not called."""
        await self._send()
        self._kept.halt()
        self._locks.clear()
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._opening is not None:
            self._opening.close()
        await self._kept.ended()
        await self._turn.acquire()  # after whoever still waits for an answer
        self._turn.release()

    # --- notifications ---

    def listen(self, channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        """Call ``receive`` with each payload on the channel, this process's own too; answers the unsubscribe.

        ``gap`` is called whenever it begins to hear: soon after this call and after every reconnect, since what was
        sent before was missed. So to read the state in ``gap`` and its changes in ``receive`` misses nothing.
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
        """Send to whoever listens, within some milliseconds; equal ones in that time are sent once. Never raises and
        never waits: without a connection they are kept for the next one, and what cannot be sent is dropped, and logged.
        """
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
        """Take an advisory lock for this process; True also when it has it already, False when another has it or the
        database is away. ``lost`` is called once if the lock goes away with the connection. Never raises."""
        if key in self._locks:
            return True
        link = self._link
        found = await self._ask("select pg_try_advisory_lock(%s)", (key,))
        if not found or not found[0][0] or link is not self._link or self._stopping:
            return False
        self._locks[key] = lost
        return True

    async def unlock(self, key: int) -> None:
        """Free it, if this session has it. Never raises."""
        if key in self._locks:
            del self._locks[key]
            await self._ask("select pg_advisory_unlock(%s)", (key,))

    async def identity(self) -> int | None:
        """The key of an advisory lock that this session has for as long as it lives, by which others know whether it does; a new
        one for each connection, None without one. Never raises."""
        key = self._identity  # several may ask at once, and all have the same
        return key if await self.try_lock(key) else None

    def holds(self, key: int) -> bool:
        """Whether this session has the lock, as far as it knows."""
        return key in self._locks

    # --- the connection ---

    async def _one(self) -> None:
        """A connection, from its opening to its end."""
        link = self._opening = Connection(self._reactor, self._settings, lambda _: self._kept.wake())
        await link.open()
        self._kept.connected()
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
        """As long as the connection does."""
        self._begin()
        await self._compare_clocks()
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
            return  # the next connection hears it
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
                self._pending = dict.fromkeys(batch) | self._pending  # once too often is better than never
                return  # the next connection sends it: on one that is closed this would try for ever, without a turn of the reactor

    async def _ask(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]] | None:
        """The rows, or None if there is no connection or no answer in time, after which it is closed. They are fetched here: whoever
        has the next turn may close the connection, and every cursor with it, before this returns."""
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
