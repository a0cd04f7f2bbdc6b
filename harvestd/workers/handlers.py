"""The handlers: what each queue's consumer does with each event, and what is done from time to time."""

from __future__ import annotations

from harvestd.workers import analytics, cache, expiry, housekeeping, mails, notifications, orders, search
from harvestd.workers.work import Periodic, QueueHandlers

HANDLERS: dict[str, QueueHandlers] = {
    "harvest.orders": QueueHandlers(bulk=orders.sell),
    "harvest.search": QueueHandlers(bulk=search.index),
    "harvest.cache": QueueHandlers(bulk=cache.drop),
    "harvest.analytics": QueueHandlers(bulk=analytics.count),
    "harvest.notifications": QueueHandlers(
        each={"account.registered": notifications.welcome}, bulk=notifications.order
    ),
}

PERIODIC: tuple[Periodic, ...] = (
    Periodic("mails", 1.0, mails.deliver),
    Periodic("expiry", 1.0, expiry.release),
    Periodic("renewals", 1.0, search.renew),
    Periodic("search", 0.2, search.catch_up),
    Periodic("housekeeping", 600.0, housekeeping.tidy),
)
