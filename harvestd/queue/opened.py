"""This market's messages, decoded once for all queues of a process: most events go to four queues, and verifying a seal
and decoding costs as much as many effects do."""

from __future__ import annotations

import attrs

from harvestd.kernel.topology import Topology
from harvestd.queue.envelope import Envelope, decode
from harvestd.queue.seals import EventSeals

#: The number of recent messages cached, and the largest one cached, in bytes: the queues of a process are close together in time.
MAX, LONGEST = 1_000, 16_384


@attrs.frozen
class Sealed:
    """An event, shared by all queues and therefore never modified, and what is wrong with its data (empty: nothing)."""

    event: Envelope
    fault: str


class Opened:
    """One per process, shared by its consumers. ``secret`` is the market's."""

    def __init__(self, topology: Topology, secret: str) -> None:
        self._topology = topology
        self._seals = EventSeals(secret)
        self._known: dict[bytes, Sealed] = {}

    def open(self, body: bytes) -> Sealed | None:
        """The event in ``body``; None unless all of it was sealed with the secret."""
        sealed = self._known.get(body)
        if sealed is None and self._seals.genuine(body):
            sealed = looked_into(self._topology, decode(body))
            if len(body) <= LONGEST:
                self._known[body] = sealed
                if len(self._known) > MAX:
                    del self._known[next(iter(self._known))]
        return sealed


def looked_into(topology: Topology, event: Envelope) -> Sealed:
    """The event with the result of validating its data."""
    return Sealed(event, topology.fault(event.type, event.data))
