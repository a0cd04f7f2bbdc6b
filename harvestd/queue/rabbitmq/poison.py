"""What a consumer has in hand, and what becomes of it.

A poison message, which ends its consumer (a crash, not an error), comes back for ever, and with it whatever was in hand or on its
way beside it: quorum queues count those returns alike, as they do an orderly stop and a connection that breaks. So what came back
:data:`SUSPECT` times is handled alone, after the others, and each such trial is written down before it begins (``Trials``).
What was tried least comes first; what was tried :data:`DEADLY` times without an outcome is a dead letter.
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
    """How often messages were handled alone and nobody lived to tell; ``Unavailable`` when that cannot be known."""

    async def tried(self, queue: str, ids: Sequence[str]) -> Mapping[str, int]:
        """By id; those that never were may be left out."""

    async def begin(self, queue: str, *ids: str) -> None:
        """Before they are handled."""

    async def end(self, queue: str, *ids: str) -> None:
        """They have an outcome."""


@attrs.frozen
class InHand:
    """``tag`` is the channel's number for it; ``returns`` counts how often it came back without an outcome since it was put
    into its queue."""

    tag: int
    delivery: Delivery
    returns: int

    @classmethod
    def of(cls, queue: str, received: Any) -> InHand:
        """From pika's ``ReceivedMessage``, whoever published it."""
        delivery = messages.delivery_of(queue, received)
        return cls(received.method.delivery_tag, delivery, messages.returns_of(received))

    @property
    def id(self) -> str:
        """The message's."""
        return self.delivery.message.id

    @property
    def suspect(self) -> bool:
        """Whether it may be what ends its consumers."""
        return self.returns >= SUSPECT


def lots(hand: Iterable[InHand], tried: Mapping[str, int]) -> list[list[InHand]]:
    """What is handled together, in this order; ``tried`` is how often suspects were tried alone."""
    trusted: list[InHand] = []
    suspects: list[InHand] = []
    for one in hand:
        (suspects if one.suspect else trusted).append(one)
    suspects.sort(key=lambda one: (tried.get(one.id, 0), one.id))
    return ([trusted] if trusted else []) + [[one] for one in suspects]


def sentence(times: int) -> Dropped | None:
    """The outcome of what was tried so often, None if it is tried once more."""
    return (
        Dropped(f"poison message: each of its {times} consumers died while handling it alone")
        if times >= DEADLY
        else None
    )


def moved(one: InHand, outcome: Outcome, queue: Queue, scale: float) -> Publication:
    """Where it goes that was not handled: to a retry queue (``scale`` is ``queue_retry_scale``), or the dead letters."""
    assert isinstance(outcome, Retried | Dropped), outcome
    step = next_step(one.delivery.attempts, outcome, random.random(), scale)
    if isinstance(step, Dead):
        return messages.dead(one.delivery, queue.dead, step.cause)
    return messages.again(one.delivery, step.delay)
