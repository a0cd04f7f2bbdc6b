"""Publish and subscribe on Redis's channels, and on PostgreSQL's NOTIFY, so that nothing depends on Redis.

Every process listens on both. The routes:

- The few channels for consistency between processes (``sure``) always use both routes; receivers dedupe messages by their
  id. So Redis only speeds delivery up, and the death of Redis, or of one process's connection to it before anybody
  notices, delays nothing: sending by NOTIFY only when Redis is known to be away would leave those seconds open. The price
  is a separate commit for the notifications gathered in 5 ms, beside no business transaction, by the few processes that
  drop families and those that sign users out.
- All others go by Redis or, when it is away, by NOTIFY. A process that lost Redis is told of a gap at once, and again when
  it is connected.

In Redis a channel has the same name as here, after the prefix; its messages are the payloads (those of the sure channels
in the envelope that NOTIFY has). Messages are not trusted: anybody who can reach Redis can send one.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import ITopics
from harvestd.store.listeners import Listener, Listeners
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.redis.client import RedisClient, RedisUnavailable
from harvestd.store.redis.subscriber import RedisSubscriber
from harvestd.store.topics import CHANNEL, LONGEST, Told, read, written

#: Message ids remembered, to dedupe those from the other route.
REMEMBERED = 10_000


@implementer(ITopics)
class RedisTopics:
    """Publishes through ``link`` and ``session`` and listens beside ``link``; started after both, stopped before them.
    ``sure`` are the channels for consistency between processes."""

    log = Logger()

    def __init__(self, reactor: Any, link: RedisClient, session: ControlConnection, sure: Collection[str]) -> None:
        self._link = link
        self._session = session
        self._sure = frozenset(sure)
        self._subscribers = Listeners()
        self._ear = RedisSubscriber(reactor, link.target, self._wanted, self._said, self._hears, self._deaf)
        self._unlisten: Callable[[], None] | None = None
        self._listening = False
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def hearing(self) -> bool:
        """Whether both routes are connected now, as far as is known."""
        pending = any(self._ear.pending(name) for name in self._wanted())
        return self._listening and self._session.connected and self._ear.connected and not pending

    def start(self) -> None:
        """Start listening."""
        self._unlisten = self._session.notifications.listen(CHANNEL, self._notified, self._gap)
        self._ear.start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        await self._ear.stop()

    async def publish(self, channel: str, payload: str) -> None:
        """Send to all present subscribers."""
        sure = channel in self._sure
        text = written(Told(channel, payload, f"{random.getrandbits(64):016x}" if sure else ""))
        if text is None:
            return
        if sure:
            await self._session.notifications.notify(CHANNEL, text)
        try:
            await self._link.call("PUBLISH", self._link.key(channel), text if sure else payload)
        except RedisUnavailable:
            if not sure:
                await self._session.notifications.notify(CHANNEL, text)

    def subscribe(self, channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        """Call ``receive`` with each payload, ``gap`` whenever some may have been missed, and when listening begins."""
        subscriber, name = Listener(receive, gap), self._link.key(channel).encode()
        first = channel not in self._subscribers
        self._subscribers.add(channel, subscriber)
        if first:
            self._ear.hear([name])
        if self._listening and self._session.connected and self._heard(channel):
            self._subscribers.call(gap)

        def unsubscribe() -> None:
            if self._subscribers.remove(channel, subscriber):
                self._ear.leave(name)

        return unsubscribe

    # --- by Redis ---

    def _wanted(self) -> list[bytes]:
        return [self._link.key(channel).encode() for channel in self._subscribers.channels()]

    def _heard(self, channel: str) -> bool:
        """Whether its gap may be reported: for a sure channel as soon as NOTIFY is connected, for others once Redis has confirmed it."""
        return channel in self._sure or not self._ear.pending(self._link.key(channel).encode())

    def _said(self, name: bytes, said: Any) -> None:
        channel = self._channel(name)
        if channel in self._sure:
            told = read(said)
            if told is not None and told.c == channel and told.i:
                return self._deliver(told)
        else:
            try:
                if len(said) <= LONGEST:
                    return self._subscribers.tell(channel, said.decode())
            except UnicodeError:
                pass
        self.log.debug("garbage on {channel} is dropped", channel=channel)

    def _hears(self, name: bytes) -> None:
        if self._channel(name) not in self._sure:
            self._subscribers.tell_gap(self._channel(name))

    def _deaf(self) -> None:
        for channel in self._subscribers.channels():
            if channel not in self._sure:
                self._subscribers.tell_gap(channel)

    def _channel(self, name: bytes) -> str:
        return name.decode("utf-8", "replace").removeprefix(self._link.prefix)

    # --- by NOTIFY ---

    def _notified(self, text: str) -> None:
        told = read(text)
        if told is None:
            self.log.debug("garbage on {channel} is dropped", channel=CHANNEL)
        else:
            self._deliver(told)

    def _gap(self) -> None:
        self._listening = True
        for channel in self._subscribers.channels():
            if self._heard(channel):
                self._subscribers.tell_gap(channel)

    def _deliver(self, told: Told) -> None:
        if told.i:
            if told.i in self._seen:
                return
            self._seen[told.i] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        if told.p is None:
            self._subscribers.tell_gap(told.c)
        else:
            self._subscribers.tell(told.c, told.p)
