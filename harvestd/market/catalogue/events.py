"""Payloads of the catalogue events."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.events import Data


class ProductChanged(Data, frozen=True, kw_only=True):
    """A change of the catalogue, with the names of the changed fields. A ``restricted`` one is of a product that not everybody may know of: it is for its
    farm, the market's staff and this program alone, never for subscribers."""

    product_id: UUID
    farm_id: UUID
    changed: tuple[str, ...]
    restricted: bool = False


class CategoryUpdated(Data, frozen=True, kw_only=True):
    """A category changed, with the names of the changed fields."""

    category_id: UUID
    changed: tuple[str, ...]
