"""Which events go to which queues, and how a failed message comes back. Read by both brokers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from harvestd.kernel.events import ANNOUNCED, Data, unfit

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


def matches(pattern: str, routing_key: str) -> bool:
    """Whether an AMQP topic ``pattern`` takes ``routing_key`` (AMQP 0-9-1, 3.1.3.3)."""
    return _matches(pattern.split("."), routing_key.split("."))


def _matches(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_matches(pattern[1:], words[i:]) for i in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _matches(pattern[1:], words[1:])


class Topology:
    """Which types of event there are, and which queue gets which of them: the sum of what the subjects say (``tables.TOPOLOGY``)."""

    def __init__(self, events: Mapping[str, type[Data]], queues: Sequence[Queue]) -> None:
        self.events: dict[str, type[Data]] = {**dict.fromkeys(ANNOUNCED, Data), **events}
        self.queues = {queue.name: queue for queue in queues}
        self._bound = {type: self._binding(type) for type in self.events}

    def queues_for(self, routing_key: str) -> tuple[str, ...]:
        """The names of the queues that a message with ``routing_key`` goes to."""
        bound = self._bound.get(routing_key)
        return self._binding(routing_key) if bound is None else bound

    def types_for(self, queue: str) -> tuple[str, ...]:
        """The types of event that go to a queue."""
        return tuple(type for type, names in self._bound.items() if queue in names)

    @property
    def bindings(self) -> list[tuple[str, str]]:
        """Each type of event with each queue that it goes to."""
        return [(type, queue) for type, queues in self._bound.items() for queue in queues]

    def queue(self, name: str) -> Queue:
        """A queue by its name; raises ``ValueError`` where there is none."""
        found = self.queues.get(name)
        if found is None:
            raise ValueError(f"no queue {name!r}: the topology has {', '.join(self.queues)}")
        return found

    def fault(self, type: str, data: object) -> str:
        """What is wrong with the data of an event of this type, in words; empty when nothing is."""
        struct = self.events.get(type)
        return f"no subject has events of type {type!r}" if struct is None else unfit(type, data, struct)

    def _binding(self, routing_key: str) -> tuple[str, ...]:
        return tuple(q.name for q in self.queues.values() if any(matches(b, routing_key) for b in q.binds))
