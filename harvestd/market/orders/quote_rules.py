"""What is kept of a quote that is held, and what an order of it is decided by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs
import msgspec

from harvestd.market.carts.line_wishes import NO_WISH, LineWish
from harvestd.market.carts.rows import Found
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.days.slots import Place
from harvestd.market.days.window_rules import Measures
from harvestd.market.orders.delivery_rules import Way
from harvestd.market.orders.placing import Decided
from harvestd.market.orders.placing_rules import Wanted
from harvestd.market.pricing.billing_rules import Billing
from harvestd.market.pricing.charging_rules import Delivered
from harvestd.market.pricing.terms import Pricing

NOTHING = Decimal(0)


@attrs.frozen(kw_only=True)
class Promise:
    """A line as it was quoted: what it is of, on which terms, its tax, and what its buyer says of it."""

    product_id: str
    variant_id: str | None
    quantity: Decimal
    agreed: Agreed
    rate: int
    wish: LineWish = NO_WISH

    @property
    def wanted(self) -> Wanted:
        """The line that is ordered."""
        return Wanted(self.product_id, self.quantity, self.variant_id, self.wish)


@attrs.frozen(kw_only=True)
class Content:
    """What was quoted: the lines, how each farm's goods reach the buyer, the rules of the bill, the coupon's code, and the cart that it is of, if it is of one."""

    lines: tuple[Promise, ...]
    ways: dict[str, dict[str, Any]]
    pricing: Pricing
    coupon: str = ""
    cart_id: str | None = None
    cart_version: int = 0

    def kept(self) -> dict[str, Any]:
        """As it is stored."""
        return msgspec.convert(msgspec.to_builtins(self), dict[str, Any])

    @property
    def seen(self) -> dict[str, Agreed]:
        """The terms of each line, by what it is of."""
        return {one.wanted.key: one.agreed for one in self.lines}

    @property
    def billing(self) -> Billing:
        """How it is billed, whatever is charged by now."""
        ways = {farm: Delivered(method=way["method"]) for farm, way in self.ways.items()}
        rates = {one.wanted.key: one.rate for one in self.lines}
        return Billing(ways=ways, discount=self.pricing.discount, fixed=self.pricing, rates=rates)


@attrs.frozen(kw_only=True)
class Held:
    """What quotes hold together: stock, by product, and places, by window."""

    stock: Mapping[str, Decimal] = attrs.field(factory=dict)
    places: Mapping[str, Place] = attrs.field(factory=dict)

    @property
    def measures(self) -> dict[str, Measures]:
        """The places in each measure."""
        return {window_id: place.measures for window_id, place in self.places.items()}


def ways_of(quoted: Content) -> list[Way]:
    """The windows of what was quoted, as an order asks for them."""
    at = {farm_id: way.get("window", {}).get("id") for farm_id, way in quoted.ways.items()}
    return [
        Way(path="quote_id", farm_id=farm_id, method=quoted.ways[farm_id]["method"], window_id=id)
        for farm_id, id in at.items()
    ]


def read(stored: Mapping[str, Any]) -> Content:
    """What is stored of a quote."""
    return msgspec.convert(stored, Content)


def content(
    decided: Decided, shelf: Mapping[str, OnSale], ways: Mapping[str, dict[str, Any]], coupon: str, cart: Found | None
) -> Content:
    """What is kept of a quote that nothing speaks against."""
    lines = zip(decided.asked, decided.lines, strict=True)
    promises = (
        Promise(
            product_id=line.product_id, variant_id=line.variant_id, quantity=line.quantity, agreed=shelf[asked.key].agreed, rate=line.tax_rate,

            wish=line.wish,
        )
        for asked, line in lines
    )  # fmt: skip
    return Content(
        lines=tuple(promises), ways=dict(ways), pricing=decided.pricing, coupon=coupon,
        cart_id=cart.id if cart is not None else None, cart_version=cart.version if cart is not None else 0,
    )  # fmt: skip


def as_quoted(shelf: Mapping[str, OnSale], quoted: Content) -> dict[str, OnSale]:
    """The products at the terms of the quote. What is sold in another unit by now, or in packs of something else, stays as it is: it is refused."""
    seen = quoted.seen
    return {
        key: attrs.evolve(
            one, price=seen[key].price, price_per=seen[key].price_per, quantity_step=seen[key].quantity_step,
            min_quantity=seen[key].min_quantity, each=seen[key].each, order_minimum=0,
        ) if key in seen and (one.unit, one.pack) == (seen[key].unit, seen[key].pack) else attrs.evolve(one, order_minimum=0)
        for key, one in shelf.items()
    }  # fmt: skip


def without(shelf: Mapping[str, OnSale], held: Mapping[str, Decimal]) -> dict[str, OnSale]:
    """The products as they are but for what is held of them."""
    return {id: attrs.evolve(one, reserved=one.reserved - held.get(id, NOTHING)) for id, one in shelf.items()}


@attrs.frozen(kw_only=True)
class Shift:
    """What becomes of products where a hold begins, ends, or replaces another: the changes of what is reserved, and the products that are no longer, or again,
    to be had."""

    reserved: dict[str, Decimal]
    turned: tuple[str, ...]


def shift(shelf: Mapping[str, OnSale], before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> Shift:
    """From what was held to what is held from now on; ``shelf`` is as it is before."""
    changes = {id: after.get(id, NOTHING) - before.get(id, NOTHING) for id in sorted({*before, *after})}
    reserved = {id: change for id, change in changes.items() if change}
    turned = (id for id, change in reserved.items() if (shelf[id].available > 0) != (shelf[id].available - change > 0))
    return Shift(reserved=reserved, turned=tuple(turned))
