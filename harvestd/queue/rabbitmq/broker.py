"""The broker on RabbitMQ (3.10 or later), for a market on more than one machine.

Two connections: one publishes, and is the one that the broker blocks when it runs out of memory or disk; the other
consumes and queries, and keeps working meanwhile. Each reconnects by itself (``reconnecting.py``) and declares the
topology (``declarations.py``); its users find out by trying.
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
from harvestd.queue.rabbitmq.connection import Connection
from harvestd.queue.rabbitmq.consumer import Subscription
from harvestd.queue.rabbitmq.dead_letters import DeadLetters
from harvestd.queue.rabbitmq.declarations import (
    DIED_ON_THE_WAY,
    Again,
    Undeclared,
    declared_exchange,
    depth,
    restore,
    retry_queues,
)
from harvestd.queue.rabbitmq.messages import event
from harvestd.queue.rabbitmq.poison import Trials
from harvestd.queue.rabbitmq.publisher import Held, Publisher
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection
from harvestd.runtime.health import Condition
from harvestd.runtime.lifecycle import sleep
from harvestd.settings.table import Settings

#: Seconds within which a healthy broker answers.
SOON = 0.5
#: Messages published before waiting for their publisher confirms.
WINDOW = 100
#: Seconds after which the state of a seemingly empty queue is read again.
SECOND_LOOK = 0.02


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
        self._answer = answer
        self._again = again
        self._trials = trials
        self._undeclared = ""
        self._mending: Deferred[None] | None = None
        self._wait = wait
        link = partial(
            ReconnectingConnection, reactor, settings.rabbitmq_url, heartbeat=heartbeat, handshake=handshake, answer=answer
        )  # fmt: skip
        self._publisher = Publisher(reactor, self._declare, partial(link, "harvestd publishing"), stall)
        self._publishing = self._publisher.link
        self._consuming = link("harvestd consuming", prepare=self._declare)
        self._dead = DeadLetters(self._consuming, self._publisher)
        self._subscriptions: list[Subscription] = []
        self._silent = False

    async def start(self) -> None:
        """Connect; returns when both connections are usable or after a bounded wait, retrying in the background."""
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # lost connections are no errors; we log them
        starts = [Deferred.fromCoroutine(one.start(self._wait)) for one in (self._publishing, self._consuming)]
        for start in starts:
            await start

    async def stop(self) -> None:
        """Stop every subscription concurrently, then disconnect."""
        if self._mending is not None:
            await self._mending
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

    async def _lost(self) -> None:
        """Called when a consumer finds its queue missing."""
        await self._declare(self._consuming.here())

    async def states(self) -> Sequence[QueueState]:
        """The state of every queue. ``unacknowledged`` counts this process's messages in flight: AMQP does not expose
        those of others. The counts of one queue are read in sequence, in the direction in which messages move; a
        seemingly empty one is read twice, since a message moving from a retry queue to its own queue is counted in
        neither."""
        channel = await self._consuming.channel()
        try:
            found = [await self._counted(channel, queue) for queue in self._topology.queues.values()]
            if all(_busy(state) for state in found):
                return found
            await sleep(self._reactor, SECOND_LOOK)
            return [
                state if _busy(state) else await self._counted(channel, self._topology.queue(state.name))
                for state in found
            ]
        except Unavailable:
            if not channel.is_open and self._consuming.connection is not None:
                await self._lost()
            raise
        finally:
            if channel.is_open:
                channel.close()

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
        if not await self._answers():
            return Condition("degraded", f"does not answer within {SOON:g} s: events wait in the outbox")
        if self._undeclared:
            self._mend()
            cure = f"delete what there is of that name ({EXCHANGE} is a durable topic exchange), it is declared anew"
            return Condition("degraded", f"events wait in the outbox: {self._undeclared}; {cure}")
        idle = [one.queue for one in self._subscriptions if not (one.consuming or one.stopping)]
        return Condition("degraded", f"not consuming: {', '.join(idle)}") if idle else Condition("ok")

    def usage(self) -> tuple[bool, int]:
        """Whether it is working now, and how often its connections were lost or blocked."""
        links = (self._publishing, self._consuming)
        here = all(link.connection is not None and not link.blocked for link in links)
        return here and not self._silent, sum(link.losses for link in links)

    async def _answers(self) -> bool:
        """Whether it answers a request soon. A frozen broker keeps its connections open and would go unnoticed for
        long; the request itself drops the connection when no answer arrives within ``answer`` seconds."""
        waiting: Deferred[bool] = Deferred()

        def settle(answered: bool) -> None:
            if not waiting.called:
                waiting.callback(answered)

        late = self._reactor.callLater(SOON, settle, False)
        asked = Deferred.fromCoroutine(self._question())
        asked.addCallbacks(lambda _: settle(True), lambda _: settle(False))
        answered = await waiting
        if late.active():
            late.cancel()
        self._silent = not answered
        return answered

    async def _question(self) -> None:
        """Check that the exchange exists with the right type, without which no queue receives anything: a channel
        closed for that reason is an answer, too. The exchange is not created here, or the loss of its bindings would go
        unnoticed."""
        channel = await self._consuming.channel()
        try:
            await self._consuming.ask(channel.exchange_declare(EXCHANGE, passive=True))
            await self._consuming.ask(declared_exchange(channel))
        except Unavailable as error:
            connection = self._consuming.connection
            if channel.is_open or connection is None or not connection.is_open:
                raise
            self._undeclared = error.detail
        finally:
            if channel.is_open:
                channel.close()

    def _mend(self) -> None:
        """Try to declare, in the background, what is missing or exists in another form."""
        if self._mending is None:
            self._mending = Deferred.fromCoroutine(self._lost())
            self._mending.addErrback(lambda failure: failure.trap(Unavailable) and None)
            self._mending.addBoth(self._mended)

    def _mended(self, result: Any) -> Any:
        self._mending = None
        return result

    async def _counted(self, channel: Any, queue: Queue) -> QueueState:
        ask = self._consuming.ask
        before = await self._in_hand(queue)
        delayed = sum([(await depth(ask, channel, name))[0] for name in retry_queues(queue.name)])
        ready, consumers = await depth(ask, channel, queue.name)
        in_hand = await self._in_hand(queue)
        dead, _ = await depth(ask, channel, queue.dead)
        moved_on = 0 if ready or delayed else before  # redelivered, or in a retry queue read before
        return QueueState(queue.name, ready, delayed, max(in_hand, moved_on), dead, consumers)

    async def _in_hand(self, queue: Queue) -> int:
        return sum([await one.in_hand() for one in self._subscriptions if one.queue == queue.name])

    async def _declare(self, connection: Connection) -> None:
        ask = partial(connection.ask, seconds=self._answer)
        try:
            channel = await restore(
                ask, partial(connection.channel_within, self._answer), self._again, list(self._topology.queues.values())
            )
        except Undeclared as error:
            self._undeclared = error.detail
            raise
        self._undeclared = ""
        channel.close()


def _busy(state: QueueState) -> bool:
    return bool(state.ready or state.delayed or state.unacknowledged)
