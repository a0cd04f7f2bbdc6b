"""Publish and subscribe on PostgreSQL's NOTIFY: :class:`ITopics` when there is no Redis.

All topics share one NOTIFY channel, as JSON ``{"c": channel, "p": payload}``; without ``p`` it says "you missed one",
for the payload that grew too long in its quotes. Whoever can reach the database can send anything here, so nothing
believes what it hears: a message says what to look at again.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import ITopics
from harvestd.store.listeners import Listener, Listeners
from harvestd.store.session import PAYLOAD_MOST, Session

CHANNEL = "harvest_topics"
LONGEST = 7000


class _Told(msgspec.Struct):
    c: str
    p: str | None = None


@implementer(ITopics)
class PostgresTopics:
    """Topics on a :class:`Session`; :meth:`start` after it and :meth:`stop` before it."""

    log = Logger()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._subscribers = Listeners()
        self._unlisten: Callable[[], None] | None = None
        self._hearing = False

    def start(self) -> None:
        """Listen."""
        self._unlisten = self._session.listen(CHANNEL, self._receive, self._gap)

    def stop(self) -> None:
        """Listen no more."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None

    async def publish(self, channel: str, payload: str) -> None:
        """Send to whoever listens now."""
        if len(payload.encode(errors="replace")) > LONGEST:
            self.log.error(
                "a message for topic {channel} is over {most} bytes, and is dropped", channel=channel, most=LONGEST
            )
            return
        told = json.dumps({"c": channel, "p": payload}, ensure_ascii=False, separators=(",", ":"))
        if len(told.encode(errors="replace")) > PAYLOAD_MOST:
            told = json.dumps({"c": channel})
        await self._session.notify(CHANNEL, told)

    def subscribe(self, channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        """Call ``receive`` with each payload, ``gap`` whenever some may have been missed, and when it begins to hear."""
        subscriber = Listener(receive, gap)
        self._subscribers.add(channel, subscriber)
        if self._session.connected and self._hearing:
            self._subscribers.call(gap)

        def unsubscribe() -> None:
            self._subscribers.remove(channel, subscriber)

        return unsubscribe

    def _gap(self) -> None:
        self._hearing = True
        for channel in self._subscribers.channels():
            self._subscribers.tell_gap(channel)

    def _receive(self, text: str) -> None:
        try:
            told = msgspec.json.decode(text, type=_Told)
        except (msgspec.DecodeError, UnicodeError):
            self.log.debug("garbage on {channel} is dropped", channel=CHANNEL)
            return
        if told.p is None:
            self._subscribers.tell_gap(told.c)
        else:
            self._subscribers.tell(told.c, told.p)
