"""Messages of this market, opened once for all queues of a process: most events go to four of them, and to look at a seal and into a
message costs as much as many an effect."""

from __future__ import annotations

import attrs

from harvestd.kernel.topology import Topology
from harvestd.queue.envelope import Envelope, decode
from harvestd.queue.seals import EventSeals

#: So many of the last messages are known, as far as none is longer than so many bytes: the queues of a process are not far apart.
MAX, LONGEST = 1_000, 16_384


@attrs.frozen
class Sealed:
    """An event, which all queues share, so nobody changes its data; and what is wrong with that (empty: nothing)."""

    event: Envelope
    fault: str


class Opened:
    """One for all consumers of a process. ``secret`` is the market's."""

    def __init__(self, topology: Topology, secret: str) -> None:
        self._topology = topology
        self._seals = EventSeals(secret)
        self._known: dict[bytes, Sealed] = {}

    def open(self, body: bytes) -> Sealed | None:
        """What these bytes, all of them, say; None unless they were sealed with the secret."""
        sealed = self._known.get(body)
        if sealed is None and self._seals.genuine(body):
            sealed = looked_into(self._topology, decode(body))
            if len(body) <= LONGEST:
                self._known[body] = sealed
                if len(self._known) > MAX:
                    del self._known[next(iter(self._known))]
        return sealed


def looked_into(topology: Topology, event: Envelope) -> Sealed:
    """With what is wrong with it."""
    return Sealed(event, topology.fault(event.type, event.data))
