"""While the broker is away, frozen or blocked, its events are handled from the outbox, so that no notification of an order is late.

One process checks each second, and only while its broker is unhealthy. An event older than :data:`PATIENCE` without an
inbox mark of a queue goes to that queue's consumer, as a delivery: the inbox dedupes the broker's own delivery, once it
is back. An event that the consumer does not acknowledge is left to the broker, with its retries and dead letters; and
so is a batch that ended the process which handled it (``store/trials.py``), since it may contain a poison message.
"""

from __future__ import annotations

from collections.abc import Mapping

from twisted.logger import Logger

from harvestd.interfaces import Acked, Delivery
from harvestd.parts import Parts
from harvestd.queue.consumer import Consumer
from harvestd.queue.recorded_messages import message_of
from harvestd.queue.seals import EventSeals
from harvestd.store import redelivery
from harvestd.store.leases import GoingOn
from harvestd.store.trials import PostgresTrials

#: Seconds for which an event is left to the broker, and for which an unacknowledged one is left alone.
PATIENCE, REST = 4.0, 30.0
#: Events of one queue handled together.
BATCH = 50


class StandIn:
    """``consumers`` by queue; one stand-in for each process that has consumers."""

    log = Logger()

    def __init__(self, consumers: Mapping[str, Consumer]) -> None:
        self._consumers = consumers
        self._resting: dict[tuple[str, str], float] = {}
        self._told = False

    async def run(self, parts: Parts, going_on: GoingOn) -> None:
        """Run as a periodic task."""
        if (await parts.health.of("rabbitmq")).state == "ok":
            if self._told:
                self.log.info("the broker delivers events again")
            self._told = False
            self._resting.clear()
            return
        now = parts.reactor.seconds()
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        for queue in self._consumers:
            while await going_on() and await self._batch(parts, queue) == BATCH:
                pass

    async def _batch(self, parts: Parts, queue: str) -> int:
        """Have one batch handled; returns its size."""
        resting = [id for name, id in self._resting if name == queue]
        types = parts.topology.types_for(queue)
        rows = await redelivery.unbrought(parts.database, queue, types, PATIENCE, resting, BATCH)
        if not rows:
            return 0
        if not self._told:
            self._told = True
            self.log.warn("the broker is away: its consumers handle events from the outbox meanwhile")
        seals = EventSeals(parts.secret)
        trials, ids = PostgresTrials(parts.database), [row.id for row in rows]
        await trials.begin(queue, *ids)
        outcomes = await self._consumers[queue].receive([Delivery(message_of(row, seals), queue, 0) for row in rows])
        await trials.end(queue, *ids)
        until = parts.reactor.seconds() + REST
        for row, outcome in zip(rows, outcomes, strict=True):
            if not isinstance(outcome, Acked):
                self._resting[queue, row.id] = until
        return len(rows)
