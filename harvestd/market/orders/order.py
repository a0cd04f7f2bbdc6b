"""An order: its lines, the part of each farm, its totals, and how long its texts may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.events import Event
from harvestd.kernel.quantities import ONE
from harvestd.kernel.units import Amount
from harvestd.market.days.load_rules import Load

NOTHING = Load(grams=0)
#: Maximum lengths, in characters, of a buyer's note, of the reason of a cancellation, and of a delivery address.
MAX_NOTE, MAX_REASON, MAX_ADDRESS = 2000, 500, 500


@attrs.frozen(kw_only=True)
class Line:
    """An order line, at the price when it was placed: ``unit_price`` for ``price_per`` of the unit; ``facts`` are what was told of the
    food then; ``title_seen`` is the title by which its buyer ordered it, if that is another than the farm's. With ``each``, the estimated weight of a
    piece, the price is for its weight and ``total`` an estimate. A line of a pack size (``variant_id``) counts packs, of which each ``takes`` so much of
    the product's stock. ``load`` is what it takes of a window."""

    id: str
    farm_id: str
    position: int
    product_id: str
    title: str
    quantity: Decimal
    unit: str
    unit_price: int
    price_per: Decimal
    total: int
    facts: Mapping[str, Any] = attrs.field(factory=dict)
    title_seen: str | None = None
    each: Amount | None = None
    variant_id: str | None = None
    takes: Decimal = ONE
    load: Load = NOTHING

    @property
    def taken(self) -> Decimal:
        """What it takes of the product's stock."""
        return self.quantity * self.takes


@attrs.frozen
class Part:
    """One farm's part of an order; ``window_id`` is when and where it is handed over, in a market that sells by days."""

    farm_id: str
    farm_name: str
    position: int
    status: str
    subtotal: int
    window_id: str | None = None


@attrs.frozen
class Totals:
    """In minor units; ``total`` is goods and fees and tax less discount."""

    goods: int
    fees: int = 0
    tax: int = 0
    discount: int = 0

    @property
    def total(self) -> int:
        """The amount that the buyer owes."""
        return self.goods + self.fees + self.tax - self.discount


@attrs.frozen(kw_only=True)
class Placed:
    """An accepted order; ``taken`` is the quantity reserved of each product, ``ran_out`` the products with none left."""

    id: str
    number: str
    buyer_id: str
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]
    totals: Totals
    taken: dict[str, Decimal]
    ran_out: frozenset[str]
    hold_until: datetime | None
    placed_at: datetime
    events: tuple[Event, ...]
