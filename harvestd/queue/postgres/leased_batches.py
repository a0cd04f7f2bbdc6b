"""The batches of one consumer, leased in PostgreSQL under its name.

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

from twisted.logger import Logger

from harvestd.interfaces import Acked, Dropped, Outcome, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.queue.retry import Dead, next_step
from harvestd.runtime.wakeup import Wakeup
from harvestd.settings.table import Settings
from harvestd.store import queue_consumers, queues
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction
from harvestd.store.queues import Taken

#: A take looks this far behind the due time of the last message taken, which finds messages that were committed late or
#: returned by another consumer; a full scan every :data:`LOOK_WHOLE` seconds finds older ones.
LOOK_BACK = timedelta(seconds=10)
LOOK_WHOLE = 3.0


class LeasedBatches:
    """Of ``queue``, with ``prefetch`` messages at most in each."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        database: Database,
        session: ControlConnection,
        queue: str,
        prefetch: int,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._database = database
        self._session = session
        self._queue = queue
        self._prefetch = prefetch
        self._holder: int | None = None
        self._since: datetime | None = None
        self._looked_whole = 0.0
        self._enrolled = False
        self._unsure = False

    @property
    def held(self) -> bool:
        """Whether the consumer's name is held under an advisory lock, as far as is known."""
        return self._holder is not None and self._session.locks.holds(self._holder)

    def look_whole(self) -> None:
        """There may be messages that were due long ago."""
        self._since = None

    def doubt(self) -> None:
        """Something failed: which messages are leased is unknown."""
        self._unsure = True

    async def enrol(self) -> int:
        """This consumer's name, registered and under a session-level advisory lock; a new name for a new session.

        After a failure the set of leased messages is unknown: all of them are returned before more are taken.
        """
        if self._holder is None or not self.held:
            self._enrolled = False
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
        await queue_consumers.enrol(tx, self._holder, self._queue)
        if self._unsure:
            await queue_consumers.hand_back(tx, [self._holder])

    async def take(self, holder: int) -> list[Taken]:
        """Lease a batch, empty if nothing is due."""
        began, lease = self._reactor.seconds(), self._settings.queue_lease
        since = self._since if began < self._looked_whole + LOOK_WHOLE else None
        taken = await self._database.transaction(
            lambda tx: queues.take(tx, self._queue, self._prefetch, holder, lease, since)
        )
        if since is None:
            self._looked_whole = began
        if taken:
            self._since = taken[0].due - LOOK_BACK
        return taken

    async def renew(self, ids: Sequence[int], holder: int, done: Wakeup) -> None:
        """Renew the leases until ``done`` rings."""
        lease = self._settings.queue_lease
        while not await done.wait(lease / 3):
            try:
                left = await self._database.transaction(lambda tx: queues.renew(tx, ids, holder, lease))
            except Exception as error:
                self.log.warn("{queue}: lease not renewed: {why}", queue=self._queue, why=str(error))
            else:
                if left < len(ids):
                    self.log.warn("{queue}: {n} leases were lost", queue=self._queue, n=len(ids) - left)

    async def settle(self, taken: Sequence[Taken], outcomes: Sequence[Outcome], holder: int) -> None:
        """Settle each message by its outcome; those that were reclaimed meanwhile stay as they are."""
        acked, again, dead = _by_outcome(taken, outcomes, self._settings.queue_retry_scale)
        settled = await self._database.transaction(
            lambda tx: queues.settle(tx, holder, acked, again, dead), by_keys=True
        )
        if settled < len(taken):
            self.log.info(
                "{queue}: {n} messages were reclaimed before they were settled",
                queue=self._queue,
                n=len(taken) - settled,
            )

    async def leave(self) -> None:
        """Return any messages still leased. If this fails, other processes find out from the advisory lock or the lease."""
        holder = self._holder
        if holder is None:
            return

        async def left(tx: Transaction) -> None:
            await queue_consumers.hand_back(tx, [holder])
            await queue_consumers.leave(tx, holder)

        try:
            await self._database.transaction(left)
            await self._session.locks.unlock(holder)
        except Exception as error:
            self.log.info(
                "{queue}: could not hand back its messages on leaving: {why}", queue=self._queue, why=str(error)
            )


def _by_outcome(
    taken: Sequence[Taken], outcomes: Sequence[Outcome], scale: float
) -> tuple[list[int], list[tuple[int, float]], list[tuple[int, str]]]:
    """The ids of what is acknowledged, of what is tried again, with the delays, and of what is dead, with the causes."""
    acked: list[int] = []
    again: list[tuple[int, float]] = []
    dead: list[tuple[int, str]] = []
    for one, outcome in zip(taken, outcomes, strict=True):
        if isinstance(outcome, Acked):
            acked.append(one.id)
            continue
        assert isinstance(outcome, Retried | Dropped), outcome
        step = next_step(one.attempts, outcome, random.random(), scale)
        if isinstance(step, Dead):
            dead.append((one.id, step.cause))
        else:
            again.append((one.id, step.delay))
    return acked, again, dead
