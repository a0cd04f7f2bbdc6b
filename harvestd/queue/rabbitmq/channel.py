"""What arrives on one channel of one consumer, and the channel itself: from the first word to the last."""

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

#: How long a consumer that leaves waits to see what it handed back in the queue again, in steps of seconds.
SEEN_AGAIN = (0.01,) * 20


#: So many batches are here or on their way at most: the one in hand, and the next. Where one batch takes all that may be here,
#: the broker and the consumer take turns, since nothing comes until it is acknowledged, and a quorum queue takes its time to be
#: told; whether that was so used to be chance, for as long as the queue was full.
AHEAD = 2


class ConsumerChannel:
    """At most ``prefetch`` messages are gathered at a time, and :data:`AHEAD` times as many are here; ``hand`` are those that
    were gathered, and are not settled."""

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
        """Declare the queue and consume it."""
        ask = self._link.ask
        self._channel = await restore(ask, self._link.channel, self._again, [self._queue])
        await ask(self._channel.basic_qos(prefetch_count=self._window))
        self._arriving, self._tag = await ask(self._channel.basic_consume(self._queue.name))

    async def gather(self) -> None:
        """Wait for messages and take in hand those that came together; nothing, if :meth:`interrupt` comes first."""
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
        await sleep(self._reactor, 0)  # what else the same bytes hold is read first
        more = self._prefetch - 1
        self._take(self._arriving.pending[:more])
        del self._arriving.pending[:more]

    def interrupt(self) -> None:
        """End the waiting of :meth:`gather`."""
        if self._next is not None:
            self._next.cancel()

    async def here(self) -> int:
        """How many messages are here, be they only on their way: the broker answers on this channel, behind what it sent
        on it before. None once the channel is closed: they are another's."""
        if self._channel is None or not self._channel.is_open:
            return 0
        await self._link.ask(self._channel.basic_qos(prefetch_count=self._window))
        return self._count()

    def check(self) -> None:
        """Raises ``Unavailable`` when what is in hand is another's by now."""
        if not self._channel.is_open:
            raise Unavailable(self._link.cause or "the connection ended with messages in flight: they are redelivered")

    def acknowledge(self, tags: set[int]) -> None:
        """They are done. With one word for all, if nothing that is still in hand came before the last of them."""
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
        """Take no more, hand back what is here, and see it in the queue again, so that who asks next is told the truth."""
        back = self._count()
        channel, self._channel = self._channel, None
        self.hand.clear()
        if channel is None or not channel.is_open:
            return
        try:
            if self._tag in channel.consumer_tags:  # pika never answers for one that the broker ended
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
