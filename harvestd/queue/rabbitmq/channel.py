"""Messages arriving on one consumer's channel, and the channel itself, from open to close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Queue
from harvestd.queue.rabbitmq.connection import ENDS
from harvestd.queue.rabbitmq.declarations import Again, depth, restore
from harvestd.queue.rabbitmq.poison import InHand
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection, close
from harvestd.runtime.lifecycle import sleep

#: How long a leaving consumer waits to see its returned messages in the queue again, as pauses in seconds.
SEEN_AGAIN = (0.01,) * 20


#: The prefetch in batches: the one in hand, and the next. With a prefetch of one batch the broker and the consumer
#: would alternate, since nothing is delivered until an acknowledgement, which a quorum queue takes its time to process;
#: before this, whether that happened was down to chance for as long as the queue was full.
AHEAD = 2


class ConsumerChannel:
    """At most ``prefetch`` messages are gathered at a time, and :data:`AHEAD` times as many are prefetched; ``hand``
    holds the gathered messages that are not settled."""

    log = Logger()

    def __init__(self, reactor: Any, link: ReconnectingConnection, queue: Queue, prefetch: int, again: Again) -> None:
        self.hand: dict[int, InHand] = {}
        self._reactor = reactor
        self._link = link
        self._queue = queue
        self._again = again
        self._prefetch = prefetch
        self._window = prefetch * AHEAD
        self._channel: Any = None
        self._tag = ""
        self._arriving: Any = None
        self._next: Deferred[Any] | None = None

    async def open(self) -> None:
        """Declare the queue and start consuming."""
        ask = self._link.ask
        self._channel = await restore(ask, self._link.channel, self._again, [self._queue])
        await ask(self._channel.basic_qos(prefetch_count=self._window))
        self._arriving, self._tag = await ask(self._channel.basic_consume(self._queue.name))

    async def gather(self) -> None:
        """Wait for messages and take those that arrived together; takes nothing if :meth:`interrupt` is called first."""
        self._next = self._arriving.get()
        try:
            came = [await self._next]
        except CancelledError:
            return
        except ENDS as error:
            raise Unavailable(self._link.cause or f"RabbitMQ ended the consumer: {error}") from None
        finally:
            self._next = None
        self._take(came)
        await sleep(self._reactor, 0)  # let the rest of the received bytes be parsed first
        more = self._prefetch - 1
        self._take(self._arriving.pending[:more])
        del self._arriving.pending[:more]

    def interrupt(self) -> None:
        """End the wait in :meth:`gather`."""
        if self._next is not None:
            self._next.cancel()

    async def here(self) -> int:
        """How many messages this consumer holds, including those in transit: the broker answers on the same channel,
        after all that it sent before. None once the channel is closed: they belong to other consumers."""
        if self._channel is None or not self._channel.is_open:
            return 0
        await self._link.ask(self._channel.basic_qos(prefetch_count=self._window))
        return self._count()

    def check(self) -> None:
        """Raises ``Unavailable`` when the messages in hand have been lost to another consumer."""
        if not self._channel.is_open:
            raise Unavailable(self._link.cause or "the connection ended with messages in flight: they are redelivered")

    def acknowledge(self, tags: set[int]) -> None:
        """Acknowledge them, with a single ``multiple`` acknowledgement if no earlier message is still in hand."""
        if not tags:
            return
        self.check()
        for tag in tags:
            del self.hand[tag]
        last = max(tags)
        if all(tag > last for tag in self.hand):
            self._channel.basic_ack(last, multiple=True)
            return
        for tag in sorted(tags):
            self._channel.basic_ack(tag)

    async def close(self) -> None:
        """Stop consuming, return the unsettled messages, and wait to see them in the queue again, so that a count taken next is right."""
        back = self._count()
        channel, self._channel = self._channel, None
        self.hand.clear()
        if channel is None or not channel.is_open:
            return
        try:
            if self._tag in channel.consumer_tags:  # pika never answers for a consumer that the broker cancelled
                await self._link.ask(channel.basic_cancel(self._tag))
            if back:
                await self._hand_back(channel, back)
            await close(self._link, channel)
        except (Unavailable, *ENDS) as error:
            self.log.info(
                "{queue}: could not cancel its consumer on leaving: {why}", queue=self._queue.name, why=str(error)
            )

    async def _hand_back(self, channel: Any, number: int) -> None:
        before, _ = await depth(self._link.ask, channel, self._queue.name)
        channel.basic_nack(0, multiple=True, requeue=True)
        for pause in SEEN_AGAIN:
            if (await depth(self._link.ask, channel, self._queue.name))[0] >= before + number:
                return
            await sleep(self._reactor, pause)

    def _count(self) -> int:
        return len(self.hand) + (len(self._arriving.pending) if self._arriving is not None else 0)

    def _take(self, received: Sequence[Any]) -> None:
        for one in received:
            in_hand = InHand.of(self._queue.name, one)
            self.hand[in_hand.tag] = in_hand
