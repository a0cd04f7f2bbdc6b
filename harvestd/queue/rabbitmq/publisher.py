"""Publishing with publisher confirms, and our own tracking of them.

The broker confirms by delivery tag, the count of publications on the channel, and one confirm may cover all up to its
tag. An unroutable message is returned (``mandatory``) before it is confirmed, identified by message id and destination.
pika's own tracking keeps one returned message at a time, and so blames others when several are in flight.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.kernel.errors import Unavailable
from harvestd.queue.rabbitmq.connection import ENDS, Connection
from harvestd.queue.rabbitmq.messages import Publication
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection

Key = tuple[str, str, str]


class Held(Enum):
    """What became of a publication."""

    CONFIRMED = "every queue that it went to holds it"
    RETURNED = "no queue takes it"
    REFUSED = "the broker could not keep it"


@attrs.define(eq=False)
class Window:
    """Publications that one caller waits for together."""

    held: list[Held]
    left: int
    done: Deferred[None] = attrs.field(factory=Deferred)

    def settle(self, place: int, held: Held) -> None:
        self.held[place] = held
        self.left -= 1
        if self.left == 0 and not self.done.called:
            self.done.callback(None)

    def fail(self, error: Exception) -> None:
        if not self.done.called:
            self.done.errback(error)


@attrs.define(eq=False)
class Entry:
    window: Window
    place: int
    key: Key
    returned: bool = False


class ConfirmTracker:
    """The publications on one channel that are not confirmed yet."""

    def __init__(self) -> None:
        self._last = 0
        self._entries: dict[int, Entry] = {}  # by tag, in ascending order
        self._keys: dict[Key, deque[Entry]] = {}

    def enter(self, window: Window, place: int, publication: Publication) -> None:
        """Track the next publication of the channel."""
        self._last += 1
        key = (publication.properties.message_id, publication.exchange, publication.routing_key)
        entry = self._entries[self._last] = Entry(window, place, key)
        self._keys.setdefault(key, deque()).append(entry)

    def returned(self, message_id: str, exchange: str, routing_key: str) -> None:
        """The broker returned a message. Equal ones share a fate: the oldest that is not marked yet is marked."""
        for entry in self._keys.get((message_id, exchange, routing_key), ()):
            if not entry.returned:
                entry.returned = True
                return

    def confirmed(self, tag: int, multiple: bool, good: bool) -> None:
        """The broker confirmed (or nacked, if not ``good``) a tag, or all up to it."""
        tags = []
        if multiple:
            for one in self._entries:
                if one > tag:
                    break
                tags.append(one)
        elif tag in self._entries:
            tags.append(tag)
        for one in tags:
            entry = self._entries.pop(one)
            same = self._keys[entry.key]
            same.remove(entry)
            if not same:
                del self._keys[entry.key]
            held = Held.REFUSED if not good else Held.RETURNED if entry.returned else Held.CONFIRMED
            entry.window.settle(entry.place, held)

    def fail(self, error: Exception) -> None:
        """Fail the waiters. The entries stay: late confirms must still be counted."""
        for entry in list(self._entries.values()):
            entry.window.fail(error)


class Publisher:
    """Publishes on a connection of its own. ``declare`` is awaited on each new connection (the topology); a publication
    without a confirm after ``stall`` seconds ends the connection."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        declare: Callable[[Connection], Awaitable[None]],
        link: Callable[..., ReconnectingConnection],
        stall: float,
    ) -> None:
        self._reactor = reactor
        self._declare = declare
        self._stall = stall
        self._channel: Any = None
        self._book = ConfirmTracker()
        self.link = link(prepare=self._prepare)
        self.link.changed.append(self._changed)

    async def publish(self, publications: Sequence[Publication]) -> list[Held]:
        """Publish them and wait for the fate of each. Raises ``Unavailable`` when that cannot be known, quickly when
        the broker is away or blocked; some may be held even so."""
        if not publications:
            return []
        self.link.here()
        if self.link.blocked:
            raise Unavailable(BLOCKED)
        window = Window([Held.REFUSED] * len(publications), len(publications))
        timer = self._reactor.callLater(self._stall, self._stalled, window)
        try:
            try:
                self._send(window, publications)
            except ENDS as error:
                window.fail(Unavailable(f"RabbitMQ closes: {error!r}"))
            await window.done
        finally:
            if timer.active():
                timer.cancel()
        return window.held

    async def redeclare(self) -> None:
        """Declare the topology again on the present connection: part of it is missing."""
        self.log.warn("RabbitMQ lost a queue or binding of ours: it is declared again")
        await self._declare(self.link.here())

    def _send(self, window: Window, publications: Sequence[Publication]) -> None:
        publish, enter = self._channel.basic_publish, self._book.enter
        for place, one in enumerate(publications):
            enter(window, place, one)
            publish(one.exchange, one.routing_key, one.body, one.properties, mandatory=True)

    def _stalled(self, window: Window) -> None:
        why = f"RabbitMQ confirms nothing within {self._stall:g} s"
        window.fail(Unavailable(why))
        self.link.drop(why)

    async def _prepare(self, connection: Connection) -> None:
        await self._declare(connection)
        channel = (await connection.channel_within(self._stall))._channel  # pika's: the wrapper has its own tracking
        book = ConfirmTracker()
        selected: Deferred[Any] = Deferred()
        channel.add_on_return_callback(
            lambda _, method, properties, body: book.returned(
                properties.message_id, method.exchange, method.routing_key
            )
        )
        channel.add_on_close_callback(lambda _, why: self._closed(connection, selected, why))
        channel.confirm_delivery(lambda frame: _confirm(book, frame.method), selected.callback)
        await connection.ask(selected, self._stall)
        self._channel, self._book = channel, book

    def _closed(self, connection: Connection, selected: Deferred[Any], why: Exception) -> None:
        """The broker closes only the channel when the exchange is missing: a new connection declares it again."""
        if not selected.called:
            selected.errback(why)
        if connection.is_open:
            connection.abort(f"RabbitMQ closed the channel: {why}")

    def _changed(self) -> None:
        if self.link.connection is None:
            self._book.fail(Unavailable(self.link.cause))
        elif self.link.blocked:
            self._book.fail(Unavailable(BLOCKED))


BLOCKED = "RabbitMQ takes nothing for now: memory or disk alarm"


def _confirm(book: ConfirmTracker, method: Any) -> None:
    book.confirmed(method.delivery_tag, method.multiple, method.NAME == "Basic.Ack")
