"""What is read of farms to decide how their goods reach a buyer, and what that costs: once in a transaction, for however many orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from harvestd.market.farms import rows as farms
from harvestd.store.postgres.statements import Reader


@attrs.define
class FarmsRead:
    """The pick-up points of farms, and where and on which terms they deliver, as :mod:`farms.rows` has both; what has been read of a farm is not read again."""

    _reader: Reader
    _points: dict[str, Sequence[Mapping[str, Any]]] = attrs.field(factory=dict)
    _areas: dict[str, dict[str, Any] | None] = attrs.field(factory=dict)

    async def points(self, farm_ids: Sequence[str]) -> dict[str, Sequence[Mapping[str, Any]]]:
        """The pick-up points of each farm."""
        if new := [id for id in farm_ids if id not in self._points]:
            found = await farms.pickup_points(self._reader, new)
            self._points.update({id: found.get(id, ()) for id in new})
        return {id: self._points[id] for id in farm_ids}

    async def areas(self, farm_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Where each farm delivers, of those that say so."""
        if new := [id for id in farm_ids if id not in self._areas]:
            found = await farms.deliveries(self._reader, new)
            self._areas.update({id: found.get(id) for id in new})
        return {id: areas for id in farm_ids if (areas := self._areas[id]) is not None}
