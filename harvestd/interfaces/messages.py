"""Events between processes: messages, queues and the broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import attrs
from zope.interface import Attribute, Interface


@attrs.frozen
class Message:
    """What goes into a broker. ``type`` is the routing key; ``id`` (a UUID) stays the same over every redelivery."""

    id: str
    type: str
    body: bytes


@attrs.frozen
class Delivery:
    """What comes out. ``attempts`` counts the earlier tries (0 at the first)."""

    message: Message
    queue: str
    attempts: int


@attrs.frozen
class Acked:
    """It is done."""


@attrs.frozen
class Retried:
    """Not now; ``cause`` says why. After the last delay it goes to the dead letters."""

    cause: str


@attrs.frozen
class Dropped:
    """Never; straight to the dead letters."""

    cause: str


Outcome = Acked | Retried | Dropped
Receive = Callable[[Sequence[Delivery]], Awaitable[Sequence[Outcome]]]


@attrs.frozen
class DeadLetter:
    """A message that was given up. ``id`` is the broker's own name for it, to replay or discard it by."""

    id: str
    queue: str
    message: Message
    attempts: int
    cause: str
    died_at: datetime


@attrs.frozen
class QueueState:
    """``ready`` wait to be taken, ``delayed`` for their next try, ``unacknowledged`` are in hand."""

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
        """Take no more, wait for what is in hand to be settled, and hand the rest back."""


class IBroker(Interface):
    """Durable queues by topic. At least once: a message is received again until it is acknowledged or dead."""

    async def start() -> None:
        """Connect and declare the topology; returns when usable or after a bounded wait, retrying behind."""

    async def stop() -> None:
        """Stop every subscription, then disconnect."""

    async def publish(messages: Sequence[Message]) -> Sequence[str]:
        """Put each message into every queue that binds its type; returns the ids that are now safely held.

        A message that no queue binds is held too (there is nobody to tell). What is not in the answer was not
        confirmed and must be published again. Raises ``Unavailable`` when the broker is out of reach.
        """

    async def consume(queue: str, prefetch: int, receive: Receive) -> ISubscription:
        """Receive the queue's messages in batches of up to ``prefetch``, one batch at a time.

        ``receive`` answers one outcome for each delivery, in order. If it raises, or the process dies, the whole batch
        is received again.
        """

    async def states() -> Sequence[QueueState]:
        """The state of every queue in the topology."""

    async def dead(queue: str, limit: int = 100) -> Sequence[DeadLetter]:
        """The oldest dead letters of a queue."""

    async def replay(queue: str, id: str) -> bool:
        """Put a dead letter back into its own queue alone, with no attempts counted; False if it is not there."""

    async def discard(queue: str, id: str) -> bool:
        """Delete a dead letter; False if it is not there."""
