"""Publish and subscribe on PostgreSQL's NOTIFY: :class:`ITopics` when there is no Redis.

All topics share one NOTIFY channel, as JSON ``{"c": channel, "p": payload}``; without ``p`` it says "you missed one",
for a payload that grew too long by escaping. Messages also sent by Redis have an id, ``i``. Anybody who can reach the
database can send anything here, so messages are not trusted: one only says what to look at again.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import ITopics
from harvestd.store.listeners import Listener, Listeners
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.notifications import MAX_PAYLOAD

log = Logger()

CHANNEL = "harvest_topics"
LONGEST = 7000


class Told(msgspec.Struct, omit_defaults=True):
    """One message."""

    c: str
    p: str | None = None
    i: str = ""


_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Told)


def written(told: Told) -> str | None:
    """The message as a NOTIFY payload, or None, with a log entry, for one that no topic accepts."""
    try:
        if told.p is not None and len(told.p.encode()) > LONGEST:
            raise ValueError(f"it is over {LONGEST} bytes")
        text = _encoder.encode(told)
    except ValueError as error:  # also for lone surrogates
        log.error("a message for topic {channel} is dropped: {why}", channel=told.c, why=str(error))
        return None
    return (text if len(text) <= MAX_PAYLOAD else _encoder.encode(Told(told.c, None, told.i))).decode()


def read(text: str | bytes) -> Told | None:
    """The message, or None for anything else."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


@implementer(ITopics)
class PostgresTopics:
    """Topics on a :class:`ControlConnection`; :meth:`start` after it and :meth:`stop` before it."""

    def __init__(self, session: ControlConnection) -> None:
        self._session = session
        self._subscribers = Listeners()
        self._unlisten: Callable[[], None] | None = None
        self._hearing = False

    def start(self) -> None:
        """Start listening."""
        self._unlisten = self._session.notifications.listen(CHANNEL, self._receive, self._gap)

    def stop(self) -> None:
        """Stop listening."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None

    async def publish(self, channel: str, payload: str) -> None:
        """Send to all present subscribers."""
        text = written(Told(channel, payload))
        if text is not None:
            await self._session.notifications.notify(CHANNEL, text)

    def subscribe(self, channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        """Call ``receive`` with each payload, ``gap`` whenever some may have been missed, and when listening begins."""
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
        told = read(text)
        if told is None:
            log.debug("garbage on {channel} is dropped", channel=CHANNEL)
        elif told.p is None:
            self._subscribers.tell_gap(told.c)
        else:
            self._subscribers.tell(told.c, told.p)
