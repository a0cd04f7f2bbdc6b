"""What the events of farms carry."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.events import Data


class FarmUpdated(Data, frozen=True, kw_only=True):
    """A farm changed, with the names of what did."""

    farm_id: UUID
    changed: tuple[str, ...]
