"""Payloads of the farm events."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.events import Data


class FarmUpdated(Data, frozen=True, kw_only=True):
    """A farm changed, with the names of the changed fields."""

    farm_id: UUID
    changed: tuple[str, ...]
