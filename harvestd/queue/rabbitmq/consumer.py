"""One consumer of one queue on RabbitMQ: its own channel, one batch in hand at a time, one outcome per message.

A retried or dead-lettered message is published to its destination and confirmed there before the original is
acknowledged; if that fails it is returned to its queue. So it may exist twice, but is never lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import Acked, ISubscription, Outcome, Receive
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Queue
from harvestd.queue.rabbitmq.channel import ConsumerChannel
from harvestd.queue.rabbitmq.connection import ENDS
from harvestd.queue.rabbitmq.declarations import Again
from harvestd.queue.rabbitmq.messages import Publication
from harvestd.queue.rabbitmq.poison import InHand, Trials, lots, moved, sentence
from harvestd.queue.rabbitmq.publisher import Held, Publisher
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection
from harvestd.runtime.backoff import Backoff
from harvestd.runtime.spawn import spawn
from harvestd.runtime.wakeup import Wakeup

#: Backoff in seconds after a failure of ``receive`` or of the broker: the first pause, doubling up to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0


@implementer(ISubscription)
class Subscription:
    """Created and started by the broker; ``scale`` is the setting ``queue_retry_scale``."""

    log = Logger()

    def __init__(
        self, reactor: Any, link: ReconnectingConnection, publisher: Publisher, queue: Queue, prefetch: int, receive: Receive, scale: float,
        again: Again, trials: Trials,
    ) -> None:  # fmt: skip
        self.queue = queue.name
        self.consuming = False
        self.stopping = False
        self._reactor = reactor
        self._link = link
        self._publisher = publisher
        self._topology = queue
        self._prefetch = prefetch
        self._receive = receive
        self._scale = scale
        self._again = again
        self._trials = trials
        self._halt = Wakeup(reactor)
        self._intake: ConsumerChannel | None = None
        self._backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        self._ended = False
        self._waiting: list[Deferred[None]] = []

    def start(self) -> None:
        """Start receiving, now or as soon as there is a connection."""
        self._link.changed.append(self._changed)
        spawn(f"the consumer of {self.queue}", self._run())

    async def stop(self) -> None:
        """Take no more messages, wait until those in flight are settled, and return the rest to the queue."""
        self.stopping = True
        self._halt.ring()
        if self._intake is not None:
            self._intake.interrupt()
        if not self._ended:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    async def in_hand(self) -> int:
        """How many messages this consumer holds, including those in transit."""
        return 0 if self._intake is None else await self._intake.here()

    def _changed(self) -> None:
        if self._link.connection is not None:
            self._halt.ring()

    async def _run(self) -> None:
        try:
            while not self.stopping:
                try:
                    await self._consume()
                except Exception as error:
                    self._failed(error)
                if not self.stopping:
                    await self._halt.wait(self._backoff.failed())
        finally:
            self._ended = True
            self._link.changed.remove(self._changed)
            for waiting in self._waiting:
                waiting.callback(None)

    async def _consume(self) -> None:
        """Consume on a channel of its own, until the channel ends or this is stopped."""
        intake = self._intake = ConsumerChannel(self._reactor, self._link, self._topology, self._prefetch, self._again)
        try:
            await intake.open()
            self.consuming = not self.stopping
            self._recovered()
            while not self.stopping:
                await intake.gather()
                hand = list(intake.hand.values())
                suspects = [one.id for one in hand if one.suspect]
                tried = await self._trials.tried(self.queue, suspects) if suspects else {}
                for lot in lots(hand, tried):
                    if not self.stopping:
                        await self._settle(intake, lot, await self._outcomes(lot, tried))
        finally:
            self.consuming, self._intake = False, None
            await intake.close()

    async def _outcomes(self, lot: Sequence[InHand], tried: Mapping[str, int]) -> Sequence[Outcome]:
        if not lot[0].suspect:
            return await self._handled(lot)
        id = lot[0].id
        outcome = sentence(tried.get(id, 0))
        if outcome is None:
            await self._trials.begin(self.queue, id)
        outcomes = [outcome] if outcome is not None else await self._handled(lot)
        await self._trials.end(self.queue, id)
        return outcomes

    async def _handled(self, lot: Sequence[InHand]) -> Sequence[Outcome]:
        outcomes = await self._receive([one.delivery for one in lot])
        if len(outcomes) != len(lot):
            raise ValueError(f"receive answered {len(outcomes)} outcomes for {len(lot)} deliveries")
        return outcomes

    async def _settle(self, intake: ConsumerChannel, lot: Sequence[InHand], outcomes: Sequence[Outcome]) -> None:
        """Apply the outcomes, unless the messages have been lost to another consumer by now."""
        acked: set[int] = set()
        rest: list[tuple[int, Publication]] = []
        for one, outcome in zip(lot, outcomes, strict=True):
            if isinstance(outcome, Acked):
                acked.add(one.tag)
            else:
                rest.append((one.tag, moved(one, outcome, self._topology, self._scale)))
        intake.acknowledge(acked)
        rest.sort(key=lambda pair: int(pair[1].properties.expiration or 0))  # see declarations.py
        while rest:
            fates = await self._kept(intake, [publication for _, publication in rest])
            kept = {tag for (tag, _), fate in zip(rest, fates, strict=True) if fate is Held.CONFIRMED}
            intake.acknowledge(kept)
            rest = [(tag, publication) for tag, publication in rest if tag not in kept]

    async def _kept(self, intake: ConsumerChannel, publications: Sequence[Publication]) -> Sequence[Held]:
        """The fates of the moved messages. While the broker is blocked they stay in hand: returning them would only
        cause a redelivery, which counts against them."""
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        while True:
            intake.check()
            try:
                fates = await self._publisher.publish(publications)
                if Held.RETURNED in fates:
                    await self._publisher.redeclare()
                if Held.CONFIRMED in fates:
                    return fates
                why = "it was not kept"
            except Unavailable as error:
                why = error.detail
            if self.stopping:
                raise Unavailable(why)
            if not backoff.failing:
                self.log.warn("{queue}: delayed retries wait: {why}", queue=self.queue, why=why)
            await self._halt.wait(backoff.failed())

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, (Unavailable, *ENDS)):
            self.log.failure("{queue}: a batch failed and will be redelivered", queue=self.queue)
        elif not self._backoff.failing and not self.stopping:
            self.log.warn("{queue} waits: {why}", queue=self.queue, why=str(error))

    def _recovered(self) -> None:
        if self._backoff.succeeded():
            self.log.info("{queue} resumes", queue=self.queue)
