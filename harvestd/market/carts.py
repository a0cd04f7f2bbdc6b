"""Carts: what a cart comes to now, and what moved since it was filled. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import attrs

from harvestd.market.errors import FieldError
from harvestd.market.orders import OnSale
from harvestd.market.quantities import amount_shown, line_total, orderable, shown
from harvestd.market.seasons import in_season


@attrs.frozen
class Item:
    """A product in a cart; ``price_seen`` is what it cost when it was put in."""

    product_id: str
    quantity: Decimal
    price_seen: int


@attrs.frozen
class Priced:
    """An item at the price of now, in minor units."""

    product: OnSale
    quantity: Decimal
    total: int


@attrs.frozen
class Warning:
    """What the buyer should know of an item before ordering."""

    product_id: str
    code: str
    message: str


def price(
    items: Sequence[Item], shelf: Mapping[str, OnSale], today: date, currency: str
) -> tuple[dict[str, list[Priced]], list[Warning]]:
    """The items by farm (in the order of first mention), and the warnings. What is no longer for sale is not priced."""
    farms: dict[str, list[Priced]] = {}
    warnings: list[Warning] = []
    for item in items:
        product = shelf.get(item.product_id)
        if product is None or product.status != "published":
            warnings.append(Warning(item.product_id, "unavailable", "is no longer for sale; take it out"))
            continue
        warnings += _warnings(item, product, today, currency)
        total = line_total(product.price, item.quantity)
        farms.setdefault(product.farm_id, []).append(Priced(product, item.quantity, total))
    return farms, warnings


def _warnings(item: Item, product: OnSale, today: date, currency: str) -> list[Warning]:
    found: list[Warning] = []
    if product.price != item.price_seen:
        before, now = amount_shown(item.price_seen, currency), amount_shown(product.price, currency)
        found.append(Warning(product.id, "price-changed", f"{product.title} cost {before} and costs {now} now"))
    if not in_season(product.season_from, product.season_to, today):
        found.append(Warning(product.id, "out-of-season", f"{product.title} is out of season; take it out"))
    if product.available <= 0:
        found.append(Warning(product.id, "sold-out", f"{product.title} is sold out; take it out"))
    elif item.quantity > product.available:
        left = f"only {shown(product.available)} {product.unit} of {product.title} are left"
        found.append(Warning(product.id, "short", left))
    fault = orderable("quantity", item.quantity, product.quantity_step, product.min_quantity, product.unit)
    if isinstance(fault, FieldError):
        found.append(Warning(product.id, "quantity", f"the quantity of {product.title} {fault.message}"))
    return found
