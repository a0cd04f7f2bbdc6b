"""Carts: the current total, the changes since the cart was filled, and the obstacles to ordering it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import money, quantity
from harvestd.kernel.quantities import shown
from harvestd.market.carts.line_wishes import NO_WISH, LineWish
from harvestd.market.carts.selling import Terms, too_much
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.catalogue.term_changes import changes
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.catalogue.withheld import takeable, withheld
from harvestd.market.pricing.billing_rules import Billing
from harvestd.market.pricing.terms import Bill, Pricing


@attrs.frozen
class Item:
    """A product in a cart, or a pack size of it; ``seen`` are the terms agreed to when it was put in; ``before`` is how much of it the cart had until
    its buyer signed in with one that had more."""

    product_id: str
    quantity: Decimal
    seen: Agreed
    variant_id: str | None = None
    wish: LineWish = NO_WISH
    before: Decimal | None = None

    @property
    def key(self) -> str:
        """What it is of."""
        return key(self.product_id, self.variant_id)


@attrs.frozen
class Priced:
    """An item at its current price, in minor units."""

    product: OnSale
    quantity: Decimal
    total: int
    wish: LineWish = NO_WISH


@attrs.frozen
class Part:
    """The part of a cart that comes from one farm."""

    lines: tuple[Priced, ...]

    @property
    def subtotal(self) -> int:
        """The part's total, in minor units."""
        return sum(line.total for line in self.lines)

    @property
    def farm(self) -> OnSale:
        """A product of the farm, which carries its name and terms."""
        return self.lines[0].product

    @property
    def missing(self) -> int:
        """The amount missing to the farm's minimum order."""
        return max(0, self.farm.order_minimum - self.subtotal)


@attrs.frozen
class Warning:
    """A warning before ordering, about a product (or a pack size of it), or about the whole cart if ``product_id`` is None."""

    product_id: str | None
    code: str
    message: str
    params: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    variant_id: str | None = None


def price(
    items: Sequence[Item], shelf: Mapping[str, OnSale], today: date, terms: Terms
) -> tuple[list[Part], list[Warning]]:
    """The parts by farm (in the order of first mention), and the warnings. Products no longer for sale are not priced."""
    farms: dict[str, list[Priced]] = {}
    warnings: list[Warning] = []
    wanted = _wanted(items, shelf)
    for item in items:
        product = shelf.get(item.key)
        if product is None or product.status != "published":
            named = {} if product is None else {"title": product.title}
            message = f"{_name(product)} is no longer for sale; take it out"
            warnings.append(Warning(item.product_id, "unavailable", message, named, item.variant_id))
            continue
        found = _of_item(item, product, today, terms.currency, wanted[product.id])
        warnings += (attrs.evolve(warning, variant_id=item.variant_id) for warning in found)
        farms.setdefault(product.farm_id, []).append(
            Priced(product, item.quantity, product.total(item.quantity), item.wish)
        )
    parts = [Part(tuple(lines)) for lines in farms.values()]
    return parts, [*warnings, *_of_cart(items, parts, terms)]


def billed(parts: Sequence[Part], billing: Billing) -> tuple[Bill, Pricing]:
    """What an order of them would come to, and the rules by which it would."""
    lines = [line for part in parts for line in part.lines]
    return billing.of([billing.good(str(i), line.product, line.quantity) for i, line in enumerate(lines)])


def _wanted(items: Sequence[Item], shelf: Mapping[str, OnSale]) -> dict[str, Decimal]:
    """What all items together would take of the stock of each product."""
    wanted: dict[str, Decimal] = {}
    for item in items:
        if (product := shelf.get(item.key)) is not None and product.status == "published":
            wanted[product.id] = wanted.get(product.id, Decimal(0)) + product.taken(item.quantity)
    return wanted


def _name(product: OnSale | None) -> str:
    return "A product" if product is None else product.title


def _of_item(item: Item, product: OnSale, today: date, currency: str, wanted: Decimal) -> Iterator[Warning]:
    if item.before is not None:
        was, is_ = (quantity(one, item.seen.unit) for one in (item.before, item.quantity))
        message = f"Your cart had {was} of {product.title}; it has {is_} now, as you wished before you signed in"
        params = {
            "before": shown(item.before),
            "after": shown(item.quantity),
            "unit": item.seen.unit,
            "title": product.title,
        }
        yield Warning(product.id, "merged", message, params)
    for change in changes(item.seen, product, currency):
        yield Warning(product.id, change.code, change.message, change.params)
    fault = withheld("product_id", product, today)
    if fault is not None:
        yield Warning(product.id, fault.code, f"{fault.message}; take it out", fault.params)
    left = {"available": shown(max(product.available, Decimal(0))), "unit": product.unit, "title": product.title}
    if product.available <= 0:
        yield Warning(product.id, "sold-out", f"{product.title} is sold out; take it out", left)
    elif item.quantity > product.available:
        yield Warning(
            product.id, "short", f"Only {quantity(product.available, product.unit)} of {product.title} left", left
        )
    elif wanted > product.pool:
        message = f"Only {quantity(product.available, product.unit)} of {product.title} left, and other sizes of it are in the cart"
        yield Warning(product.id, "short", message, {**left, "reason": "together"})
    amount = takeable("quantity", item.quantity, product)
    if isinstance(amount, FieldError):
        yield Warning(
            product.id,
            "quantity",
            f"The quantity of {product.title} {amount.message}",
            {"reason": amount.code, "title": product.title, **amount.params},
        )


def _of_cart(items: Sequence[Item], parts: Sequence[Part], terms: Terms) -> Iterator[Warning]:
    if len(items) > terms.lines_most:
        message = f"An order has at most {terms.lines_most} products, and this cart has {len(items)}; take some out"
        yield Warning(None, "too-many-lines", message, {"maximum": str(terms.lines_most), "count": str(len(items))})
    if (beyond := too_much("", sum(part.subtotal for part in parts), terms.currency)) is not None:
        params = {name: beyond.params[name] for name in ("maximum", "currency")}
        yield Warning(None, "too-much", f"The cart {beyond.message}", params)
    for part in parts:
        if part.missing:
            farm = part.farm
            least, missing = (
                money(farm.order_minimum, terms.currency),
                money(part.missing, terms.currency),
            )
            message = f"{farm.farm_name} takes orders from {least}; add goods for {missing} more"
            params = {
                "farm_id": farm.farm_id,
                "farm": farm.farm_name,
                "minimum": str(farm.order_minimum),
                "missing": str(part.missing),
                "currency": terms.currency,
            }
            yield Warning(None, "order-minimum", message, params)
