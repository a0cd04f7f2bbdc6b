"""What some goods that are on sale come to: one function, for the cart, a quote and the order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import attrs

from harvestd.interfaces.pricing import Charges
from harvestd.kernel.quantities import GRAMS, ONE
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.pricing.amounts import bill
from harvestd.market.pricing.charging_rules import Delivered, fees_of, rate_of
from harvestd.market.pricing.terms import Bill, Discount, Good, Pricing

NOTHING = Charges()


@attrs.frozen(kw_only=True)
class Billing:
    """What decides on the amounts of an order beside its goods: what is charged in the market on this day, how the goods of each farm reach their buyer,
    and the coupon. With ``fixed`` the rules are these, and the taxes ``rates``, by :func:`variant_rules.key`: what was promised is what is charged."""

    charges: Charges = NOTHING
    day: date = date.min
    tax_included: bool = True
    ways: Mapping[str, Delivered] = attrs.field(factory=dict)
    discount: Discount | None = None
    fixed: Pricing | None = None
    rates: Mapping[str, int] = attrs.field(factory=dict)

    def method(self, farm_id: str) -> str:
        """How the goods of a farm reach their buyer."""
        return self.ways.get(farm_id, _PICKUP).method

    def rate(self, product: OnSale) -> int:
        """The tax of a product."""
        if self.fixed is not None:
            return self.rates.get(key(product.id, product.variant_id), 0)
        return rate_of(self.charges, product.category_id, self.day) if self.charges.rates else 0

    def of(self, goods: Sequence[Good]) -> tuple[Bill, Pricing]:
        """What these come to, and the rules by which they do."""
        farms = {one.farm_id: self.ways.get(one.farm_id, _PICKUP) for one in goods}
        methods = {farm: way.method for farm, way in farms.items()}
        pricing = self.fixed
        if pricing is None:
            fees = fees_of(self.charges, self.day, farms)
            pricing = Pricing(tax_included=self.tax_included, fees=fees, discount=self.discount)
        found = bill(goods, pricing, methods)
        return found, pricing.after(found)

    def good(self, name: str, product: OnSale, quantity: Decimal) -> Good:
        """A line, by the name that its bill has, as it is billed."""
        return Good(
            key=name, farm_id=product.farm_id, total=product.total(quantity), rate=self.rate(product),
            weight=grams(product, quantity), category_id=product.category_id,
        )  # fmt: skip


_PICKUP = Delivered(method="pickup")
#: Where nothing is charged but the goods.
GOODS_ALONE = Billing()


def grams(product: OnSale, quantity: Decimal) -> int:
    """What a quantity of it weighs, or is taken to, rounded half up to the gram; 0 where that is not known."""
    amount, unit = quantity, product.unit
    if product.each is not None:
        amount, unit = quantity * product.each.quantity, product.each.unit
    elif product.pack is not None:
        amount, unit = quantity * product.pack.takes, product.pack.unit
    return int((amount * GRAMS[unit]).quantize(ONE, ROUND_HALF_UP)) if unit in GRAMS else 0
