"""The connection of a process that hears Redis's channels: apart from the one for calls, since a subscribed one takes none.

It is asked for a sign of life every second, so a Redis that went silent is noticed within two, and connects again by
itself. Channels are subscribed only while somebody wants them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import txredisapi
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.runtime.backoff import Backoff
from harvestd.store.redis.protocol import RedisAway, RedisWire, connect
from harvestd.store.redis.url import Target

#: Seconds between signs of life, and the longest wait for one.
HEARTBEAT, PATIENCE = 1.0, 1.0
FIRST_DELAY, LAST_DELAY = 0.05, 1.0
#: Channels that one command names.
BATCH = 1000


class EarWire(RedisWire):
    """What Redis says without being asked goes to ``pushed``: the kind, the channel, and what is said."""

    pushed: Callable[[bytes, bytes, Any], None] = staticmethod(lambda kind, channel, said: None)

    def takes(self, reply: Any) -> bool:
        """A message, or what confirms a subscription."""
        if not isinstance(reply, list) or len(reply) != 3 or reply[0] not in (b"message", b"subscribe", b"unsubscribe"):
            return False
        if not self.broken and isinstance(reply[1], bytes) and (reply[0] != b"message" or isinstance(reply[2], bytes)):
            self.pushed(*reply)
        return True

    def tell(self, command: str, names: list[bytes]) -> None:
        """SUBSCRIBE or UNSUBSCRIBE: answered by one push for each name."""
        for start in range(0, len(names), BATCH):
            if not self.broken:
                self.transport.write(self._build_command(command, *names[start : start + BATCH]))


class RedisEar:
    """``wanted`` names all channels; ``said`` is called with a channel and its message, ``hears`` with a channel when it
    begins to be heard, ``deaf`` when none is any more. Names are as in Redis."""

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
        self._wire: EarWire | None = None
        self._unconfirmed: dict[bytes, int] = {}
        self._nap: Deferred[None] | None = None
        self._keeper: Deferred[None] | None = None
        self._stopping = False

    @property
    def connected(self) -> bool:
        """Whether it hears anything now, as far as it knows."""
        return self._wire is not None

    def pending(self, channel: bytes) -> bool:
        """Whether Redis was asked for the channel and has not confirmed it yet."""
        return channel in self._unconfirmed

    def start(self) -> None:
        """Begin to connect."""
        self._keeper = Deferred.fromCoroutine(self._keep())
        self._keeper.addErrback(lambda failure: self.log.failure("the ear for Redis", failure=failure))

    async def stop(self) -> None:
        """Disconnect."""
        self._stopping = True
        self._wake()
        if self._keeper is not None:
            await self._keeper

    def hear(self, channels: Iterable[bytes]) -> None:
        """Hear these, too."""
        names = list(channels)
        if self._wire is not None and names:
            for name in names:
                self._unconfirmed[name] = self._unconfirmed.get(name, 0) + 1
            self._wire.tell("SUBSCRIBE", names)

    def leave(self, channel: bytes) -> None:
        """Hear it no more."""
        if self._wire is not None:
            self._wire.tell("UNSUBSCRIBE", [channel])

    async def _keep(self) -> None:
        backoff = Backoff(FIRST_DELAY, LAST_DELAY, jitter=0.5)
        while not self._stopping:
            try:
                wire = await connect(self._reactor, self._target, lambda wire, why: self._wake(), EarWire)
                self._wire = wire
                wire.pushed = self._pushed
                self.hear(self._wanted())
                await wire.ask("PING", timeout=PATIENCE)
                backoff.succeeded()
                await self._listen(wire)
            except (RedisAway, txredisapi.ResponseError) as error:
                if not backoff.failing and not self._stopping:
                    self.log.warn("Redis's channels are not heard for now: {why}", why=str(error))
            except Exception:  # without this loop the process would be deaf for ever
                self.log.failure("Redis's channels are not heard for now")
                if self._wire is not None:
                    await self._wire.close()
            if self._wire is not None:
                self._wire = None
                self._unconfirmed.clear()
                self._deaf()
            await self._sleep(backoff.failed())

    async def _listen(self, wire: EarWire) -> None:
        """Until the connection is lost or this stops."""
        while not self._stopping:
            await self._sleep(HEARTBEAT, wire)
            await wire.ask("PING", timeout=PATIENCE)
        await wire.close()

    def _pushed(self, kind: bytes, channel: bytes, said: Any) -> None:
        if kind == b"message":
            self._said(channel, said)
        elif kind == b"subscribe":
            left = self._unconfirmed.pop(channel, 1) - 1
            if left:
                self._unconfirmed[channel] = left
            else:
                self._hears(channel)

    async def _sleep(self, seconds: float, wire: EarWire | None = None) -> None:
        """Until the time is over, the connection is, or this stops."""
        if self._stopping or (wire is not None and wire.broken):
            return
        nap = self._nap = Deferred()
        timer = self._reactor.callLater(seconds, self._wake)
        await nap
        if timer.active():
            timer.cancel()

    def _wake(self) -> None:
        if self._nap is not None:
            nap, self._nap = self._nap, None
            nap.callback(None)
