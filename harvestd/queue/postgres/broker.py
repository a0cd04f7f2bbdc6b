"""The broker on PostgreSQL: the default with the embedded database, and all that durable delivery needs without RabbitMQ.

A message is one row per queue that binds its type (``store/queues.py``). Consumers lease rows with ``SKIP LOCKED``
(``leases.py``). A NOTIFY wakes the other processes; it is sent after the commit, on the session's own connection, since
NOTIFY within transactions serializes their commits; a lost wakeup costs one poll.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import DeadLetter, IBroker, ISubscription, Message, QueueState, Receive
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Topology
from harvestd.queue.postgres.consumer import Subscription
from harvestd.runtime.spawn import spawn
from harvestd.runtime.wakeup import Wakeup
from harvestd.settings.table import Settings
from harvestd.store import dead_letters, queue_consumers, queues
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database

#: The NOTIFY channel; the payload is a queue's name.
CHANNEL = "harvest_queue"


@implementer(IBroker)
class PostgresBroker:
    """Durable queues in the tables ``queue_messages``, ``queue_dead`` and ``queue_consumers``."""

    log = Logger()

    def __init__(
        self, reactor: Any, settings: Settings, topology: Topology, database: Database, session: ControlConnection
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._topology = topology
        self._database = database
        self._session = session
        self._subscriptions: list[Subscription] = []
        self._halt = Wakeup(reactor)
        self._stopping = False
        self._watch: Deferred[None] | None = None
        self._unlisten: Callable[[], None] | None = None

    async def start(self) -> None:
        """Listen for wakeups, and watch for consumers that died. The database may still be unavailable."""
        self._unlisten = self._session.notifications.listen(
            CHANNEL, self._ring, lambda: self._ring(*self._topology.queues)
        )
        self._watch = spawn("cannot look for dead consumers", self._rescue())

    async def stop(self) -> None:
        """Stop every subscription concurrently; the connections belong to the database and the session."""
        self._stopping = True
        stops = [Deferred.fromCoroutine(one.stop()) for one in self._subscriptions]
        for stop in stops:
            await stop
        self._halt.ring()
        if self._watch is not None:
            await self._watch
        if self._unlisten is not None:
            self._unlisten()

    async def publish(self, messages: Sequence[Message]) -> Sequence[str]:
        """Put each message into the queues that bind its type, in one transaction; returns all ids or raises ``Unavailable``."""
        bound = [
            (type, queue)
            for type in {message.type for message in messages}
            for queue in self._topology.queues_for(type)
        ]
        if bound:
            await self._database.transaction(lambda tx: queues.put(tx, messages, bound), by_keys=True)
            await self._announce({queue for _, queue in bound})
        return [message.id for message in messages]

    async def consume(self, queue: str, prefetch: int, receive: Receive) -> ISubscription:
        """Receive the queue's messages in batches of up to ``prefetch``. Raises ``ValueError`` for an unknown queue."""
        self._topology.queue(queue)
        subscription = Subscription(
            self._reactor, self._settings, self._database, self._session, queue, prefetch, receive
        )
        self._subscriptions.append(subscription)
        subscription.start()
        return subscription

    async def states(self) -> Sequence[QueueState]:
        """The state of every queue, counted over all processes."""
        return await queues.states(self._database, list(self._topology.queues))

    async def dead(self, queue: str, limit: int = 100) -> Sequence[DeadLetter]:
        """The oldest dead letters of a queue."""
        return await dead_letters.oldest(self._database, self._topology.queue(queue).name, limit)

    async def replay(self, queue: str, id: str) -> bool:
        """Put a dead letter back into its own queue, with its attempts reset; False if it does not exist."""
        number = _number(id)
        if number is None or not await self._database.transaction(
            lambda tx: dead_letters.replay(tx, self._topology.queue(queue).name, number)
        ):
            return False
        await self._announce({queue})
        return True

    async def discard(self, queue: str, id: str) -> bool:
        """Delete a dead letter; False if it does not exist."""
        number = _number(id)
        if number is None:
            return False
        return await self._database.transaction(
            lambda tx: dead_letters.discard(tx, self._topology.queue(queue).name, number)
        )

    async def _announce(self, names: Iterable[str]) -> None:
        """Wake the consumers of these queues, locally at once and elsewhere by NOTIFY (the session coalesces duplicates)."""
        self._ring(*names)
        for name in names:
            await self._session.notifications.notify(CHANNEL, name)

    def _ring(self, *names: str) -> None:
        for subscription in self._subscriptions:
            if subscription.queue in names:
                subscription.wake()

    async def _rescue(self) -> None:
        """While this process has consumers: release the messages leased to dead ones, within one poll of their death."""
        while not await self._halt.wait(self._settings.queue_poll):
            if not self._subscriptions:
                continue
            try:
                freed = await self._database.transaction(queue_consumers.rescue)
            except Unavailable:
                continue  # the consumers log this already
            except Exception:
                self.log.failure("cannot look for dead consumers")
                continue
            if freed:
                for subscription in self._subscriptions:
                    subscription.wake(whole=True)
                self.log.info("reclaimed the messages of a dead consumer: {queues}", queues=", ".join(sorted(freed)))
                await self._announce(freed)


def _number(id: str) -> int | None:
    """A dead letter's id, if it is a valid one (a positive bigint)."""
    return int(id) if id.isascii() and id.isdigit() and len(id) <= 18 else None
