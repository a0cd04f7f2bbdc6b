"""One consumer of one queue in PostgreSQL: it leases a batch, renews the lease while handling it, and settles it.

A lease ends in one of three ways: it is settled; it expires after ``queue_lease`` seconds without renewal (a hung
process); or it is revoked at once because the session that held the consumer's advisory lock is gone (a dead process).
In the last two cases the messages are redelivered to other consumers, so a consumer may find at settling that it has
lost them: it then changes nothing, and the inbox keeps the effects exactly-once.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import Acked, Delivery, Dropped, ISubscription, Outcome, Receive, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.queue.retry import Dead, next_step
from harvestd.runtime.backoff import Backoff
from harvestd.runtime.spawn import spawn
from harvestd.runtime.wakeup import Wakeup
from harvestd.settings.table import Settings
from harvestd.store import queues
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction
from harvestd.store.queues import Taken

#: Backoff in seconds after a failure of ``receive`` or of the database: the first pause, doubling up to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0
#: A take looks this far behind the due time of the last message taken, which finds messages that were committed late or
#: returned by another consumer; a full scan every :data:`LOOK_WHOLE` seconds finds older ones.
LOOK_BACK = timedelta(seconds=10)
LOOK_WHOLE = 3.0


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
        self._database = database
        self._session = session
        self._prefetch = prefetch
        self._receive = receive
        self._new = Wakeup(reactor)
        self._halt = Wakeup(reactor)
        self._holder: int | None = None
        self._since: datetime | None = None
        self._looked_whole = 0.0
        self._enrolled = False
        self._unsure = False
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
            self._since = None
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
            await self._leave()
        finally:
            self.consuming, self._ended = False, True
            for waiting in self._waiting:
                waiting.callback(None)

    async def _one_batch(self) -> bool:
        """Take and settle one batch; returns whether more may be available at once."""
        holder = await self._named()
        self.consuming = True
        taken = await self._take(holder)
        if not taken:
            return False
        if self._stopping:
            return False  # returned to the queue on leaving
        outcomes = await self._handle(taken, holder)
        await self._settle(taken, outcomes, holder)
        return len(taken) == self._prefetch

    async def _take(self, holder: int) -> list[Taken]:
        began, lease = self._reactor.seconds(), self._settings.queue_lease
        since = self._since if began < self._looked_whole + LOOK_WHOLE else None
        taken = await self._database.transaction(
            lambda tx: queues.take(tx, self.queue, self._prefetch, holder, lease, since)
        )
        if since is None:
            self._looked_whole = began
        if taken:
            self._since = taken[0].due - LOOK_BACK
        return taken

    async def _named(self) -> int:
        """This consumer's name, registered and under a session-level advisory lock; a new name for a new session.

        After a failure the set of leased messages is unknown: all of them are returned before more are taken.
        """
        if self._holder is None or not self._session.locks.holds(self._holder):
            self.consuming, self._enrolled = False, False
            holder = secrets.randbits(63)
            if not await self._session.locks.try_lock(holder):
                raise Unavailable("the session that holds this consumer's lock is not connected")
            self._holder = holder
        if not self._enrolled or self._unsure:
            await self._database.transaction(self._begin)
            self._enrolled, self._unsure, self._since = True, False, None
        return self._holder

    async def _begin(self, tx: Transaction) -> None:
        assert self._holder is not None
        await queues.enrol(tx, self._holder, self.queue)
        if self._unsure:
            await queues.hand_back(tx, [self._holder])

    async def _handle(self, taken: Sequence[Taken], holder: int) -> Sequence[Outcome]:
        deliveries = [Delivery(one.message, self.queue, one.attempts) for one in taken]
        done = Wakeup(self._reactor)
        renewal = spawn("renewing leases", self._renew([one.id for one in taken], holder, done))
        try:
            outcomes = await self._receive(deliveries)
        finally:
            done.ring()
            await renewal
        if len(outcomes) != len(taken):
            raise ValueError(f"receive answered {len(outcomes)} outcomes for {len(taken)} deliveries")
        return outcomes

    async def _renew(self, ids: Sequence[int], holder: int, done: Wakeup) -> None:
        lease = self._settings.queue_lease
        while not await done.wait(lease / 3):
            try:
                left = await self._database.transaction(lambda tx: queues.renew(tx, ids, holder, lease))
            except Exception as error:
                self.log.warn("{queue}: lease not renewed: {why}", queue=self.queue, why=str(error))
            else:
                if left < len(ids):
                    self.log.warn("{queue}: {n} leases were lost", queue=self.queue, n=len(ids) - left)

    async def _settle(self, taken: Sequence[Taken], outcomes: Sequence[Outcome], holder: int) -> None:
        acked: list[int] = []
        again: list[tuple[int, float]] = []
        dead: list[tuple[int, str]] = []
        for one, outcome in zip(taken, outcomes, strict=True):
            if isinstance(outcome, Acked):
                acked.append(one.id)
                continue
            assert isinstance(outcome, Retried | Dropped), outcome
            step = next_step(one.attempts, outcome, random.random(), self._settings.queue_retry_scale)
            if isinstance(step, Dead):
                dead.append((one.id, step.cause))
            else:
                again.append((one.id, step.delay))
        settled = await self._database.transaction(
            lambda tx: queues.settle(tx, holder, acked, again, dead), by_keys=True
        )
        if settled < len(taken):
            self.log.info(
                "{queue}: {n} messages were reclaimed before they were settled",
                queue=self.queue,
                n=len(taken) - settled,
            )

    async def _failed(self, error: Exception) -> None:
        self.consuming, self._unsure = False, True
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

    async def _leave(self) -> None:
        """Return any messages still leased. If this fails, other processes find out from the advisory lock or the lease."""
        holder = self._holder
        if holder is None:
            return

        async def leave(tx: Transaction) -> None:
            await queues.hand_back(tx, [holder])
            await queues.leave(tx, holder)

        try:
            await self._database.transaction(leave)
            await self._session.locks.unlock(holder)
        except Exception as error:
            self.log.info(
                "{queue}: could not hand back its messages on leaving: {why}", queue=self.queue, why=str(error)
            )
