"""From the outbox to the broker: one relay is the leader, those of the other processes are on standby.

The leader holds the lease :data:`LEASE`: a process that dies, or whose session does, loses it at once, and a frozen one
when it expires. Between a publisher confirm and its mark the next leader may publish a batch again: consumers dedupe
events by their inbox.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.interfaces import IBroker
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Topology
from harvestd.queue.lost_queues import LostQueues
from harvestd.queue.recorded_messages import message_of
from harvestd.queue.seals import EventSeals
from harvestd.runtime.backoff import Backoff
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.health import LATE, Condition
from harvestd.runtime.metrics import Metrics
from harvestd.runtime.spawn import spawn
from harvestd.runtime.wakeup import Wakeup
from harvestd.settings.table import Settings
from harvestd.store import outbox
from harvestd.store.leases import Lease
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction

#: The name of the lease.
LEASE = "relay"
#: The NOTIFY channel that wakes the leader.
CHANNEL = "harvest_outbox"
#: Events of one batch.
BATCH = 500
#: Minimum seconds between two batches: events recorded meanwhile are sent together, so that under load the relay costs
#: little compared to the work it relays. The first event after a pause is sent at once.
GATHER = 0.02
#: Seconds between attempts to become the leader, and the longest backoff while the broker or the database is away.
STANDBY_POLL = 1.0
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0


class Relay:
    """Publishes unsent events, in ``seq`` order, at least once."""

    log = Logger()

    def __init__(
        self, reactor: Any, settings: Settings, topology: Topology, database: Database, session: ControlConnection, broker: IBroker,
        now: Callable[[], datetime], secret: str, metrics: Metrics | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._seals = EventSeals(secret)
        self._database = database
        self._session = session
        self._broker = broker
        self._now = now
        self._lease = Lease(reactor, database, session, LEASE, settings.work_lease)
        self._metrics = metrics
        self._lost = LostQueues(reactor, topology, database, self._lease)
        self._work = Wakeup(reactor)
        self._halt = Wakeup(reactor)
        self._stopping = False
        self._backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        self._told = False
        self._running: Deferred[None] | None = None
        self._unlisten: Callable[[], None] | None = None

    @property
    def leads(self) -> bool:
        """Whether this process is the one that publishes."""
        return self._told and self._lease.mine

    def start(self) -> None:
        """Take part in the leader election, for as long as the process lives."""
        self._unlisten = self._session.notifications.listen(CHANNEL, lambda _: self._work.ring(), self._work.ring)
        self._running = spawn("the relay", self._run())

    async def stop(self) -> None:
        """Finish the batch in flight and give up leadership."""
        self._stopping = True
        self._work.ring()
        self._halt.ring()
        if self._running is not None:
            await self._running
        if self._unlisten is not None:
            self._unlisten()

    def wake(self) -> None:
        """This process committed something to the outbox: tell the leader. Cheap enough to call for each commit."""
        if self.leads:
            self._work.ring()
        else:
            spawn("waking the relay", self._session.notifications.notify(CHANNEL, ""))  # coalesces, never waits

    async def condition(self) -> Condition:
        """For readiness, in whatever process: whether the events that wait are relayed in time."""
        waiting = await outbox.backlog(self._database, self._now())
        late = f"{waiting.unsent} events unsent, the oldest for {waiting.oldest:.0f} s"
        return Condition("degraded", late) if waiting.oldest > LATE else Condition("ok")

    async def _run(self) -> None:
        while not self._stopping:
            try:
                if not await self._elected():
                    await self._halt.wait(STANDBY_POLL)
                    continue
                await self._lost.send_again()
                found = await self._one_batch()
                self._recovered()
            except Exception as error:
                await self._failed(error)
                continue
            if 0 < found < BATCH and not self._stopping:
                await self._halt.wait(GATHER)
            if found < BATCH and not self._stopping:
                await self._work.wait(min(self._settings.queue_poll, self._settings.work_lease / 3))
        await self._lease.give_back()

    async def _elected(self) -> bool:
        leads = await self._lease.held()
        if leads != self._told:
            self._told = leads
            self.log.info("this process {does} the outbox", does="relays" if leads else "no longer relays")
        return leads

    async def _one_batch(self) -> int:
        """Publish and mark up to :data:`BATCH` events; returns how many were unsent."""
        found = await outbox.unsent(self._database, BATCH)
        if not found:
            return 0
        confirmed = set(await self._broker.publish([message_of(row, self._seals) for row in found]))
        await failpoint("relay.after_publish")
        sent = [row.seq for row in found if row.id in confirmed]
        if sent:
            now = self._now()

            async def mark(tx: Transaction) -> None:
                await self._lease.check(tx)
                await outbox.mark_sent(tx, sent, now)

            await self._database.transaction(mark, by_keys=True)
            await failpoint("relay.after_mark")
            if self._metrics is not None:
                self._metrics.published(len(sent))
        if len(sent) < len(found):
            raise Unavailable(f"the broker confirmed {len(sent)} of {len(found)} events")
        return len(found)

    async def _failed(self, error: Exception) -> None:
        if not isinstance(error, Unavailable):
            self.log.failure("relaying the outbox failed")
        elif not self._backoff.failing:
            self.log.warn("the outbox waits: {why}", why=str(error))
        pause = self._backoff.failed()
        if not self._stopping:
            await self._halt.wait(pause)

    def _recovered(self) -> None:
        if self._backoff.succeeded():
            self.log.info("the outbox is relayed again")
