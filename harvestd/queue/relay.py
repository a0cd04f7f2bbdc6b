"""From the outbox to the broker: one relay leads, every other process that has one stands by.

The leader is who holds the advisory lock :data:`LOCK` on its session; a process that dies, or whose session does, loses it
with the connection. Between a confirm and its mark a batch can be published again by the next leader: consumers know an
event that they have handled by their inbox.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.failpoints import failpoint
from harvestd.interfaces import IBroker, Message
from harvestd.market.errors import Unavailable
from harvestd.metrics import Metrics
from harvestd.queue.bell import Bell
from harvestd.queue.envelope import Envelope, TraceFields, encode
from harvestd.settings import Settings
from harvestd.store import outbox
from harvestd.store.database import Database
from harvestd.store.outbox import Recorded
from harvestd.store.session import Session

#: Key of the advisory lock ("HARVESTR" in ASCII).
LOCK = 0x4841525645535452
#: The NOTIFY channel that wakes the leader.
CHANNEL = "harvest_outbox"
#: Events of one batch.
BATCH = 500
#: Least seconds from one batch to the next: what is recorded meanwhile goes together, so that under load the relay costs little
#: beside what it relays. The first event after a rest goes at once.
GATHER = 0.02
#: Seconds between tries to become the leader, and the longest rest while the broker or the database is away.
STANDBY_POLL = 1.0
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0


class Relay:
    """Publishes what is unsent, in ``seq`` order, at least once."""

    log = Logger()

    def __init__(
        self, reactor: Any, settings: Settings, database: Database, session: Session, broker: IBroker,
        now: Callable[[], datetime], metrics: Metrics | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._database = database
        self._session = session
        self._broker = broker
        self._now = now
        self._metrics = metrics
        self._work = Bell(reactor)
        self._halt = Bell(reactor)
        self._stopping = False
        self._pause = FIRST_PAUSE
        self._told = False
        self._running: Deferred[None] | None = None
        self._unlisten: Callable[[], None] | None = None

    @property
    def leads(self) -> bool:
        """Whether this process is the one that publishes."""
        return self._told and self._session.holds(LOCK)

    def start(self) -> None:
        """Stand for election, for as long as the process lives."""
        self._unlisten = self._session.listen(CHANNEL, lambda _: self._work.ring(), self._work.ring)
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(lambda failure: self.log.failure("the relay ended", failure=failure))

    async def stop(self) -> None:
        """Finish the batch under way and give up the lead."""
        self._stopping = True
        self._work.ring()
        self._halt.ring()
        if self._running is not None:
            await self._running
        if self._unlisten is not None:
            self._unlisten()

    def wake(self) -> None:
        """Something was committed to the outbox by this process: tell whoever leads. Cheap to call for each commit."""
        if self.leads:
            self._work.ring()
        else:
            Deferred.fromCoroutine(self._session.notify(CHANNEL, ""))  # gathers, never waits, never raises

    async def _run(self) -> None:
        while not self._stopping:
            try:
                if not await self._elected():
                    await self._halt.wait(STANDBY_POLL)
                    continue
                found = await self._one_batch()
                self._recovered()
            except Exception as error:
                await self._failed(error)
                continue
            if 0 < found < BATCH and not self._stopping:
                await self._halt.wait(GATHER)
            if found < BATCH and not self._stopping:
                await self._work.wait(self._settings.queue_poll)
        await self._session.unlock(LOCK)

    async def _elected(self) -> bool:
        leads = await self._session.try_lock(LOCK, self._work.ring)
        if leads != self._told:
            self._told = leads
            self.log.info("this process {does} the outbox", does="relays" if leads else "no longer relays")
        return leads

    async def _one_batch(self) -> int:
        """Publish and mark up to :data:`BATCH` events; answers how many were unsent."""
        found = await outbox.unsent(self._database, BATCH)
        if not found:
            return 0
        confirmed = set(await self._broker.publish([message_of(row) for row in found]))
        await failpoint("relay.after_publish")
        sent = [row.seq for row in found if row.id in confirmed]
        if sent:
            now = self._now()
            await self._database.transaction(lambda tx: outbox.mark_sent(tx, sent, now))
            await failpoint("relay.after_mark")
            if self._metrics is not None:
                self._metrics.published(len(sent))
        if len(sent) < len(found):
            raise Unavailable(f"the broker confirmed {len(sent)} of {len(found)} events")
        return len(found)

    async def _failed(self, error: Exception) -> None:
        if not isinstance(error, Unavailable):
            self.log.failure("relaying the outbox")
        elif self._pause == FIRST_PAUSE:
            self.log.warn("the outbox waits: {why}", why=str(error))
        if not self._stopping:
            await self._halt.wait(self._pause)
        self._pause = min(self._pause * 2, LAST_PAUSE)

    def _recovered(self) -> None:
        if self._pause > FIRST_PAUSE:
            self.log.info("the outbox is relayed again")
        self._pause = FIRST_PAUSE


def message_of(row: Recorded) -> Message:
    """The published form of a recorded event."""
    trace = TraceFields(**row.trace)
    envelope = Envelope(row.id, row.type, row.created_at, row.version, row.aggregate, row.data, trace)
    return Message(row.id, row.type, encode(envelope))
