"""Operations: health, metrics, the contract, and the tidying up."""

from __future__ import annotations

from harvestd.market.operations import handlers, housekeeping
from harvestd.market.operations.routes import SYSTEM
from harvestd.market.subject import Subject
from harvestd.queue.work import Periodic, QueueHandlers

SUBJECT = Subject(
    name="operations",
    routes=SYSTEM,
    handlers={"harvest.cache": QueueHandlers(bulk=handlers.drop)},
    periodic=(Periodic("housekeeping", 600.0, housekeeping.tidy),),
)  # fmt: skip
