"""LISTEN and NOTIFY on a process's one long-lived connection (``control.py``): who listens, and what waits to be sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.logger import Logger

from harvestd.runtime.spawn import spawn
from harvestd.store.listeners import Listener, Listeners

#: How long notifications are gathered, in seconds, so that a burst of duplicates is sent once; the batch size; and how
#: many are kept while disconnected.
GATHER, BATCH, KEPT = 0.005, 500, 10_000
#: PostgreSQL's payload limit: under 8,000 bytes.
MAX_PAYLOAD = 7999
CHANNEL = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Notifications:
    """``ask`` returns None where there is no connection or no answer, ``connected()`` says whether there is one; ``name`` is that of its work in the log."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        name: str,
        ask: Callable[..., Coroutine[Any, Any, list[tuple[Any, ...]] | None]],
        connected: Callable[[], bool],
        listeners: Listeners,
    ) -> None:
        self._reactor = reactor
        self._name = name
        self._ask = ask
        self._connected = connected
        self._listeners = listeners
        self._pending: dict[tuple[str, str], None] = {}
        self._flush: Any = None
        self._halted = False

    def listen(self, channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        """Call ``receive`` with each payload on the channel, including this process's own; returns the unsubscribe function.

        ``gap`` is called whenever listening begins: soon after this call and after every reconnect, since earlier
        notifications were missed. So reading the state in ``gap`` and its changes in ``receive`` misses nothing.
        """
        if not CHANNEL.fullmatch(channel):
            raise ValueError(f"{channel!r} is no channel name: lower case letters, digits and _, at most 63")
        listener = Listener(receive, gap)
        self._listeners.add(channel, listener)
        spawn(self._name, self._hear(channel, listener))

        def unsubscribe() -> None:
            if self._listeners.remove(channel, listener):
                spawn(self._name, self._ask(f'unlisten "{channel}"'))

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

    def begin(self) -> None:
        """There is a connection: listen on it, and send what waits."""
        for channel in self._listeners.channels():
            spawn(self._name, self._hear(channel))
        if self._pending:
            self._send_soon()

    def halt(self) -> None:
        """Begin to send no more."""
        self._halted = True
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None

    async def _hear(self, channel: str, only: Listener | None = None) -> None:
        if await self._ask(f'listen "{channel}"') is None:
            return  # the next connection listens to it
        if only is None:
            self._listeners.tell_gap(channel)
        elif channel in self._listeners:
            self._listeners.call(only.gap)

    def _send_soon(self) -> None:
        if self._flush is None and self._connected() and not self._halted:
            self._flush = self._reactor.callLater(GATHER, self._flush_now)

    def _flush_now(self) -> None:
        self._flush = None
        spawn(self._name, self.send())

    async def send(self) -> None:
        """Send what waits."""
        while self._pending and self._connected():
            batch = list(self._pending)[:BATCH]
            for one in batch:
                del self._pending[one]
            channels, payloads = [c for c, _ in batch], [p for _, p in batch]
            sql = "select pg_notify(c, p) from unnest(%s::text[], %s::text[]) as pending (c, p)"
            if await self._ask(sql, (channels, payloads)) is None:
                self._pending = dict.fromkeys(batch) | self._pending  # a duplicate is better than a loss
                return  # left to the next connection: on a closed one this would retry for ever and block the reactor


def _size(payload: str) -> int:
    try:
        return len(payload.encode())
    except UnicodeEncodeError:
        return MAX_PAYLOAD + 1
