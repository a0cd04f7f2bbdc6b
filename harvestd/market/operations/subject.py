"""Operations: health, metrics, the contract, and housekeeping."""

from __future__ import annotations

from harvestd.kernel.events import Stale
from harvestd.kernel.topology import Queue
from harvestd.market.operations import blob_sweep, handlers, housekeeping
from harvestd.market.operations.routes import SYSTEM
from harvestd.market.subject import Subject
from harvestd.queue.work import Periodic, QueueHandlers

SUBJECT = Subject(
    name="operations",
    events={"cache.invalidate": Stale},
    routes=SYSTEM,
    handlers={Queue("harvest.cache", ("cache.invalidate", "product.*", "order.*", "farm.updated", "category.updated"), 200): QueueHandlers(bulk=handlers.drop)},
    periodic=(Periodic("housekeeping", 600.0, housekeeping.tidy), Periodic("blobs", 3600.0, blob_sweep.sweep)),
)  # fmt: skip
