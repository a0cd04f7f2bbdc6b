"""Analytics: daily totals of the market and of each farm."""

from __future__ import annotations

from harvestd.kernel.topology import Queue
from harvestd.market.analytics import handlers
from harvestd.market.subject import Subject
from harvestd.queue.work import QueueHandlers

SUBJECT = Subject(
    name="analytics",
    handlers={Queue("harvest.analytics", ("*.viewed", "order.*", "payment.*", "search.performed"), 200): QueueHandlers(bulk=handlers.count)},
)  # fmt: skip
