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
from harvestd.market.days.load_rules import NOTHING, Load
from harvestd.market.orders.buyers import Buyer
from harvestd.market.pricing.shares import rounded
from harvestd.market.pricing.terms import Bill, Pricing

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
    limit was agreed on). One that is ``proposed`` counts once its buyer accepts it, by ``answer_by``. ``tax`` (at
    ``tax_rate``, in thousandths of a per cent) and ``discount`` are on what it comes to; ``grams`` is what all of its quantity weighs, 0 where that is not known;
    ``load`` is what it takes of a window."""

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
    tax_rate: int = 0
    tax: int = 0
    discount: int = 0
    grams: int = 0
    load: Load = NOTHING

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
        return not self.proposed

    @property
    def weight(self) -> int:
        """What is left of it weighs, in grams; 0 where that is not known."""
        if self.weighed is not None:
            amount, unit = self.weighed.quantity, self.weighed.unit
        elif self.each is not None:
            amount, unit = self.left * self.each.quantity, self.each.unit
        else:
            return rounded(int(self.grams * self.left * 1000), int(self.quantity * 1000))
        return int((2 * amount * GRAMS[unit] + ONE) // 2)

    @property
    def charged_weight(self) -> int:
        """What of its weight fees are charged by, in grams: of one that weighs more than was agreed on, as much as was."""
        if self.agreed_total is None or self.worth <= self.agreed_total:
            return self.weight
        return rounded(self.weight * self.agreed_total, self.worth)

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
    """One farm's part of an order; ``subtotal`` are its goods, ``method`` is how they reach their buyer, ``window_id`` when and where, in a market that sells by
    days, and ``handed_over_by`` the end of that window."""

    farm_id: str
    farm_name: str
    position: int
    status: str
    subtotal: int
    fees: int = 0
    tax: int = 0
    discount: int = 0
    method: str = "pickup"
    window_id: str | None = None
    handed_over_by: datetime | None = None

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
