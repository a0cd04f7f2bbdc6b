"""The messages in a consumer's hand, and how poison messages are found among them.

A poison message, which ends its consumer (a crash, not an error), is redelivered for ever, together with all messages
in hand or prefetched beside it: quorum queues count those redeliveries alike, and also those after a graceful shutdown
or a broken connection. So a message redelivered :data:`SUSPECT` times is handled alone, after the others, and each such
trial is recorded before it begins (``Trials``). The least tried come first; after :data:`DEADLY` trials without an
outcome the message is a dead letter.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from harvestd.interfaces import Delivery, Dropped, Outcome, Retried
from harvestd.kernel.topology import Queue
from harvestd.queue.rabbitmq import messages
from harvestd.queue.rabbitmq.messages import Publication
from harvestd.queue.retry import Dead, next_step

SUSPECT, DEADLY = 2, 4


class Trials(Protocol):
    """How often messages were handled alone without an outcome, because the process died; ``Unavailable`` when that cannot be known."""

    async def tried(self, queue: str, ids: Sequence[str]) -> Mapping[str, int]:
        """Counts by id; messages never tried may be left out."""

    async def begin(self, queue: str, *ids: str) -> None:
        """Record the trial, before the messages are handled."""

    async def end(self, queue: str, *ids: str) -> None:
        """Clear the trials: the messages have an outcome."""


@attrs.frozen
class InHand:
    """``tag`` is the channel's delivery tag; ``returns`` counts its redeliveries without an acknowledgement since it entered its queue."""

    tag: int
    delivery: Delivery
    returns: int

    @classmethod
    def of(cls, queue: str, received: Any) -> InHand:
        """From pika's ``ReceivedMessage``, from any publisher."""
        delivery = messages.delivery_of(queue, received)
        return cls(received.method.delivery_tag, delivery, messages.returns_of(received))

    @property
    def id(self) -> str:
        """The message's id."""
        return self.delivery.message.id

    @property
    def suspect(self) -> bool:
        """Whether it may be a poison message."""
        return self.returns >= SUSPECT


def lots(hand: Iterable[InHand], tried: Mapping[str, int]) -> list[list[InHand]]:
    """The messages grouped as they are handled, in this order; ``tried`` counts the earlier trials of suspects."""
    trusted: list[InHand] = []
    suspects: list[InHand] = []
    for one in hand:
        (suspects if one.suspect else trusted).append(one)
    suspects.sort(key=lambda one: (tried.get(one.id, 0), one.id))
    return ([trusted] if trusted else []) + [[one] for one in suspects]


def sentence(times: int) -> Dropped | None:
    """The outcome after so many trials; None if it is tried once more."""
    return (
        Dropped(f"poison message: each of its {times} consumers died while handling it alone")
        if times >= DEADLY
        else None
    )


def moved(one: InHand, outcome: Outcome, queue: Queue, scale: float) -> Publication:
    """The destination of an unhandled message: a retry queue (``scale`` is ``queue_retry_scale``), or the dead letters."""
    assert isinstance(outcome, Retried | Dropped), outcome
    step = next_step(one.delivery.attempts, outcome, random.random(), scale)
    if isinstance(step, Dead):
        return messages.dead(one.delivery, queue.dead, step.cause)
    return messages.again(one.delivery, step.delay)
