"""A subject of the market: a folder whose ``subject.py`` declares, on one screen, everything that the processes take from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from harvestd.kernel.events import Data
from harvestd.kernel.topology import Queue
from harvestd.market.long_work.kinds import LongWork
from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.routes import Route


@attrs.frozen(kw_only=True)
class Subject:
    """``events`` are the types that it records, with the types of their payloads; ``handlers`` process the events of its queues.
    ``listeners`` react, in the same transaction, to happenings in an earlier subject, by their types;
    ``long_work`` are its kinds of operations."""

    name: str
    routes: tuple[Route, ...] = ()
    events: Mapping[str, type[Data]] = attrs.field(factory=dict)
    handlers: Mapping[Queue, QueueHandlers] = attrs.field(factory=dict)
    periodic: tuple[Periodic, ...] = ()
    long_work: tuple[LongWork, ...] = ()
    listeners: Mapping[type, Callable[[UnitOfWork, Any], Awaitable[None]]] = attrs.field(factory=dict)
