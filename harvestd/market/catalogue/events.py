"""What the events of the catalogue carry."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.events import Data


class ProductChanged(Data, frozen=True, kw_only=True):
    """A catalogue change, with the names of what changed."""

    product_id: UUID
    farm_id: UUID
    changed: tuple[str, ...]


class CategoryUpdated(Data, frozen=True, kw_only=True):
    """A category changed, with the names of what did."""

    category_id: UUID
    changed: tuple[str, ...]
