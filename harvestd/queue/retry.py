"""What happens to an unhandled message: when it is retried, or why it never is. Pure; used by both brokers.

A handler reports its outcome by how it ends: a return is done, :class:`Retry` is later, :class:`Drop` is never.
"""

from __future__ import annotations

import attrs
import msgspec

from harvestd.interfaces import Dropped, Outcome, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import RETRY_DELAYS, RETRY_JITTER

#: Longest cause kept with a dead letter, in characters.
CAUSE_LENGTH = 2000


class Retry(Exception):
    """Raised by a handler: not now, for this cause; the message is redelivered after a delay."""


class Drop(Exception):
    """Raised by a handler: this can never succeed, for this cause; the message goes to the dead letters."""


@attrs.frozen
class Again:
    """Try again after ``delay`` seconds."""

    delay: float


@attrs.frozen
class Dead:
    """Give up; ``cause`` is recorded in the dead letter."""

    cause: str


def next_step(attempts: int, outcome: Retried | Dropped, chance: float, scale: float = 1.0) -> Again | Dead:
    """The next step of a message that was tried ``attempts`` times before this try.

    ``chance`` is a random number in [0, 1) that spreads the delay over ±``RETRY_JITTER``; ``scale`` is the setting ``queue_retry_scale``.
    """
    if isinstance(outcome, Dropped):
        return Dead(_plain(outcome.cause))
    if attempts >= len(RETRY_DELAYS):
        return Dead(_plain(f"failed {attempts + 1} times, the last: {outcome.cause}"))
    return Again(RETRY_DELAYS[attempts] * scale * (1 + RETRY_JITTER * (2 * chance - 1)))


def outcome_of(error: Exception) -> tuple[Outcome, bool]:
    """The outcome for a handler's exception, and whether it was expected (otherwise its traceback is logged)."""
    name, text = type(error).__name__, str(error)
    match error:
        case Retry() | Unavailable():
            return Retried(text or name), True
        case Drop():
            return Dropped(text or name), True
        case msgspec.DecodeError():
            return Dropped(f"cannot be decoded: {text}"), True
        case _:
            return Retried(f"{name}: {text}"), False


def _plain(cause: str) -> str:
    """The cause in a form that PostgreSQL and an AMQP header can both hold: bounded, without NUL and lone surrogates."""
    return cause.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:CAUSE_LENGTH]
