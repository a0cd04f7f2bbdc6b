"""What a worker's handler is given, and what a queue's row of the handlers table is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import attrs

from harvestd.kernel.events import Event
from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope
from harvestd.store import outbox
from harvestd.store.leases import GoingOn
from harvestd.store.postgres.database import Transaction


@attrs.frozen(eq=False)
class Work:
    """One transaction of a consumer. What a handler changes through ``tx`` is committed with the mark that the event was
    handled, or not at all; it may run again, so it changes nothing else that cannot be repeated."""

    parts: Parts
    tx: Transaction
    now: datetime

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return self.parts.new_id()

    async def record(self, events: Sequence[Event]) -> None:
        """Write events to the outbox; the relay is woken after the commit."""
        outbox.record(self.tx, events, self.parts.new_id, self.now)


#: Handles one event: return = done, raise ``Retry("why")`` = later, ``Drop("why")`` = dead letter. Events may come
#: out of order, never twice.
Handle = Callable[[Work, Envelope], Awaitable[None]]
#: Handles several at once, in the order in which they came; if it raises, it is called for each alone.
Bulk = Callable[[Work, Sequence[Envelope]], Awaitable[None]]


@attrs.frozen
class QueueHandlers:
    """What a queue's consumer does: ``each`` by event type, ``bulk`` for every other type that the queue binds.

    A type that neither handles is acknowledged and forgotten.
    """

    each: Mapping[str, Handle] = attrs.field(factory=dict)
    bulk: Bulk | None = None


@attrs.frozen
class Periodic:
    """Something done every ``every`` seconds by one process at a time. What it raises is logged, and it goes on.

    ``run`` is given what to ask between its steps: that renews the lease, and answers whether to go on."""

    name: str
    every: float
    run: Callable[[Parts, GoingOn], Awaitable[None]]
