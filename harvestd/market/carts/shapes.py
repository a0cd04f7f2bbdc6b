"""The cart."""

from __future__ import annotations

from typing import Annotated, get_args

from msgspec import Meta

from harvestd.market.carts.line_wishes import MAX_LINE_NOTE, Substitution
from harvestd.market.catalogue.image_shapes import Image
from harvestd.market.catalogue.measure_shapes import MeasureOut, Weight
from harvestd.web.shapes import Id, In, Money, Named, Out, PricePer, ProductId, Quantity, UnitOut
from harvestd.web.vocabulary import closed

WarningCodeOut = Annotated[
    str,
    closed(
        "WarningCode",
        ("price-changed", "unit-changed", "step-changed", "minimum-changed", "weight-changed", "content-changed", "unavailable", "not-for-sale", "out-of-season",
         "farm-away", "past-use-by", "sold-out", "short", "quantity", "too-many-lines", "too-much", "order-minimum", "merged"),
        "What changed in the cart, or prevents an order.",
    ),
]  # fmt: skip


SubstitutionIn = Annotated[
    Substitution,
    closed(
        "Substitution", get_args(Substitution), "What may come in the place of what is short, if its buyer lets it."
    ),
]
SubstitutionOut = Annotated[
    str,
    closed(
        "Substitution", get_args(Substitution), "What may come in the place of what is short, if its buyer lets it."
    ),
]
LineNote = Annotated[str, Meta(max_length=MAX_LINE_NOTE)]


class PutItem(In, kw_only=True, frozen=True):
    """The quantity of the product in the cart, what may come in its place if it is short, and what else its buyer says of it: all of it is set, so that
    what is omitted is as it is at first."""

    quantity: Quantity
    substitution: SubstitutionIn = "none"
    note: LineNote = ""


class CartItemIn(In, kw_only=True, frozen=True):
    """A product, or a pack size of it, and its quantity in the cart, with what its buyer says of it. Packs are counted."""

    product_id: ProductId
    quantity: Quantity
    variant_id: Id | None = None
    substitution: SubstitutionIn = "none"
    note: LineNote = ""


class CartItemQuery(In, kw_only=True, frozen=True):
    """Which pack size of the product it is about; without it, the product itself."""

    variant_id: Id | None = None


class PutItems(In, kw_only=True, frozen=True):
    """Products to add, or whose quantities to set; everything else in the cart stays."""

    items: Annotated[list[CartItemIn], Meta(min_length=1, max_length=1000)]


class CartLine(Out, kw_only=True, frozen=True):
    """A product in the cart at its current price, which is for ``price_per``; with ``variant_id``, a pack size of it. ``available`` is what is left of
    it, ``image`` its first picture; ``quantity_step`` and ``min_quantity`` say in which quantities it is sold. ``total`` is ``estimated`` where pieces are
    priced by what they weigh: each at ``estimated_weight`` until it is weighed."""

    product_id: str
    variant_id: str | None
    slug: str
    title: str
    quantity: str
    unit: UnitOut
    price: Money
    price_per: PricePer
    total: Money
    priced_by: MeasureOut
    estimated: bool
    estimated_weight: Weight | None
    quantity_step: str
    min_quantity: str
    available: str
    image: Image | None
    substitution: SubstitutionOut
    note: str


class CartPart(Out, kw_only=True, frozen=True):
    """The cart's lines from one farm; ``missing_to_minimum`` is how far they are below its minimum order. ``subtotal`` is ``estimated`` if any line is."""

    farm: Named
    lines: list[CartLine]
    subtotal: Money
    estimated: bool
    order_minimum: Money
    missing_to_minimum: Money


class CartWarning(Out, kw_only=True, frozen=True):
    """What has changed since a product was added, or prevents an order; ``product_id`` is null if the warning is about the whole cart
    or a farm's part of it. ``params`` has the values of the message as strings, amounts of money in minor units."""

    product_id: str | None
    variant_id: str | None
    code: WarningCodeOut
    message: str
    params: dict[str, str]


class Cart(Out, kw_only=True, frozen=True):
    """A cart at current prices, grouped by farm. ``version`` increases with each change of its contents, ``count`` is how many
    products are in it. ``total`` is ``estimated`` if any line is."""

    version: int
    parts: list[CartPart]
    fees: Money
    tax: Money
    tax_included: bool
    total: Money
    estimated: bool
    count: int
    warnings: list[CartWarning]


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "PutItems.items": "Products and their new quantities in the cart.",
    "missing_to_minimum": "How far the part is below the farm's minimum order.",
    "Cart.fees": "Fees of the market and of the farms, of an order that is picked up.",
    "Cart.tax": "The tax of goods and fees.",
    "Cart.tax_included": "Whether the tax is part of the other amounts, or comes on top of them.",
    "Cart.total": "What an order of it would come to now, picked up and without a coupon: the sum of the parts and the fees, and the tax unless it is included.",
    "CartLine.image": "The product's first picture; null if there is none.",
    "substitution": "What may come in its place if it is short: `none`; something of the `same_farm`, or of `any_farm`; or what its buyer is asked about first (`ask`).",
    "CartLine.note": "What its buyer says of it to the farm.",
    "PutItem.note": "A message to the farm about this product.",
    "CartItemIn.note": "A message to the farm about this product.",
    "CartItemIn.variant_id": "The pack size; null or omitted for the product itself.",
    "CartItemQuery.variant_id": "The pack size; omitted for the product itself.",
    "CartLine.variant_id": "The pack size; null for the product itself.",
    "CartWarning.variant_id": "The pack size that it is about; null for the product itself.",
    "CartLine.priced_by": "What its price is by: what it is sold by or, of pieces, their weight.",
    "estimated": "Whether `total` is an estimate, until the farm has weighed the pieces.",
    "CartPart.estimated": "Whether `subtotal` is an estimate, until the farm has weighed the pieces.",
    "CartLine.estimated_weight": "What each piece is estimated to weigh; null unless it is priced by that.",
    "warnings": "What has changed since products were added, and what prevents an order.",
}  # fmt: skip
