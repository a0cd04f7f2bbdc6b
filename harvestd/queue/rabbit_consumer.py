"""One consumer of one queue on RabbitMQ: a channel of its own, a batch in hand at a time, an outcome for each message.

A message to be tried later, or a dead letter, is published to where it goes and confirmed there before the original is
acknowledged; if that cannot be done it goes back to its queue. So it may be there twice, and is never nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import Acked, ISubscription, Outcome, Receive
from harvestd.lifecycle import sleep
from harvestd.market.errors import Unavailable
from harvestd.queue.bell import Bell
from harvestd.queue.rabbit_connection import ENDS
from harvestd.queue.rabbit_hand import InHand, lots, moved, sentence
from harvestd.queue.rabbit_link import Link, close
from harvestd.queue.rabbit_messages import Publication
from harvestd.queue.rabbit_publisher import Held, Publisher
from harvestd.queue.rabbit_topology import declare, depth
from harvestd.queue.topology import Queue

#: Seconds of rest after a failure of ``receive`` or of the broker: the first, doubling up to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0
#: How long a stop waits to see what it handed back in the queue again, in steps of seconds.
SEEN_AGAIN = (0.01,) * 20


@implementer(ISubscription)
class Subscription:
    """Made and started by the broker; ``scale`` is the setting ``queue_retry_scale``."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        link: Link,
        publisher: Publisher,
        queue: Queue,
        prefetch: int,
        receive: Receive,
        scale: float,
    ) -> None:
        self.queue = queue.name
        self.consuming = False
        self._reactor = reactor
        self._link = link
        self._publisher = publisher
        self._topology = queue
        self._prefetch = prefetch
        self._receive = receive
        self._scale = scale
        self._halt = Bell(reactor)
        self._channel: Any = None
        self._arriving: Any = None
        self._next: Deferred[Any] | None = None
        self._hand: dict[int, InHand] = {}
        self._pause = FIRST_PAUSE
        self._stopping = False
        self._ended = False
        self._waiting: list[Deferred[None]] = []

    def start(self) -> None:
        """Begin to receive, now or as soon as there is a connection."""
        self._link.changed.append(self._changed)
        Deferred.fromCoroutine(self._run()).addErrback(
            lambda failure: self.log.failure("the consumer of {queue} ended", failure=failure, queue=self.queue)
        )

    async def stop(self) -> None:
        """Take no more, wait for what is in hand to be settled, and hand the rest back."""
        self._stopping = True
        self._halt.ring()
        if self._next is not None:
            self._next.cancel()
        if not self._ended:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    @property
    def ended(self) -> bool:
        """Whether it was stopped."""
        return self._stopping

    async def in_hand(self) -> int:
        """How many messages are here, be they only on their way: the broker answers on the channel of the consumer, behind
        what it sent there before."""
        channel = self._channel
        if channel is not None and channel.is_open:
            await self._link.ask(channel.basic_qos(prefetch_count=self._prefetch))
        return self._here()

    def _here(self) -> int:
        return len(self._hand) + (len(self._arriving.pending) if self._arriving is not None else 0)

    def _changed(self) -> None:
        if self._link.connection is not None:
            self._halt.ring()

    async def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    await self._consume()
                except Exception as error:
                    self._failed(error)
                if not self._stopping:
                    await self._halt.wait(self._pause)
                    self._pause = min(self._pause * 2, LAST_PAUSE)
        finally:
            self._ended = True
            self._link.changed.remove(self._changed)
            for waiting in self._waiting:
                waiting.callback(None)

    async def _consume(self) -> None:
        """On a channel of its own, until that ends or this is stopped."""
        ask = self._link.ask
        channel = await self._link.channel()
        tag = None
        try:
            await declare(ask, channel, [self._topology])
            await ask(channel.basic_qos(prefetch_count=self._prefetch))
            self._arriving, tag = await ask(channel.basic_consume(self.queue))
            self._channel = channel
            self.consuming = not self._stopping
            self._recovered()
            while not self._stopping and await self._gather(channel):
                await self._one_batch(channel)
        finally:
            self.consuming = False
            await self._leave(channel, tag)

    async def _gather(self, channel: Any) -> bool:
        """Wait for messages and take those that came together; False when there will be none."""
        self._next = self._arriving.get()
        try:
            came = [await self._next]
        except CancelledError:
            return False
        except ENDS as error:
            raise Unavailable(self._link.cause or f"RabbitMQ ended the consumer: {error}") from None
        finally:
            self._next = None
        self._keep(came)
        await sleep(self._reactor, 0)  # what else the same bytes hold is read first
        pending = self._arriving.pending
        self._keep(pending[: self._prefetch - 1])
        del pending[: self._prefetch - 1]
        return bool(channel.is_open)

    def _keep(self, received: Sequence[Any]) -> None:
        for one in received:
            in_hand = InHand.of(self.queue, one)
            self._hand[in_hand.tag] = in_hand

    async def _one_batch(self, channel: Any) -> None:
        for lot in lots(list(self._hand.values())):
            if not self._stopping:
                await self._settle(channel, lot, await self._outcomes(lot))

    async def _outcomes(self, lot: Sequence[InHand]) -> Sequence[Outcome]:
        outcome = sentence(lot[0])
        if outcome is not None:
            return [outcome]
        outcomes = await self._receive([one.delivery for one in lot])
        if len(outcomes) != len(lot):
            raise ValueError(f"receive answered {len(outcomes)} outcomes for {len(lot)} deliveries")
        return outcomes

    async def _settle(self, channel: Any, lot: Sequence[InHand], outcomes: Sequence[Outcome]) -> None:
        """Do what the outcomes say, unless the messages are another's by now."""
        pairs = list(zip(lot, outcomes, strict=True))
        self._acknowledge(channel, {one.tag for one, outcome in pairs if isinstance(outcome, Acked)})
        rest = [
            (one.tag, moved(one, outcome, self._topology, self._scale))
            for one, outcome in pairs
            if not isinstance(outcome, Acked)
        ]
        rest.sort(key=lambda pair: int(pair[1].properties.expiration or 0))  # see rabbit_topology
        while rest:
            fates = await self._kept(channel, [publication for _, publication in rest])
            kept = {tag for (tag, _), fate in zip(rest, fates, strict=True) if fate is Held.CONFIRMED}
            self._acknowledge(channel, kept)
            rest = [(tag, publication) for tag, publication in rest if tag not in kept]

    async def _kept(self, channel: Any, publications: Sequence[Publication]) -> Sequence[Held]:
        """The fates of what was moved. While the broker takes nothing it stays in hand: to hand it back would only have it
        come again, and be counted against it."""
        pause = FIRST_PAUSE
        while True:
            _still(channel, self._link)
            try:
                fates = await self._publisher.publish(publications)
                if Held.RETURNED in fates:
                    await self._publisher.redeclare()
                if Held.CONFIRMED in fates:
                    return fates
                why = "they were not kept"
            except Unavailable as error:
                why = error.detail
            if self._stopping:
                raise Unavailable(why)
            if pause == FIRST_PAUSE:
                self.log.warn("{queue}: what is to be tried later waits: {why}", queue=self.queue, why=why)
            await self._halt.wait(pause)
            pause = min(pause * 2, LAST_PAUSE)

    def _acknowledge(self, channel: Any, acked: set[int]) -> None:
        """With one word for all, if nothing that is still in hand came before the last of them."""
        if not acked:
            return
        _still(channel, self._link)
        for tag in acked:
            del self._hand[tag]
        last = max(acked)
        if all(tag > last for tag in self._hand):
            channel.basic_ack(last, multiple=True)
            return
        for tag in sorted(acked):
            channel.basic_ack(tag)

    async def _leave(self, channel: Any, tag: str | None) -> None:
        """Hand back what is still in hand, and see it in the queue again, so that who asks next is told the truth."""
        back = self._here()
        self._channel, self._arriving = None, None
        self._hand.clear()
        if not channel.is_open:
            return
        try:
            if tag in channel.consumer_tags:  # pika never answers for one that the broker ended
                await self._link.ask(channel.basic_cancel(tag))
            if back:
                before, _ = await depth(self._link.ask, channel, self.queue)
                channel.basic_nack(0, multiple=True, requeue=True)
                for pause in SEEN_AGAIN:
                    if (await depth(self._link.ask, channel, self.queue))[0] >= before + back:
                        break
                    await sleep(self._reactor, pause)
            await close(self._link, channel)
        except (Unavailable, *ENDS) as error:
            self.log.info("{queue}: left without a word: {why}", queue=self.queue, why=str(error))

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, (Unavailable, *ENDS)):
            self.log.failure("{queue}: a batch failed, it comes again", queue=self.queue)
        elif self._pause == FIRST_PAUSE and not self._stopping:
            self.log.warn("{queue} waits: {why}", queue=self.queue, why=str(error))

    def _recovered(self) -> None:
        if self._pause > FIRST_PAUSE:
            self.log.info("{queue} goes on", queue=self.queue)
        self._pause = FIRST_PAUSE


def _still(channel: Any, link: Link) -> None:
    if not channel.is_open:
        raise Unavailable(link.cause or "the connection ended with messages in hand: they are another's now")
