"""The whole market on one screen: its subjects in order, each using only earlier ones; the tables of routes, of queue
handlers and of periodic tasks are their sums."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from harvestd.kernel.topology import Topology
from harvestd.market.long_work.kinds import LongWork
from harvestd.market.subject import Subject
from harvestd.queue.work import Due, Periodic, QueueHandlers
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.routes import Route

#: Their folders in ``market/``.
NAMES = (
    "long_work",
    "accounts",
    "groups",
    "farms",
    "catalogue",
    "pictures",
    "feeds",
    "search",
    "days",
    "pricing",
    "carts",
    "orders",
    "notifications",
    "analytics",
    "operations",
)

SUBJECTS: tuple[Subject, ...] = tuple(import_module(f"harvestd.market.{name}.subject").SUBJECT for name in NAMES)

#: In the order of the contract.
ROUTES: tuple[Route, ...] = tuple(route for subject in SUBJECTS for route in subject.routes)
#: The handlers of each queue's events.
HANDLERS: dict[str, QueueHandlers] = {
    queue.name: handlers for subject in SUBJECTS for queue, handlers in subject.handlers.items()
}
#: The event types, and the queues that they go to.
TOPOLOGY = Topology(
    {type: data for subject in SUBJECTS for type, data in subject.events.items()},
    [queue for subject in SUBJECTS for queue in subject.handlers],
)
#: The periodic tasks.
PERIODIC: tuple[Periodic, ...] = tuple(periodic for subject in SUBJECTS for periodic in subject.periodic)
#: Those of what is due by the market's clock, which moving it runs.
DUES: tuple[Due, ...] = tuple(one for one in PERIODIC if isinstance(one, Due))
#: The kinds of operations, by name.
LONG_WORK: dict[str, LongWork] = {kind.name: kind for subject in SUBJECTS for kind in subject.long_work}
#: The listeners in a unit of work, by the type of happening, in the order of the subjects.
LISTENERS: dict[type, list[Callable[[UnitOfWork, Any], Awaitable[None]]]] = {}
for _subject in SUBJECTS:
    for _happening, _listener in _subject.listeners.items():
        LISTENERS.setdefault(_happening, []).append(_listener)
