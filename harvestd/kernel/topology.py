"""The queues, what each binds, and how a failed message comes back. Read by both brokers."""

from __future__ import annotations

from functools import lru_cache

import attrs

EXCHANGE = "harvest_hub"

#: Seconds before each further try of a failed message; after the last it goes to ``<queue>.dead`` with its cause.
RETRY_DELAYS: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0, 600.0)
#: A delay is drawn from ``delay * (1 ± RETRY_JITTER)``, so that what failed together does not return together.
RETRY_JITTER = 0.2


@attrs.frozen
class Queue:
    """A durable queue. ``binds`` are AMQP topic patterns: ``*`` is one word, ``#`` any number of them."""

    name: str
    binds: tuple[str, ...]
    prefetch: int

    @property
    def dead(self) -> str:
        """The name under which its dead letters are listed."""
        return f"{self.name}.dead"


QUEUES: tuple[Queue, ...] = (
    Queue("harvest.orders", ("order.created", "order.updated", "order.cancelled", "order.expired"), 50),
    Queue(
        "harvest.search",
        ("product.created", "product.updated", "product.deleted", "rating.created", "farm.updated", "category.updated"),
        200,
    ),
    Queue("harvest.cache", ("cache.invalidate", "product.*", "order.*", "farm.updated", "category.updated"), 200),
    Queue(
        "harvest.notifications",
        ("order.*", "payment.*", "rating.created", "comment.created", "notification.send", "account.*"),
        200,
    ),
    Queue("harvest.analytics", ("*.viewed", "order.*", "payment.*", "search.performed"), 200),
)


def matches(pattern: str, routing_key: str) -> bool:
    """Whether an AMQP topic ``pattern`` takes ``routing_key`` (AMQP 0-9-1, 3.1.3.3)."""
    return _matches(pattern.split("."), routing_key.split("."))


def _matches(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_matches(pattern[1:], words[i:]) for i in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _matches(pattern[1:], words[1:])


@lru_cache(256)
def queues_for(routing_key: str) -> tuple[str, ...]:
    """The names of the queues that a message with ``routing_key`` goes to."""
    return tuple(q.name for q in QUEUES if any(matches(b, routing_key) for b in q.binds))
