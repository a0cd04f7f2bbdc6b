"""The broker on RabbitMQ (3.10 or later), for a market on more than one machine.

Two connections: one publishes, and is the one that the broker blocks when it runs out of memory or disk; the other
consumes and queries, and keeps working meanwhile. Each reconnects by itself (``reconnecting.py``) and declares the
topology (``declared.py``); its users find out by trying.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from harvestd.interfaces import DeadLetter, IBroker, ISubscription, Message, QueueState, Receive
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import EXCHANGE, Queue, Topology
from harvestd.queue.rabbitmq.consumer import Subscription
from harvestd.queue.rabbitmq.dead_letters import DeadLetters
from harvestd.queue.rabbitmq.declarations import DIED_ON_THE_WAY, Again
from harvestd.queue.rabbitmq.declared import DeclaredTopology
from harvestd.queue.rabbitmq.depths import Depths
from harvestd.queue.rabbitmq.messages import event
from harvestd.queue.rabbitmq.poison import Trials
from harvestd.queue.rabbitmq.probe import SOON, Probe
from harvestd.queue.rabbitmq.publisher import Held, Publisher
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection
from harvestd.runtime.health import Condition
from harvestd.settings.table import Settings

#: Messages published before waiting for their publisher confirms.
WINDOW = 100


async def _nobody(queues: Sequence[str], after: float) -> None:
    """Used without an outbox."""


@implementer(IBroker)
class RabbitBroker:
    """On ``settings.rabbitmq_url``. All in seconds: ``heartbeat``, ``handshake`` (connect, log in, set up), ``answer``
    (to a request), ``stall`` (to the first sign of a publisher confirm), ``wait`` (for the first connections, at
    startup)."""

    def __init__(
        self, reactor: Any, settings: Settings, topology: Topology, trials: Trials, again: Again = _nobody, *,
        heartbeat: float = 4.0, handshake: float = 5.0, answer: float = 5.0, stall: float = 10.0, wait: float = 5.0,
    ) -> None:  # fmt: skip
        self._reactor = reactor
        self._settings = settings
        self._topology = topology
        self._again = again
        self._trials = trials
        self._wait = wait
        self._declared = DeclaredTopology(topology, again, answer)
        link = partial(
            ReconnectingConnection, reactor, settings.rabbitmq_url, heartbeat=heartbeat, handshake=handshake, answer=answer
        )  # fmt: skip
        self._publisher = Publisher(reactor, self._declared.declare, partial(link, "harvestd publishing"), stall)
        self._publishing = self._publisher.link
        self._consuming = link("harvestd consuming", prepare=self._declared.declare)
        self._dead = DeadLetters(self._consuming, self._publisher)
        self._depths = Depths(reactor, self._consuming, topology, self._declared, self._in_hand)
        self._probe = Probe(reactor, self._consuming, self._declared)
        self._subscriptions: list[Subscription] = []

    async def start(self) -> None:
        """Connect; returns when both connections are usable or after a bounded wait, retrying in the background."""
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # lost connections are no errors; we log them
        starts = [Deferred.fromCoroutine(one.start(self._wait)) for one in (self._publishing, self._consuming)]
        for start in starts:
            await start

    async def stop(self) -> None:
        """Stop every subscription concurrently, then disconnect."""
        await self._declared.stop()
        for stopping in [Deferred.fromCoroutine(one.stop()) for one in self._subscriptions]:
            await stopping
        for stopping in [Deferred.fromCoroutine(one.stop()) for one in (self._consuming, self._publishing)]:
            await stopping

    async def publish(self, messages: Sequence[Message]) -> Sequence[str]:
        """Publish in windows, ``mandatory``; returns the ids that are confirmed, or that none of our queues binds.

        The id of a returned message whose type one of our queues binds is left out: the missing binding is declared again.
        """
        held: list[str] = []
        for start in range(0, len(messages), WINDOW):
            window = messages[start : start + WINDOW]
            try:
                fates = await self._publisher.publish([event(one) for one in window])
                lost = False
                for one, fate in zip(window, fates, strict=True):
                    if fate is Held.CONFIRMED or (fate is Held.RETURNED and not self._topology.queues_for(one.type)):
                        held.append(one.id)
                    lost = lost or (fate is Held.RETURNED and bool(self._topology.queues_for(one.type)))
                if lost:  # each lost a binding, so other messages may have been lost unnoticed
                    await self._again(list(self._topology.queues), DIED_ON_THE_WAY)
                    await self._publisher.redeclare()
                    await self._again(list(self._topology.queues), 0.0)
            except Unavailable:
                if not held:
                    raise
                break
        return held

    async def consume(self, queue: str, prefetch: int, receive: Receive) -> ISubscription:
        """Receive the queue's messages in batches of up to ``prefetch``. Raises ``ValueError`` for an unknown queue."""
        known = self._topology.queue(queue)
        scale = self._settings.queue_retry_scale
        subscription = Subscription(
            self._reactor,
            self._consuming,
            self._publisher,
            known,
            prefetch,
            receive,
            scale,
            self._again,
            self._trials,
        )
        self._subscriptions.append(subscription)
        subscription.start()
        return subscription

    async def states(self) -> Sequence[QueueState]:
        """The state of every queue; ``depths.py`` says how far this is approximate."""
        return await self._depths.read()

    async def dead(self, queue: str, limit: int = 100) -> Sequence[DeadLetter]:
        """The oldest dead letters of a queue; ``dead_letters.py`` says how far this is approximate."""
        return await self._dead.oldest(self._topology.queue(queue), limit)

    async def replay(self, queue: str, id: str) -> bool:
        """Put a dead letter back into its own queue, with its attempts reset; False if it does not exist."""
        return await self._dead.replay(self._topology.queue(queue), id)

    async def discard(self, queue: str, id: str) -> bool:
        """Delete a dead letter; False if it does not exist."""
        return await self._dead.discard(self._topology.queue(queue), id)

    async def condition(self) -> Condition:
        """For readiness. The market works on without RabbitMQ: events wait in the outbox."""
        for link in (self._publishing, self._consuming):
            if link.connection is None:
                return Condition("degraded", f"out of reach: events wait in the outbox ({link.cause})")
        if self._publishing.blocked:
            return Condition("degraded", "blocked: memory or disk alarm of RabbitMQ, events wait in the outbox")
        if not await self._probe.answers():
            return Condition("degraded", f"does not answer within {SOON:g} s: events wait in the outbox")
        if self._declared.fault:
            self._declared.mend(self._consuming)
            cure = f"delete what there is of that name ({EXCHANGE} is a durable topic exchange), it is declared anew"
            return Condition("degraded", f"events wait in the outbox: {self._declared.fault}; {cure}")
        idle = [one.queue for one in self._subscriptions if not (one.consuming or one.stopping)]
        return Condition("degraded", f"not consuming: {', '.join(idle)}") if idle else Condition("ok")

    def usage(self) -> tuple[bool, int]:
        """Whether it is working now, and how often its connections were lost or blocked."""
        links = (self._publishing, self._consuming)
        here = all(link.connection is not None and not link.blocked for link in links)
        return here and not self._probe.silent, sum(link.losses for link in links)

    async def _in_hand(self, queue: Queue) -> int:
        return sum([await one.in_hand() for one in self._subscriptions if one.queue == queue.name])
