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
from harvestd.market.orders.buyers import Buyer
from harvestd.market.pricing.amounts import Bill, Pricing

#: Maximum lengths, in characters, of a buyer's note, of the reason of a cancellation, and of a delivery address.
MAX_NOTE, MAX_REASON, MAX_ADDRESS = 2000, 500, 500


@attrs.frozen(kw_only=True)
class Line:
    """An order line, at the price when it was placed: ``unit_price`` for ``price_per`` of the unit; ``facts`` are what was told of the
    food then; ``title_seen`` is the title by which its buyer ordered it, if that is another than the farm's. With ``each``, the estimated weight of a
    piece, the price is for its weight and ``total`` an estimate. A line of a pack size (``variant_id``) counts packs, of which each ``takes`` so much of
    the product's stock. ``tax`` (at ``tax_rate``, in thousandths of a per cent) and ``discount`` are on the whole line, which weighs ``grams``."""

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
    tax_rate: int = 0
    tax: int = 0
    discount: int = 0
    grams: int = 0

    @property
    def taken(self) -> Decimal:
        """What it takes of the product's stock."""
        return self.quantity * self.takes


@attrs.frozen
class Part:
    """One farm's part of an order; ``subtotal`` are its goods, ``method`` is how they reach their buyer."""

    farm_id: str
    farm_name: str
    position: int
    status: str
    subtotal: int
    fees: int = 0
    tax: int = 0
    discount: int = 0
    method: str = "pickup"

    def totals(self, tax_included: bool) -> Totals:
        """What it comes to."""
        return Totals(self.subtotal, self.fees, self.tax, self.discount, tax_included)


@attrs.frozen
class Totals:
    """In minor units; ``total`` is goods and fees less discount, and tax unless that is included in them."""

    goods: int
    fees: int = 0
    tax: int = 0
    discount: int = 0
    tax_included: bool = False

    @classmethod
    def of(cls, bill: Bill, tax_included: bool) -> Totals:
        """What a whole order comes to."""
        return cls(bill.goods, bill.fee_total, bill.tax, bill.discount, tax_included)

    @property
    def total(self) -> int:
        """The amount that the buyer owes."""
        return self.goods + self.fees - self.discount + (0 if self.tax_included else self.tax)


@attrs.frozen(kw_only=True)
class Placed:
    """An accepted order; ``terms`` are the rules by which it is billed, None where nothing but goods is; ``taken`` is the quantity reserved of each product, ``ran_out`` the products with none left."""

    id: str
    number: str
    buyer: Buyer
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]
    totals: Totals
    terms: Pricing | None
    taken: dict[str, Decimal]
    ran_out: frozenset[str]
    hold_until: datetime | None
    placed_at: datetime
    events: tuple[Event, ...]
