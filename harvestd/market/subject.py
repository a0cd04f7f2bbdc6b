"""What a subject of the market is: a folder, and its one screen, ``subject.py``, with all that the processes have of it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.web.routes import Route


@attrs.frozen(kw_only=True)
class Subject:
    """``handlers`` are by queue; a queue has one subject."""

    name: str
    routes: tuple[Route, ...] = ()
    handlers: Mapping[str, QueueHandlers] = attrs.field(factory=dict)
    periodic: tuple[Periodic, ...] = ()
