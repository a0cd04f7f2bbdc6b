"""A window of a day as an order takes it, and what an order takes of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from harvestd.market.days.window_rules import Capacity, Measures


class Slot(msgspec.Struct, frozen=True):
    """A window of a day, with what an order has to know of both. ``leads`` are those of the farms that take part, by their ids; None: all do. ``farm_id`` is the farm
    whose pick-up point it is at, if it is one's; ``holds_minutes`` how long the day lets a quote hold."""

    id: str
    day_id: str
    day_name: str
    status: str
    opens_at: datetime
    closes_at: datetime
    leads: dict[str, int] | None
    method: str
    point: dict[str, Any] | None
    farm_id: str | None
    area: dict[str, Any] | None
    starts_at: datetime
    ends_at: datetime
    max_orders: int | None
    max_crates: int | None
    max_grams: int | None
    taken_orders: int
    taken_crates: int
    taken_grams: int
    holds_minutes: int
    closed_full: bool = False

    def hours(self, farm_id: str) -> Hours:
        """When it takes orders of a farm."""
        lead = (self.leads or {}).get(farm_id, 0)
        return Hours(self.status, self.opens_at, self.closes_at, self.starts_at, lead, self.closed_full)

    @property
    def capacity(self) -> Capacity:
        """What it holds."""
        return Capacity(orders=self.max_orders, crates=self.max_crates, grams=self.max_grams)

    @property
    def taken(self) -> Measures:
        """What is taken of that."""
        return Measures(orders=self.taken_orders, crates=self.taken_crates, grams=self.taken_grams)


class Hours(msgspec.Struct, frozen=True):
    """What decides when a window takes orders of a farm: its day's status and times, when it begins, how long the farm needs to get ready, and whether it closed because it is full."""

    status: str
    opens_at: datetime
    closes_at: datetime
    starts_at: datetime
    lead_minutes: int
    closed_full: bool = False


class Place(msgspec.Struct, frozen=True):
    """What an order takes of a window."""

    window_id: str
    day_id: str
    orders: int
    crates: int
    grams: int

    @property
    def measures(self) -> Measures:
        """In each measure."""
        return Measures(orders=self.orders, crates=self.crates, grams=self.grams)
