"""Routing of events to queues, and redelivery of failed messages. Used by both brokers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from harvestd.kernel.events import ANNOUNCED, Data, unfit

EXCHANGE = "harvest_hub"

#: Backoff: seconds before each retry of a failed message; after the last it is dead-lettered to ``<queue>.dead`` with its cause.
RETRY_DELAYS: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0, 600.0)
#: A delay is drawn from ``delay * (1 ± RETRY_JITTER)``, so that messages that failed together are not retried together.
RETRY_JITTER = 0.2


@attrs.frozen
class Queue:
    """A durable queue. ``binds`` are AMQP topic patterns: ``*`` is one word, ``#`` any number of them."""

    name: str
    binds: tuple[str, ...]
    prefetch: int

    @property
    def dead(self) -> str:
        """The name of its dead letter queue."""
        return f"{self.name}.dead"


def matches(pattern: str, routing_key: str) -> bool:
    """Whether an AMQP topic ``pattern`` matches ``routing_key`` (AMQP 0-9-1, 3.1.3.3)."""
    return _matches(pattern.split("."), routing_key.split("."))


def _matches(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_matches(pattern[1:], words[i:]) for i in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _matches(pattern[1:], words[1:])


class Topology:
    """The event types and the queues bound to them: the sum of the subjects' declarations (``tables.TOPOLOGY``)."""

    def __init__(self, events: Mapping[str, type[Data]], queues: Sequence[Queue]) -> None:
        self.events: dict[str, type[Data]] = {**dict.fromkeys(ANNOUNCED, Data), **events}
        self.queues = {queue.name: queue for queue in queues}
        self._bound = {type: self._binding(type) for type in self.events}

    def queues_for(self, routing_key: str) -> tuple[str, ...]:
        """The names of the queues bound to ``routing_key``."""
        bound = self._bound.get(routing_key)
        return self._binding(routing_key) if bound is None else bound

    def types_for(self, queue: str) -> tuple[str, ...]:
        """The event types that a queue binds."""
        return tuple(type for type, names in self._bound.items() if queue in names)

    @property
    def bindings(self) -> list[tuple[str, str]]:
        """Each event type with each queue bound to it."""
        return [(type, queue) for type, queues in self._bound.items() for queue in queues]

    def queue(self, name: str) -> Queue:
        """A queue by its name; raises ``ValueError`` if there is none."""
        found = self.queues.get(name)
        if found is None:
            raise ValueError(f"no queue {name!r}: the topology has {', '.join(self.queues)}")
        return found

    def fault(self, type: str, data: object) -> str:
        """The error in the data of an event of this type, in words; empty if there is none."""
        struct = self.events.get(type)
        return f"no subject has events of type {type!r}" if struct is None else unfit(type, data, struct)

    def _binding(self, routing_key: str) -> tuple[str, ...]:
        return tuple(q.name for q in self.queues.values() if any(matches(b, routing_key) for b in q.binds))
