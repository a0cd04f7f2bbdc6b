"""One consumer of one queue in PostgreSQL: it leases a batch, renews the lease while handling it, and settles it.

``leased_batches.py`` says how a lease ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import Delivery, ISubscription, Outcome, Receive
from harvestd.kernel.errors import Unavailable
from harvestd.queue.postgres.leased_batches import LeasedBatches
from harvestd.runtime.backoff import Backoff
from harvestd.runtime.spawn import spawn
from harvestd.runtime.wakeup import Wakeup
from harvestd.settings.table import Settings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.queues import Taken

#: Backoff in seconds after a failure of ``receive`` or of the database: the first pause, doubling up to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0


@implementer(ISubscription)
class Subscription:
    """Created and started by the broker. ``wake`` ends its wait for messages."""

    log = Logger()

    def __init__(
        self, reactor: Any, settings: Settings, database: Database, session: ControlConnection,
        queue: str, prefetch: int, receive: Receive,
    ) -> None:  # fmt: skip
        self.queue = queue
        self.consuming = False
        self._reactor = reactor
        self._settings = settings
        self._prefetch = prefetch
        self._receive = receive
        self._batches = LeasedBatches(reactor, settings, database, session, queue, prefetch)
        self._new = Wakeup(reactor)
        self._halt = Wakeup(reactor)
        self._backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        self._stopping = False
        self._ended = False
        self._waiting: list[Deferred[None]] = []

    def start(self) -> None:
        """Start taking messages."""
        spawn(f"the consumer of {self.queue}", self._run())

    def wake(self, whole: bool = False) -> None:
        """There may be new messages; with ``whole`` also messages that were due long ago."""
        if whole:
            self._batches.look_whole()
        self._new.ring()

    async def stop(self) -> None:
        """Take no more messages, wait until those in flight are settled, and return the rest to the queue."""
        self._stopping = True
        self._new.ring()
        self._halt.ring()
        if not self._ended:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    async def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    full = await self._one_batch()
                    self._recovered()
                except Exception as error:
                    await self._failed(error)
                    continue
                if not full and not self._stopping:
                    await self._new.wait(self._settings.queue_poll)
            await self._batches.leave()
        finally:
            self.consuming, self._ended = False, True
            for waiting in self._waiting:
                waiting.callback(None)

    async def _one_batch(self) -> bool:
        """Take and settle one batch; returns whether more may be available at once."""
        if not self._batches.held:
            self.consuming = False
        holder = await self._batches.enrol()
        self.consuming = True
        taken = await self._batches.take(holder)
        if not taken:
            return False
        if self._stopping:
            return False  # returned to the queue on leaving
        outcomes = await self._handle(taken, holder)
        await self._batches.settle(taken, outcomes, holder)
        return len(taken) == self._prefetch

    async def _handle(self, taken: Sequence[Taken], holder: int) -> Sequence[Outcome]:
        deliveries = [Delivery(one.message, self.queue, one.attempts) for one in taken]
        done = Wakeup(self._reactor)
        renewal = spawn("renewing leases", self._batches.renew([one.id for one in taken], holder, done))
        try:
            outcomes = await self._receive(deliveries)
        finally:
            done.ring()
            await renewal
        if len(outcomes) != len(taken):
            raise ValueError(f"receive answered {len(outcomes)} outcomes for {len(taken)} deliveries")
        return outcomes

    async def _failed(self, error: Exception) -> None:
        self.consuming = False
        self._batches.doubt()
        if isinstance(error, Unavailable):
            if not self._backoff.failing:
                self.log.warn("{queue} waits: {why}", queue=self.queue, why=str(error))
        else:
            self.log.failure("{queue}: a batch failed and will be redelivered", queue=self.queue)
        pause = self._backoff.failed()
        if not self._stopping:
            await self._halt.wait(pause)

    def _recovered(self) -> None:
        if self._backoff.succeeded():
            self.log.info("{queue} resumes", queue=self.queue)
