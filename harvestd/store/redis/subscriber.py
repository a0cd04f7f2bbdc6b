"""A process's connection for Redis subscriptions: apart from the one for calls, since a subscribed one accepts none.

It sends a heartbeat every second, so a silent Redis is detected within two, and reconnects by itself. Channels are
subscribed only while they have listeners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import txredisapi
from twisted.logger import Logger

from harvestd.runtime.reconnecting import Reconnecting
from harvestd.store.redis.protocol import RedisConnectionProtocol, RedisUnavailable, connect
from harvestd.store.redis.url import Target

#: Seconds between heartbeats, and the timeout of one.
HEARTBEAT, PATIENCE = 1.0, 1.0
FIRST_DELAY, LAST_DELAY = 0.05, 1.0
#: Channels per command.
BATCH = 1000


class SubscriberProtocol(RedisConnectionProtocol):
    """Redis's push messages go to ``pushed``: the kind, the channel, and the payload."""

    pushed: Callable[[bytes, bytes, Any], None] = staticmethod(lambda kind, channel, said: None)

    def takes(self, reply: Any) -> bool:
        """Whether it is a message, or confirms a subscription."""
        if not isinstance(reply, list) or len(reply) != 3 or reply[0] not in (b"message", b"subscribe", b"unsubscribe"):
            return False
        if not self.broken and isinstance(reply[1], bytes) and (reply[0] != b"message" or isinstance(reply[2], bytes)):
            self.pushed(*reply)
        return True

    def tell(self, command: str, names: list[bytes]) -> None:
        """SUBSCRIBE or UNSUBSCRIBE, which is answered by one push for each name."""
        for start in range(0, len(names), BATCH):
            if not self.broken:
                self.transport.write(self._build_command(command, *names[start : start + BATCH]))


class RedisSubscriber:
    """``wanted`` returns all channels; ``said`` is called with a channel and its message, ``hears`` with a channel when
    its subscription begins, ``deaf`` when all are lost. Names are as in Redis."""

    log = Logger()

    def __init__(
        self, reactor: Any, target: Target, wanted: Callable[[], Iterable[bytes]], said: Callable[[bytes, bytes], None],
        hears: Callable[[bytes], None], deaf: Callable[[], None],
    ) -> None:  # fmt: skip
        self._reactor = reactor
        self._target = target
        self._wanted = wanted
        self._said = said
        self._hears = hears
        self._deaf = deaf
        self._wire: SubscriberProtocol | None = None
        self._unconfirmed: dict[bytes, int] = {}
        self._kept = Reconnecting(
            reactor, "the connection to Redis's channels", self._one, (RedisUnavailable, txredisapi.ResponseError), self._away,
            FIRST_DELAY, LAST_DELAY,
        )  # fmt: skip

    @property
    def connected(self) -> bool:
        """Whether it is connected, as far as it knows."""
        return self._wire is not None

    def pending(self, channel: bytes) -> bool:
        """Whether Redis was asked for the channel and has not confirmed it yet."""
        return channel in self._unconfirmed

    def start(self) -> None:
        """Start connecting."""
        self._kept.start()

    async def stop(self) -> None:
        """Disconnect."""
        self._kept.halt()
        await self._kept.ended()

    def hear(self, channels: Iterable[bytes]) -> None:
        """Subscribe to these, too."""
        names = list(channels)
        if self._wire is not None and names:
            for name in names:
                self._unconfirmed[name] = self._unconfirmed.get(name, 0) + 1
            self._wire.tell("SUBSCRIBE", names)

    def leave(self, channel: bytes) -> None:
        """Unsubscribe."""
        if self._wire is not None:
            self._wire.tell("UNSUBSCRIBE", [channel])

    async def _one(self) -> None:
        """One connection, from open to close."""
        wire = await connect(self._reactor, self._target, lambda wire, why: self._kept.wake(), SubscriberProtocol)
        self._wire = wire
        try:
            wire.pushed = self._pushed
            self.hear(self._wanted())
            await wire.ask("PING", timeout=PATIENCE)
            self._kept.connected()
            while not self._kept.stopping:
                if not wire.broken:
                    await self._kept.nap(HEARTBEAT)
                await wire.ask("PING", timeout=PATIENCE)
        finally:
            self._wire = None
            self._unconfirmed.clear()
            self._deaf()
            await wire.close()

    def _away(self, error: Exception, first: bool) -> None:
        if first:
            self.log.warn("not subscribed to Redis's channels for now: {why}", why=str(error))

    def _pushed(self, kind: bytes, channel: bytes, said: Any) -> None:
        if kind == b"message":
            self._said(channel, said)
        elif kind == b"subscribe":
            left = self._unconfirmed.pop(channel, 1) - 1
            if left:
                self._unconfirmed[channel] = left
            else:
                self._hears(channel)
