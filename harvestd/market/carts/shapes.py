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
    """The quantity of the product that the cart should hold."""

    quantity: Quantity


class CartItemIn(In, kw_only=True, frozen=True):
    """A product, and the quantity of it that the cart should hold."""

    product_id: ProductId
    quantity: Quantity


class PutItems(In, kw_only=True, frozen=True):
    """Products to put in, or whose quantities to set; all other products in the cart stay."""

    items: Annotated[list[CartItemIn], Meta(min_length=1, max_length=1000)]


class CartLine(Out, kw_only=True, frozen=True):
    """A product in the cart, at its current price, which is for ``price_per``. ``available`` is how much of it is left, ``image`` its
    first picture; it is sold in multiples of ``quantity_step``, from ``min_quantity`` on."""

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
    """The part of the cart that comes from one farm; ``missing_to_minimum`` is the amount missing to its minimum order."""

    farm: Named
    lines: list[CartLine]
    subtotal: Money
    order_minimum: Money
    missing_to_minimum: Money


class CartWarning(Out, kw_only=True, frozen=True):
    """A change since a product was put in, or an obstacle to ordering the cart; ``product_id`` is null if it is about the whole cart
    or a farm's part of it. ``params`` has the values of the message as strings, amounts of money in minor units."""

    product_id: str | None
    code: WarningCodeOut
    message: str
    params: dict[str, str]


class Cart(Out, kw_only=True, frozen=True):
    """A cart, at current prices and grouped by farm. ``version`` grows with each change of its items, ``count`` is the number of
    products in it."""

    version: int
    parts: list[CartPart]
    total: Money
    count: int
    warnings: list[CartWarning]


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "PutItems.items": "Products and the quantities that the cart is to hold of them.",
    "missing_to_minimum": "What is missing to the least that the farm takes orders of.",
    "Cart.total": "The sum of the parts.",
    "CartLine.image": "The product's first picture. Nothing feeds this yet: always null.",
    "warnings": "What has changed since it was put in, and what stands against ordering.",
}  # fmt: skip
