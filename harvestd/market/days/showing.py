"""Parts of windows as the contract shows them, wherever they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from harvestd.kernel.quantities import shown as quantity
from harvestd.market.days.window_rules import GRAMS, Capacity, Measures
from harvestd.market.days.window_shapes import CapacityOut, Taken, WindowArea
from harvestd.market.farms.delivery_shapes import PickupPoint


def point(stored: Mapping[str, Any] | None) -> PickupPoint | None:
    """A pick-up point as it is stored, and shown."""
    return None if stored is None else msgspec.convert(stored, PickupPoint)


def area(stored: Mapping[str, Any] | None) -> WindowArea | None:
    """An area as it is stored, and shown."""
    return None if stored is None else msgspec.convert(stored, WindowArea)


def capacity(holds: Capacity) -> CapacityOut:
    """What a window, or a point, holds."""
    weight = None if holds.grams is None else kilograms(holds.grams)
    return CapacityOut(orders=holds.orders, crates=holds.crates, weight_kg=weight)


def taken(measures: Measures) -> Taken:
    """So much as is taken of it."""
    return Taken(orders=measures.orders, crates=measures.crates, weight_kg=kilograms(measures.grams))


def kilograms(grams: int) -> str:
    """Grams as the contract shows a weight."""
    return quantity(Decimal(grams) / GRAMS)
