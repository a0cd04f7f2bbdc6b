"""What is declared on RabbitMQ (3.10 or later), for the topology of ``tables.py``.

==========================  ==============================================================================================
``harvest_hub``             durable topic exchange
``harvest.orders``          quorum queue, bound to the exchange by each pattern
``harvest.orders.later.3``  quorum queue of those that wait for their fourth try; its end is ``harvest.orders``
``harvest.orders.dead``     quorum queue of the dead letters
==========================  ==============================================================================================

A message that waits has its delay as its own ``expiration``, so the arguments of the queues do not depend on a setting.
RabbitMQ expires messages at the head of a queue only, which is why there is one queue for each step: behind a head whose
chance was a long delay others wait for at most ``RETRY_JITTER`` of it, and those of one batch are queued with the shortest
first. A head that is none of ours, with a long expiration or none, holds up the others for as long as the queue lets any message
be there: the longest delay of its step that can be set. What expires goes on by the default exchange, at least once (the strategy keeps it until its queue confirms it).

The limit of deliveries is set out of reach: RabbitMQ 4 would otherwise throw away what came back 20 times, as dead letters
do that are looked at. What kills its consumers is counted by ``consumer.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import EXCHANGE, RETRY_DELAYS, RETRY_JITTER, Queue
from harvestd.queue.rabbitmq.connection import Channel
from harvestd.settings.table import MAX_RETRY_SCALE

_QUORUM = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000}
Ask = Callable[[Deferred[Any]], Awaitable[Any]]
#: Told of the queues of which something was lost, and of seconds: has what they had not handled sent again, so many from now.
Again = Callable[[Sequence[str], float], Awaitable[None]]
#: When that is done should whoever declares them die on the way; otherwise as soon as they are there.
DIED_ON_THE_WAY = 30.0


class Undeclared(Unavailable):
    """Something of the topology is there in another form, or the broker went while it was declared."""


def retry_queue(queue: str, attempts: int) -> str:
    """Where a message waits that was tried ``attempts`` times (1 or more)."""
    return f"{queue}.later.{attempts}"


def retry_queues(queue: str) -> list[str]:
    """All of them, the shortest delay first."""
    return [retry_queue(queue, attempts) for attempts in range(1, len(RETRY_DELAYS) + 1)]


def declared_exchange(channel: Channel) -> Deferred[Any]:
    """Asks for it as it has to be: one that is there in another form ends the channel."""
    return channel.exchange_declare(EXCHANGE, "topic", durable=True)  # type: ignore[no-any-return]


async def declare(ask: Ask, channel: Channel, queues: Sequence[Queue]) -> None:
    """Declare all that there is of ``queues``; what is there already stays as it is."""
    await ask(declared_exchange(channel))
    for queue in queues:
        await _declare(ask, channel, queue.name)
        for pattern in queue.binds:
            await ask(channel.queue_bind(queue.name, EXCHANGE, pattern))
        await _declare(ask, channel, queue.dead)
        for name, delay in zip(retry_queues(queue.name), RETRY_DELAYS, strict=True):
            await _declare(ask, channel, name, back_to=queue.name, longest=delay * (1 + RETRY_JITTER) * MAX_RETRY_SCALE)


async def restore(ask: Ask, opened: Callable[[], Awaitable[Channel]], again: Again, queues: Sequence[Queue]) -> Channel:
    """Declare all that there is of ``queues``, and have sent again what was lost with those that were not there: what is published
    until they are declared and bound is lost to them, too, however long that takes. Answers the channel; raises :class:`Undeclared`
    where the broker refuses, and ``Unavailable`` for whatever else goes wrong."""
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
    """The names of those of which something is not there; all, when the exchange is not, and their bindings with it. Each question about what is not there ends its channel, so ``opened``
    answers new ones. Raises ``Unavailable`` for whatever else goes wrong."""
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
                channel = await opened()  # which raises if it was the connection that ended
                missing.append(queue.name)
                break
    channel.close()
    return missing


async def depth(ask: Ask, channel: Channel, name: str) -> tuple[int, int]:
    """How many messages are ready in a queue, and how many consumers it has. One that is not there ends the channel: it is not
    declared by the way, or nobody would know that it was lost."""
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
            "x-overflow": "reject-publish",  # which that strategy asks for; there is no limit that could be reached
        }
    await ask(channel.queue_declare(name, durable=True, arguments=arguments))
