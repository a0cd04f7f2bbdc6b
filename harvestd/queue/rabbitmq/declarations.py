"""The declarations on RabbitMQ (3.10 or later) for the topology of ``tables.py``.

==========================  ==============================================================================================
``harvest_hub``             durable topic exchange
``harvest.orders``          quorum queue, bound to the exchange by each pattern
``harvest.orders.later.3``  retry queue (quorum) for the fourth try; it dead-letters to ``harvest.orders``
``harvest.orders.dead``     quorum queue of the dead letters
==========================  ==============================================================================================

A waiting message carries its delay as its own ``expiration``, so the arguments of the queues do not depend on a setting.
RabbitMQ expires messages at the head of a queue only, which is why there is one retry queue per step: behind a head whose
jitter drew a long delay others wait for at most ``RETRY_JITTER`` of it, and those of one batch are queued shortest first.
A foreign message at the head, with a long expiration or none, delays the others for at most the queue's own message TTL: the
longest delay that can be set for its step. Expired messages move on through the default exchange, at least once (this
dead-letter strategy keeps each until the target queue confirms it).

The delivery limit is set out of reach: RabbitMQ 4 would otherwise drop a message after 20 redeliveries, which looking at
dead letters causes. ``consumer.py`` counts the messages that kill their consumers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import EXCHANGE, RETRY_DELAYS, RETRY_JITTER, Queue
from harvestd.queue.rabbitmq.pika_channel import Channel
from harvestd.settings.table import MAX_RETRY_SCALE

_QUORUM = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000}
Ask = Callable[[Deferred[Any]], Awaitable[Any]]
#: Called with the names of queues that were lost, wholly or in part, and a delay in seconds: republishes, after the
#: delay, the events that they had not handled.
Again = Callable[[Sequence[str], float], Awaitable[None]]
#: The delay in case the declaring process dies midway; otherwise republishing starts as soon as the queues exist.
DIED_ON_THE_WAY = 30.0


class Undeclared(Unavailable):
    """Something of the topology is there in another form, or the broker went while it was declared."""


def retry_queue(queue: str, attempts: int) -> str:
    """The retry queue of a message after ``attempts`` tries (1 or more)."""
    return f"{queue}.later.{attempts}"


def retry_queues(queue: str) -> list[str]:
    """All retry queues, the shortest delay first."""
    return [retry_queue(queue, attempts) for attempts in range(1, len(RETRY_DELAYS) + 1)]


def declared_exchange(channel: Channel) -> Deferred[Any]:
    """Declare the exchange as it must be: if it exists in another form, the channel is closed."""
    return channel.exchange_declare(EXCHANGE, "topic", durable=True)  # type: ignore[no-any-return]


async def declare(ask: Ask, channel: Channel, queues: Sequence[Queue]) -> None:
    """Declare everything for ``queues``; existing declarations stay as they are."""
    await ask(declared_exchange(channel))
    for queue in queues:
        await _declare(ask, channel, queue.name)
        for pattern in queue.binds:
            await ask(channel.queue_bind(queue.name, EXCHANGE, pattern))
        await _declare(ask, channel, queue.dead)
        for name, delay in zip(retry_queues(queue.name), RETRY_DELAYS, strict=True):
            await _declare(ask, channel, name, back_to=queue.name, longest=delay * (1 + RETRY_JITTER) * MAX_RETRY_SCALE)


async def restore(ask: Ask, opened: Callable[[], Awaitable[Channel]], again: Again, queues: Sequence[Queue]) -> Channel:
    """Declare everything for ``queues``, and have the events republished that lost queues had not handled: events
    published before a queue is declared and bound are lost to it, too, however long that takes. Returns the channel;
    raises :class:`Undeclared` where the broker refuses, and ``Unavailable`` for any other failure."""
    missing = await lost(ask, opened, queues)
    await again(missing, DIED_ON_THE_WAY)
    channel = await opened()
    try:
        try:
            await declare(ask, channel, queues)
        except Unavailable as error:
            raise Undeclared(error.detail) from None
        await again(missing, 0.0)
    except BaseException:
        if channel.is_open:
            channel.close()
        raise
    return channel


async def lost(ask: Ask, opened: Callable[[], Awaitable[Channel]], queues: Sequence[Queue]) -> list[str]:
    """The names of the queues of which any part is missing; all of them when the exchange is, since its bindings are
    lost with it. Each passive declare of something missing closes its channel, so ``opened`` returns new ones. Raises
    ``Unavailable`` for any other failure."""
    missing: list[str] = []
    channel = await opened()
    try:
        await ask(channel.exchange_declare(EXCHANGE, passive=True))
    except Unavailable:
        if channel.is_open:
            raise
        (await opened()).close()
        return [queue.name for queue in queues]
    for queue in queues:
        for name in (queue.name, queue.dead, *retry_queues(queue.name)):
            try:
                await ask(channel.queue_declare(name, passive=True))
            except Unavailable:
                if channel.is_open:
                    raise
                channel = await opened()  # raises if it was the connection that ended
                missing.append(queue.name)
                break
    channel.close()
    return missing


async def depth(ask: Ask, channel: Channel, name: str) -> tuple[int, int]:
    """How many messages are ready in a queue, and how many consumers it has. A missing queue closes the channel: it is
    not declared in passing, or its loss would go unnoticed."""
    frame = await ask(channel.queue_declare(name, passive=True))
    return int(frame.method.message_count), int(frame.method.consumer_count)


async def _declare(ask: Ask, channel: Channel, name: str, back_to: str = "", longest: float = 0.0) -> None:
    arguments: dict[str, Any] = dict(_QUORUM)
    if back_to:
        arguments |= {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": back_to,
            "x-dead-letter-strategy": "at-least-once",
            "x-message-ttl": int(longest * 1000),
            "x-overflow": "reject-publish",  # that strategy requires it; no limit is set that could be reached
        }
    await ask(channel.queue_declare(name, durable=True, arguments=arguments))
