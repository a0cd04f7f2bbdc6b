"""The types of queue handlers and of periodic tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import attrs

from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope
from harvestd.store.leases import GoingOn
from harvestd.unit_of_work import UnitOfWork

#: Handles one event: return = done, raise ``Retry("why")`` = later, ``Drop("why")`` = dead letter. Events may arrive
#: out of order, never twice.
Handle = Callable[[UnitOfWork, Envelope], Awaitable[None]]
#: Handles several at once, in order of arrival; if it raises, it is called for each alone.
Bulk = Callable[[UnitOfWork, Sequence[Envelope]], Awaitable[None]]


#: Does the part of an event's handling that takes long, or asks another process, outside of any transaction, and returns what the
#: transaction does. It may be done again for the same event. Raises as a ``Handle`` does.
Apart = Callable[[Parts, Envelope], Awaitable[Handle]]


@attrs.frozen
class QueueHandlers:
    """The handlers of a queue's consumer: ``each`` by event type, ``bulk`` for every other type that the queue binds; or, of a queue whose
    events take long, ``apart`` by event type.

    A type with neither is acknowledged and forgotten.
    """

    each: Mapping[str, Handle] = attrs.field(factory=dict)
    bulk: Bulk | None = None
    apart: Mapping[str, Apart] = attrs.field(factory=dict)


@attrs.frozen
class Periodic:
    """A task run every ``every`` seconds by one process at a time. An exception is logged, and the task goes on.

    ``run`` is given a callable to await between its steps: it renews the lease, and returns whether to go on.
    """

    name: str
    every: float
    run: Callable[[Parts, GoingOn], Awaitable[None]]


@attrs.frozen
class Due(Periodic):
    """A periodic task of what is due by the market's clock. ``next_due`` is the time from which ``run`` has something to do, None if there is nothing: whoever
    moves the clock goes from one such time to the next (``market/days/clock_actions.py``), so that each thing happens in order and at its time."""

    next_due: Callable[[Parts], Awaitable[datetime | None]] = attrs.field(kw_only=True)
