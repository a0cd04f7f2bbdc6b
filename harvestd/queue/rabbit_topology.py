"""What is declared on RabbitMQ (3.10 or later), for the table in ``topology.py``.

==========================  ==============================================================================================
``harvest_hub``             durable topic exchange
``harvest.orders``          quorum queue, bound to the exchange by each pattern
``harvest.orders.retry.3``  quorum queue of those that wait for their fourth try; its end is ``harvest.orders``
``harvest.orders.dead``     quorum queue of the dead letters
==========================  ==============================================================================================

A message that waits has its delay as its own ``expiration``, so the arguments of the queues do not depend on a setting.
RabbitMQ expires messages at the head of a queue only, which is why there is one queue for each step: behind a head whose
chance was a long delay others wait for at most ``RETRY_JITTER`` of it, and those of one batch are queued with the shortest
first. What expires goes on by the default exchange, at least once (the strategy keeps it until its queue confirms it).

The limit of deliveries is set out of reach: RabbitMQ 4 would otherwise throw away what came back 20 times, as dead letters
do that are looked at. What kills its consumers is counted by ``rabbit_consumer.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from harvestd.queue.rabbit_connection import Channel
from harvestd.queue.topology import EXCHANGE, QUEUES, RETRY_DELAYS, Queue

_QUORUM = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000}
Ask = Callable[[Deferred[Any]], Awaitable[Any]]


def retry_queue(queue: str, attempts: int) -> str:
    """Where a message waits that was tried ``attempts`` times (1 or more)."""
    return f"{queue}.retry.{attempts}"


def retry_queues(queue: str) -> list[str]:
    """All of them, the shortest delay first."""
    return [retry_queue(queue, attempts) for attempts in range(1, len(RETRY_DELAYS) + 1)]


async def declare(ask: Ask, channel: Channel, queues: Sequence[Queue] = QUEUES) -> None:
    """Declare all that there is of ``queues``; what is there already stays as it is."""
    await ask(channel.exchange_declare(EXCHANGE, "topic", durable=True))
    for queue in queues:
        await depth(ask, channel, queue.name)
        for pattern in queue.binds:
            await ask(channel.queue_bind(queue.name, EXCHANGE, pattern))
        await depth(ask, channel, queue.dead)
        for name in retry_queues(queue.name):
            await depth(ask, channel, name, back_to=queue.name)


async def depth(ask: Ask, channel: Channel, name: str, back_to: str = "") -> tuple[int, int]:
    """Declare one queue; answers how many messages are ready in it, and how many consumers it has."""
    arguments: dict[str, Any] = dict(_QUORUM)
    if back_to:
        arguments |= {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": back_to,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # which that strategy asks for; there is no limit that could be reached
        }
    frame = await ask(channel.queue_declare(name, durable=True, arguments=arguments))
    return int(frame.method.message_count), int(frame.method.consumer_count)
