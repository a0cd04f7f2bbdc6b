"""A product as it is on sale now, and the terms that a buyer agreed to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.quantities import ONE, least_worth, line_total
from harvestd.kernel.units import Amount
from harvestd.market.catalogue.measure_rules import price_unit
from harvestd.market.catalogue.product_events import Known
from harvestd.market.catalogue.variant_rules import Pack


@attrs.frozen(kw_only=True)
class Agreed:
    """The terms that give a price its meaning; stored with each line of a cart when its buyer puts it in. ``each`` is the estimated weight of a
    piece that is priced by weight, ``pack`` what one of a pack size takes."""

    unit: str
    price: int
    price_per: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    each: Amount | None = None
    pack: Pack | None = None

    @property
    def price_unit(self) -> str:
        """The unit of ``price_per``."""
        return price_unit(self.unit, self.each)

    @property
    def content(self) -> Amount | None:
        """What is in a pack."""
        return None if self.pack is None else self.pack.content


@attrs.frozen(kw_only=True)
class OnSale:
    """A product in its current state; ``price`` is for ``price_per`` of the unit, ``staffed`` is whether its farm is verified, and has an owner
    who would be notified of an order, ``away`` when it is on holiday (``{from, to, note}``); ``title`` is in the buyer's language, as far as it is translated,
    ``own_title`` the farm's; ``facts`` are what the law has told of it, ``restricted`` is whether not everybody sees it. ``price`` is what it costs the buyer
    who looks. ``each`` is the estimated weight of a piece that is priced by weight, ``image`` the JSON of its first picture. With a ``pack`` it is that pack
    size of the product: title, unit, price and steps are the pack's; ``stock`` and ``reserved`` stay the product's, in its own unit. ``own`` is whether its
    farm is the buyer's own, in a market where those who belong to a farm may not order from it."""

    id: str
    slug: str
    farm_id: str
    farm_slug: str
    farm_name: str
    order_minimum: int
    staffed: bool
    title: str
    unit: str
    price: int
    price_per: Decimal
    stock: Decimal
    reserved: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    season_from: str | None
    season_to: str | None
    status: str
    revision: int
    facts: Mapping[str, Any] = attrs.field(factory=dict)
    away: Sequence[Mapping[str, Any]] = ()
    own_title: str = ""
    restricted: bool = False
    each: Amount | None = None
    image: str | None = None
    pack: Pack | None = None
    own: bool = False
    category_id: str | None = None

    @property
    def available(self) -> Decimal:
        """Stock less reservations: in its unit, so of a pack the number of whole packs."""
        return self.pool if self.pack is None else self.pool // self.pack.takes

    @property
    def pool(self) -> Decimal:
        """The product's stock less reservations, in the product's own unit."""
        return self.stock - self.reserved

    @property
    def variant_id(self) -> str | None:
        """The id of the pack size; None for the product itself."""
        return None if self.pack is None else self.pack.variant_id

    @property
    def price_unit(self) -> str:
        """The unit of ``price_per``."""
        return price_unit(self.unit, self.each)

    def taken(self, quantity: Decimal) -> Decimal:
        """What so much of it takes of the product's stock, in the product's unit."""
        return quantity if self.pack is None else quantity * self.pack.takes

    @property
    def known(self) -> Known:
        """The product as events name it."""
        return Known(self.id, self.slug, self.farm_id, self.farm_slug, self.restricted)

    @property
    def agreed(self) -> Agreed:
        """The terms that a buyer agrees to now."""
        return Agreed(
            unit=self.unit, price=self.price, price_per=self.price_per, quantity_step=self.quantity_step,
            min_quantity=self.min_quantity, each=self.each, pack=self.pack,
        )  # fmt: skip

    def total(self, quantity: Decimal) -> int:
        """The price of a quantity, in minor units; rounded once, half up. Of pieces that are priced by weight, the estimate."""
        return line_total(self.price, quantity * self._weight, self.price_per)

    def least_worth(self) -> Decimal:
        """The smallest multiple of its step that costs more than 0."""
        return least_worth(self.price, self.quantity_step * self._weight, self.price_per) / self._weight

    @property
    def _weight(self) -> Decimal:
        return ONE if self.each is None else self.each.quantity
