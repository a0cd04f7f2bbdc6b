"""What handles a queue's events, and what is done from time to time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs

from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope
from harvestd.store.leases import GoingOn
from harvestd.unit_of_work import UnitOfWork

#: Handles one event: return = done, raise ``Retry("why")`` = later, ``Drop("why")`` = dead letter. Events may come
#: out of order, never twice.
Handle = Callable[[UnitOfWork, Envelope], Awaitable[None]]
#: Handles several at once, in the order in which they came; if it raises, it is called for each alone.
Bulk = Callable[[UnitOfWork, Sequence[Envelope]], Awaitable[None]]


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
