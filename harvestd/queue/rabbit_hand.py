"""What a consumer has in hand, and what becomes of it.

A message that ends its consumer (a crash, not an error) comes back for ever, and with it whatever was in hand beside it.
Quorum queues count how often a message came back:

==============================  ==========================================================================================
came back without an outcome    it is
==============================  ==========================================================================================
less than :data:`SUSPECT`       handled with the others
:data:`SUSPECT` times           handled alone, after the others; the suspects in the order of their ids, and the next time
                                in the reverse: so those before the culprit get through, then those behind it
:data:`QUARANTINE` times        not handled: it waits in a retry queue as if it had failed, and is a suspect from then on
:data:`DEADLY` times in all     a dead letter
==============================  ==========================================================================================

An orderly stop, or a connection that breaks, counts too: AMQP does not tell them apart.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import attrs

from harvestd.interfaces import Delivery, Dropped, Outcome, Retried
from harvestd.queue import rabbit_messages as messages
from harvestd.queue.rabbit_messages import Publication
from harvestd.queue.retry import Dead, next_step
from harvestd.queue.topology import Queue

SUSPECT, QUARANTINE, DEADLY = 2, 4, 8


@attrs.frozen
class InHand:
    """``tag`` is the channel's number for it; ``returns`` counts how often it came back without an outcome since it was put
    into its queue, ``deaths`` those of its earlier tries."""

    tag: int
    delivery: Delivery
    returns: int
    deaths: int

    @classmethod
    def of(cls, queue: str, received: Any) -> InHand:
        """From pika's ``ReceivedMessage``, whoever published it."""
        delivery = messages.delivery_of(queue, received)
        return cls(received.method.delivery_tag, delivery, messages.returns_of(received), messages.deaths_of(received))

    @property
    def suspect(self) -> bool:
        """Whether it may be what ends its consumers."""
        return self.returns >= SUSPECT or self.deaths > 0


def lots(hand: Iterable[InHand]) -> list[list[InHand]]:
    """What is handled together, in this order."""
    trusted: list[InHand] = []
    suspects: list[InHand] = []
    for one in hand:
        (suspects if one.suspect else trusted).append(one)
    backwards = max((one.returns for one in suspects), default=0) % 2 == 1
    suspects.sort(key=lambda one: one.delivery.message.id, reverse=backwards)
    return ([trusted] if trusted else []) + [[one] for one in suspects]


def sentence(one: InHand) -> Outcome | None:
    """The outcome of what is not even tried, else None."""
    if one.returns < QUARANTINE:
        return None
    ends = one.deaths + one.returns
    cause = f"it came back {ends} times without an outcome: whoever had it in hand ended"
    return Dropped(cause) if ends >= DEADLY else Retried(cause)


def moved(one: InHand, outcome: Outcome, queue: Queue, scale: float) -> Publication:
    """Where it goes that was not handled: to a retry queue (``scale`` is ``queue_retry_scale``), or the dead letters."""
    assert isinstance(outcome, Retried | Dropped), outcome
    step = next_step(one.delivery.attempts, outcome, random.random(), scale)
    if isinstance(step, Dead):
        return messages.dead(one.delivery, queue.dead, step.cause)
    return messages.again(one.delivery, one.deaths + one.returns, step.delay)
