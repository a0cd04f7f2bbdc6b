"""Messaging between processes: messages, queues and the broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import attrs
from zope.interface import Attribute, Interface


@attrs.frozen
class Message:
    """A message to publish. ``type`` is the routing key; ``id`` (a UUID, for dedupe) is stable across redeliveries."""

    id: str
    type: str
    body: bytes


@attrs.frozen
class Delivery:
    """A delivered message. ``attempts`` counts the earlier attempts (0 at the first)."""

    message: Message
    queue: str
    attempts: int


@attrs.frozen
class Acked:
    """Outcome: handled, acknowledge it."""


@attrs.frozen
class Retried:
    """Outcome: retry later; ``cause`` says why. After the last delay it is dead-lettered."""

    cause: str


@attrs.frozen
class Dropped:
    """Outcome: never retry (poison message); dead-lettered at once."""

    cause: str


Outcome = Acked | Retried | Dropped
Receive = Callable[[Sequence[Delivery]], Awaitable[Sequence[Outcome]]]


@attrs.frozen
class DeadLetter:
    """A message that was given up. ``id`` is the broker's own identifier, to replay or discard it by."""

    id: str
    queue: str
    message: Message
    attempts: int
    cause: str
    died_at: datetime


@attrs.frozen
class QueueState:
    """``ready`` messages await delivery, ``delayed`` their next retry, ``unacknowledged`` are being handled."""

    name: str
    ready: int
    delayed: int
    unacknowledged: int
    dead: int
    consumers: int


class ISubscription(Interface):
    """One consumer of one queue."""

    consuming = Attribute("Whether messages would be received now (bool).")

    async def stop() -> None:
        """Receive no more, wait until messages being handled are settled, and return the rest to the queue."""


class IBroker(Interface):
    """Durable queues with topic routing. At-least-once delivery: a message is redelivered until acknowledged or dead."""

    async def start() -> None:
        """Connect and declare the topology; returns when usable or after a bounded wait, with retries in the background."""

    async def stop() -> None:
        """Stop every subscription, then disconnect."""

    async def publish(messages: Sequence[Message]) -> Sequence[str]:
        """Publish each message to every queue that binds its type; returns the ids that are confirmed durable.

        A message that no queue binds counts as confirmed, too (it has no consumer). Ids not returned were not confirmed and must
        be published again. Raises ``Unavailable`` if the broker is unreachable.
        """

    async def consume(queue: str, prefetch: int, receive: Receive) -> ISubscription:
        """Receive the queue's messages in batches of up to ``prefetch``, one batch at a time.

        ``receive`` returns one outcome per delivery, in order. If it raises, or the process dies, the whole batch is redelivered.
        """

    async def states() -> Sequence[QueueState]:
        """The state of every queue in the topology."""

    async def dead(queue: str, limit: int = 100) -> Sequence[DeadLetter]:
        """The oldest dead letters of a queue."""

    async def replay(queue: str, id: str) -> bool:
        """Put a dead letter back into its own queue only, with ``attempts`` reset; False if it does not exist."""

    async def discard(queue: str, id: str) -> bool:
        """Delete a dead letter; False if it does not exist."""
