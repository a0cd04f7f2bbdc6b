"""The body by which an order is placed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from harvestd.market.carts.shapes import LineNote, SubstitutionIn
from harvestd.market.orders.fulfilment_shapes import FarmFulfilmentIn, FulfilmentIn
from harvestd.market.orders.order import MAX_NOTE
from harvestd.market.pricing.rules import MAX_CODE
from harvestd.web.shapes import Id, In, MinorUnits, Money, ProductId, Quantity


class OrderLineIn(In, kw_only=True, frozen=True):
    """A product, or a pack size of it, its quantity, what may come in its place if it is short, and what else its buyer says of it. Packs are counted."""

    product_id: ProductId
    quantity: Quantity
    variant_id: Id | None = None
    substitution: SubstitutionIn = "none"
    note: LineNote = ""


class OrderBody(In, kw_only=True, frozen=True):
    """An order of ``lines`` or, without them, of the cart. Several lines of one product are merged into one.
    With ``expected_total`` the order is refused if the total differs, or if anything that the buyer agreed to has changed since
    a product was added: a price, what it is for, a unit, a step, a minimum quantity. ``fulfilment`` is for all farms, ``fulfilments`` has one for each
    farm; a farm's pick-up point counts only for its own part."""

    lines: Annotated[list[OrderLineIn], Meta(max_length=500)] | None = None
    fulfilment: FulfilmentIn | None = None
    fulfilments: Annotated[list[FarmFulfilmentIn], Meta(min_length=1, max_length=100)] | None = None
    coupon: Annotated[str, Meta(max_length=2 * MAX_CODE, examples=["SPRING-2026"])] = ""
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""
    expected_total: Money | MinorUnits | None = None


class PlaceOrder(OrderBody, kw_only=True, frozen=True):
    """An order of ``lines``, of a quote that is held (``quote_id``) or, without either, of the cart. Several lines of one product are merged into one.
    With ``expected_total`` the order is refused if the total differs, or if anything that the buyer agreed to has changed since
    a product was added: a price, what it is for, a unit, a step, a minimum quantity. ``fulfilment`` is for all farms, ``fulfilments`` has one for each
    farm; a farm's pick-up point counts only for its own part."""

    quote_id: Id | None = None


#: What each consent means.
SUBSTITUTION = "What may come in its place if it is short: `none`; something of the `same_farm`, or of `any_farm`; or what its buyer is asked about first (`ask`)."
#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "coupon": "The code of a coupon; case, spaces and hyphens make no difference. Empty or omitted for none.",
    "quote_id": "A quote that is held, instead of lines, fulfilment and coupon: its prices and charges are those of the order.",
    "expected_total": "The total that the buyer has seen; if it has changed since, nothing is ordered (409).",
    "fulfilments": "How the goods of each farm reach the buyer, if it is not the same for all.",
    "OrderLineIn.note": "A message to the farm about this line.",
    "OrderLineIn.substitution": SUBSTITUTION,
    "OrderLineIn.variant_id": "The pack size; null or omitted for the product itself.",
}  # fmt: skip
