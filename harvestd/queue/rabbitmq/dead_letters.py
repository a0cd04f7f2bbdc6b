"""Dead letters by AMQP alone: they are taken without acknowledgement, looked at, and put back.

So other readers see fewer meanwhile; within one process they take turns, across processes they do not. A look goes no
further than :data:`FURTHEST` letters: later ones are reached once earlier ones are replayed or discarded.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import DeferredLock

from harvestd.interfaces import DeadLetter
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Queue
from harvestd.queue.rabbitmq import messages
from harvestd.queue.rabbitmq.publisher import Held, Publisher
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection, close

FURTHEST = 10_000


class DeadLetters:
    """The dead letters of every queue."""

    def __init__(self, link: ReconnectingConnection, publisher: Publisher) -> None:
        self._link = link
        self._publisher = publisher
        self._turn = DeferredLock()

    async def oldest(self, queue: Queue, limit: int) -> list[DeadLetter]:
        """Up to ``limit``, and no more than :data:`FURTHEST`."""
        found: list[DeadLetter] = []
        await self._turn.acquire()
        try:
            channel = await self._link.channel()
            try:
                while len(found) < min(limit, FURTHEST):
                    received = await self._link.ask(channel.basic_get(queue.dead))
                    if received is None:
                        break
                    found.append(messages.letter_of(queue.name, received))
            finally:
                await self._close(channel)
        finally:
            self._turn.release()
        return found

    async def replay(self, queue: Queue, id: str) -> bool:
        """Put it back into its queue, confirmed there before it is removed here; False if it does not exist."""
        return await self._remove(queue, id, replayed=True)

    async def discard(self, queue: Queue, id: str) -> bool:
        """Delete it; False if it does not exist."""
        return await self._remove(queue, id, replayed=False)

    async def _remove(self, queue: Queue, id: str, replayed: bool) -> bool:
        await self._turn.acquire()
        try:
            channel = await self._link.channel()
            try:
                letter, tag = await self._find(channel, queue, id)
                if letter is None:
                    return False
                if replayed:
                    [held] = await self._publisher.publish([messages.replay(letter)])
                    if held is not Held.CONFIRMED:
                        await self._publisher.redeclare()
                        raise Unavailable(f"RabbitMQ did not take it back into {queue.name}: try again")
                channel.basic_ack(tag)
                return True
            finally:
                await self._close(channel)
        finally:
            self._turn.release()

    async def _find(self, channel: Any, queue: Queue, id: str) -> tuple[DeadLetter | None, int]:
        for _ in range(FURTHEST):
            received = await self._link.ask(channel.basic_get(queue.dead))
            if received is None:
                break
            letter = messages.letter_of(queue.name, received)
            if letter.id == id:
                return letter, received.method.delivery_tag
        return None, 0

    async def _close(self, channel: Any) -> None:
        """Close the channel, which requeues everything unacknowledged. The next reader finds it there: a get is one of
        the queue's own ordered commands, and is processed after the requeue."""
        if channel.is_open:
            channel.basic_nack(0, multiple=True, requeue=True)
            await close(self._link, channel)
