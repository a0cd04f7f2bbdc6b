"""The whole market on one screen: its subjects in order, each using only earlier ones; the tables of routes, of queue
handlers and of periodic tasks are their sums."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from harvestd.kernel.topology import Topology
from harvestd.market.accounts.subject import SUBJECT as accounts
from harvestd.market.analytics.subject import SUBJECT as analytics
from harvestd.market.carts.subject import SUBJECT as carts
from harvestd.market.catalogue.subject import SUBJECT as catalogue
from harvestd.market.farms.subject import SUBJECT as farms
from harvestd.market.notifications.subject import SUBJECT as notifications
from harvestd.market.operations.subject import SUBJECT as operations
from harvestd.market.orders.subject import SUBJECT as orders
from harvestd.market.search.subject import SUBJECT as search
from harvestd.market.subject import Subject
from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.routes import Route

SUBJECTS: tuple[Subject, ...] = (
    accounts,
    farms,
    catalogue,
    search,
    carts,
    orders,
    notifications,
    analytics,
    operations,
)

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
#: The listeners in a unit of work, by the type of happening, in the order of the subjects.
LISTENERS: dict[type, list[Callable[[UnitOfWork, Any], Awaitable[None]]]] = {}
for _subject in SUBJECTS:
    for _happening, _listener in _subject.listeners.items():
        LISTENERS.setdefault(_happening, []).append(_listener)
