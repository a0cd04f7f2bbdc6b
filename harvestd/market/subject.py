"""What a subject of the market is: a folder, and its one screen, ``subject.py``, with all that the processes have of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from harvestd.kernel.events import Data
from harvestd.kernel.topology import Queue
from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.routes import Route


@attrs.frozen(kw_only=True)
class Subject:
    """``events`` are the types that it records, with what their data is; ``handlers`` what it does with the events of its queues. ``listeners`` are by what happens in a subject before it: what this one does with
    it, in the same transaction."""

    name: str
    routes: tuple[Route, ...] = ()
    events: Mapping[str, type[Data]] = attrs.field(factory=dict)
    handlers: Mapping[Queue, QueueHandlers] = attrs.field(factory=dict)
    periodic: tuple[Periodic, ...] = ()
    listeners: Mapping[type, Callable[[UnitOfWork, Any], Awaitable[None]]] = attrs.field(factory=dict)
