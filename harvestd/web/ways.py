"""How the goods reach the buyer: checking what an order asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harvestd.market.errors import Invalid
from harvestd.market.orders import OnSale
from harvestd.store import farms
from harvestd.web.call import Call
from harvestd.web.shapes.orders import FulfilmentIn


async def checked(call: Call, way: FulfilmentIn | None, shelf: Iterable[OnSale]) -> dict[str, Any]:
    """The way as it is stored with the order; raises :class:`Invalid` naming what is missing or not there."""
    if way is None:
        return {"method": "pickup"}
    if way.market_day_id is not None:
        raise Invalid.of("fulfilment.market_day_id", "there is no such market day")
    address = (way.address or "").strip()
    if way.method == "delivery" and not address:
        raise Invalid.of("fulfilment.address", "is needed for delivery")
    if way.method == "delivery" and way.pickup_point_id is not None:
        raise Invalid.of("fulfilment.pickup_point_id", "goes with the method pickup")
    stored: dict[str, Any] = {"method": way.method}
    if address:
        stored["address"] = address
    if way.pickup_point_id is not None:
        stored["pickup_point"] = await _pickup_point(call, way.pickup_point_id, {product.farm_id for product in shelf})
    return stored


async def _pickup_point(call: Call, point_id: str, farm_ids: set[str]) -> dict[str, Any]:
    for farm_id in sorted(farm_ids):
        farm = await farms.find(call.tx, farm_id)
        for point in farm.pickup_points if farm else []:
            if point["id"] == point_id:
                return point
    raise Invalid.of("fulfilment.pickup_point_id", "is no pick-up point of the farms in this order")
