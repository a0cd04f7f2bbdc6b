"""The cart."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from harvestd.market.catalogue.product_shapes import Image
from harvestd.web.shapes import In, Money, Named, Out, PricePer, ProductId, Quantity, UnitOut
from harvestd.web.vocabulary import closed

WarningCodeOut = Annotated[
    str,
    closed(
        "WarningCode",
        ("price-changed", "unit-changed", "step-changed", "minimum-changed", "unavailable", "not-for-sale", "out-of-season",
         "sold-out", "short", "quantity", "too-many-lines", "too-much", "order-minimum"),
        "What stands between the cart and an order.",
    ),
]  # fmt: skip


class PutItem(In, kw_only=True, frozen=True):
    """How much of the product the cart shall hold."""

    quantity: Quantity


class CartItemIn(In, kw_only=True, frozen=True):
    """How much of which product the cart shall hold."""

    product_id: ProductId
    quantity: Quantity


class PutItems(In, kw_only=True, frozen=True):
    """Products to put in, or whose quantities to set; everything else in the cart stays."""

    items: Annotated[list[CartItemIn], Meta(min_length=1, max_length=1000)]


class CartLine(Out, kw_only=True, frozen=True):
    """A product in the cart, at its price now, which is for ``price_per``. ``available`` is what is left of it, ``image`` its first
    picture; ``quantity_step`` and ``min_quantity`` say in which quantities it is sold."""

    product_id: str
    slug: str
    title: str
    quantity: str
    unit: UnitOut
    price: Money
    price_per: PricePer
    total: Money
    quantity_step: str
    min_quantity: str
    available: str
    image: Image | None


class CartPart(Out, kw_only=True, frozen=True):
    """What comes from one farm; ``missing_to_minimum`` is what is missing to its minimum order."""

    farm: Named
    lines: list[CartLine]
    subtotal: Money
    order_minimum: Money
    missing_to_minimum: Money


class CartWarning(Out, kw_only=True, frozen=True):
    """What has changed since a product was put in, or keeps the cart from being ordered; ``product_id`` is null where the whole cart
    or a farm's part of it is meant. ``params`` has the values of the message as strings, amounts of money in minor units."""

    product_id: str | None
    code: WarningCodeOut
    message: str
    params: dict[str, str]


class Cart(Out, kw_only=True, frozen=True):
    """A cart, priced now and grouped by farm. ``version`` grows with each change of what is in it, ``count`` is how many
    products are in it."""

    version: int
    parts: list[CartPart]
    total: Money
    count: int
    warnings: list[CartWarning]


#: What the names here mean, as the contract says it.
WORDS: dict[str, str] = {
    "PutItems.items": "Products and the quantities that the cart is to hold of them.",
    "missing_to_minimum": "What is missing to the least that the farm takes orders of.",
    "Cart.total": "The sum of the parts.",
    "CartLine.image": "The product's first picture. Nothing feeds this yet: always null.",
    "warnings": "What has changed since it was put in, and what stands against ordering.",
}  # fmt: skip
