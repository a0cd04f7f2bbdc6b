"""A request to amend an order, as it is decided on. Values alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal

import attrs

from harvestd.market.carts.line_wishes import LineWish, Substitution
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.orders.change_telling import By
from harvestd.market.pricing.billing_rules import GOODS_ALONE, Billing


@attrs.frozen(kw_only=True)
class Edit:
    """What a request says at ``path``: of a line of the order, or of a product, or a pack size of it, that is added. A ``quantity`` of 0 takes a line out,
    ``None`` leaves it."""

    path: str
    line_id: str | None = None
    product_id: str = ""
    variant_id: str | None = None
    quantity: Decimal | None = None
    substitution: Substitution | None = None
    note: str | None = None

    @property
    def key(self) -> str:
        """What it adds."""
        return key(self.product_id, self.variant_id)

    def wish(self, before: LineWish) -> LineWish:
        """What the buyer says of the line then."""
        return LineWish(
            before.substitution if self.substitution is None else self.substitution,
            before.note if self.note is None else self.note,
        )


@attrs.frozen(kw_only=True)
class Amending:
    """A request to amend an order: by whom, on which of its parts (None: all), at which prices; ``now`` is the market's time, ``today`` its day, ``billing`` what is charged on it. ``open_days`` says of a farm's part
    that belongs to a market day whether that is open still: then its buyer may change it until then, confirmed or not. ``for_buyer`` is whether whoever is not the
    buyer speaks for them, as the market's staff may."""

    by: By
    whose: Collection[str] | None
    shelf: Mapping[str, OnSale]
    terms: Terms
    now: datetime
    today: date
    placed_at: datetime
    billing: Billing = GOODS_ALONE
    open_days: Mapping[str, bool] = attrs.field(factory=dict)
    for_buyer: bool = False

    @property
    def asks(self) -> bool:
        """Whether the buyer is asked about what it would add."""
        return self.by.actor != "buyer" and not self.for_buyer
