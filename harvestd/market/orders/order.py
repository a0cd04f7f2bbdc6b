"""An order: its lines, the part of each farm, its totals, and how long its texts may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.events import Event
from harvestd.kernel.quantities import GRAMS, ONE, line_total
from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import NO_WISH, LineWish
from harvestd.market.catalogue.variant_rules import key

#: Maximum lengths, in characters, of a buyer's note, of the reason of a cancellation, and of a delivery address.
MAX_NOTE, MAX_REASON, MAX_ADDRESS = 2000, 500, 500
#: The statuses of a part for which nothing is owed.
OVER = frozenset({"cancelled", "expired"})


@attrs.frozen(kw_only=True)
class Line:
    """An order line, at the price when it was placed: ``unit_price`` for ``price_per`` of the unit; ``facts`` are what was told of the
    food then; ``title_seen`` is the title by which its buyer ordered it, if that is another than the farm's. With ``each``, the estimated weight of a
    piece, the price is for its weight and ``total`` an estimate until it is ``weighed``, all that is left of it together. A line of a pack size (``variant_id``)
    counts packs, of which each ``takes`` so much of the product's stock.

    Of its quantity it is ``short_of`` some; ``replaces`` names the line in whose place it is. What it comes to is never above ``agreed_total`` (None: no such
    limit was agreed on). One that is ``proposed`` counts once its buyer accepts it, by ``answer_by``; one that was ``removed`` no more."""

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
    wish: LineWish = NO_WISH
    agreed_total: int | None = None
    short_of: Decimal = Decimal(0)
    weighed: Amount | None = None
    replaces: str | None = None
    proposed: bool = False
    answer_by: datetime | None = None
    removed: bool = False

    @property
    def key(self) -> str:
        """What it is of."""
        return key(self.product_id, self.variant_id)

    @property
    def left(self) -> Decimal:
        """The quantity that its buyer gets."""
        return self.quantity - self.short_of

    @property
    def taken(self) -> Decimal:
        """What it takes of the product's stock."""
        return self.left * self.takes

    @property
    def counts(self) -> bool:
        """Whether it is owed for."""
        return not (self.removed or self.proposed)

    @property
    def estimated(self) -> bool:
        """Whether what it comes to is an estimate."""
        return self.each is not None and self.weighed is None and self.left > 0

    @property
    def worth(self) -> int:
        """What is left of it comes to at its price, whatever was agreed on: in minor units, rounded half up, once."""
        if self.weighed is None or self.each is None:
            return self.estimate
        scale, per = GRAMS[self.weighed.unit], GRAMS[self.each.unit]
        return line_total(self.unit_price, self.weighed.quantity * scale, self.price_per * per)

    @property
    def estimate(self) -> int:
        """What is left of it comes to by its quantity: of pieces that are priced by weight, until they are weighed."""
        return line_total(
            self.unit_price, self.left * (ONE if self.each is None else self.each.quantity), self.price_per
        )

    @property
    def owed(self) -> int:
        """What is owed for it: its worth, and not more than was agreed on."""
        return self.worth if self.agreed_total is None else min(self.worth, self.agreed_total)


@attrs.frozen
class Part:
    """One farm's part of an order; ``method`` is how its goods reach the buyer."""

    farm_id: str
    farm_name: str
    position: int
    status: str
    subtotal: int
    method: str = "pickup"


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
