"""While the broker is away, what it should have brought is handled from the outbox: nobody hears later of an order since RabbitMQ
is frozen, or takes nothing.

One process looks each second, and only while its broker is not well. What is older than :data:`PATIENCE` and has no mark of a queue goes to
that queue's consumer, as a delivery: the inbox makes it harmless that the broker brings it as well, once it is back. What the consumer
does not acknowledge stays the broker's, with its tries and dead letters; and so does a batch that ended the process which handled it
(``store/trials.py``), in which there may be a poison message.
"""

from __future__ import annotations

from collections.abc import Mapping

from twisted.logger import Logger

from harvestd.interfaces import Acked, Delivery
from harvestd.parts import Parts
from harvestd.queue.consumer import Consumer
from harvestd.queue.relay import message_of
from harvestd.queue.seals import EventSeals
from harvestd.store import outbox
from harvestd.store.leases import GoingOn
from harvestd.store.trials import PostgresTrials

#: Seconds that an event is the broker's alone, and that what was not acknowledged is left alone.
PATIENCE, REST = 4.0, 30.0
#: Events of one queue that are handled together.
BATCH = 50


class StandIn:
    """``consumers`` by their queues; one for each process that has some."""

    log = Logger()

    def __init__(self, consumers: Mapping[str, Consumer]) -> None:
        self._consumers = consumers
        self._resting: dict[tuple[str, str], float] = {}
        self._told = False

    async def run(self, parts: Parts, going_on: GoingOn) -> None:
        """As a periodic task."""
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
        """Have one batch handled; answers how many there were."""
        resting = [id for name, id in self._resting if name == queue]
        types = parts.topology.types_for(queue)
        rows = await outbox.unbrought(parts.database, queue, types, PATIENCE, resting, BATCH)
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
