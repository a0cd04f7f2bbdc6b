"""The body by which an order is placed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from harvestd.market.accounts.rules import MAX_NAME
from harvestd.market.accounts.shapes import Email
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


class GuestIn(In, kw_only=True, frozen=True):
    """Somebody without an account: ``email`` gets the mails about the order, each with a link to it; the farms see the name and the telephone number."""

    name: Annotated[str, Meta(max_length=MAX_NAME)]
    email: Email
    phone: Annotated[str, Meta(max_length=50)] | None = None


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


class OrderKeyQuery(In, kw_only=True, frozen=True):
    """The key of a mailed link, which stands for its guest."""

    token: Annotated[str, Meta(max_length=100)] | None = None


class PlaceOrder(OrderBody, kw_only=True, frozen=True):
    """An order of ``lines``, of a quote that is held (``quote_id``) or, without either, of the cart. Several lines of one product are merged into one.
    With ``expected_total`` the order is refused if the total differs, or if anything that the buyer agreed to has changed since
    a product was added: a price, what it is for, a unit, a step, a minimum quantity. ``fulfilment`` is for all farms, ``fulfilments`` has one for each
    farm; a farm's pick-up point counts only for its own part. With ``buyer_id`` the market's staff orders for somebody else, of ``lines``; with
    ``guest`` somebody orders who has no account, where the market lets them."""

    quote_id: Id | None = None
    buyer_id: Id | None = None
    guest: GuestIn | None = None


#: What each consent means.
SUBSTITUTION = "What may come in its place if it is short: `none`; something of the `same_farm`, or of `any_farm`; or what its buyer is asked about first (`ask`)."
#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "coupon": "The code of a coupon; case, spaces and hyphens make no difference. Empty or omitted for none.",
    "quote_id": "A quote that is held, instead of lines, fulfilment and coupon: its prices and charges are those of the order.",
    "expected_total": "The total that the buyer has seen; if it has changed since, nothing is ordered (409).",
    "fulfilments": "How the goods of each farm reach the buyer, if it is not the same for all.",
    "PlaceOrder.buyer_id": "Id of the account that it is ordered for, by the market's staff: the order is theirs, and they are told of it.",
    "PlaceOrder.guest": "Who orders without an account, where `guests` of `GET /api/market` is true.",
    "GuestIn.name": "Their name, which the farms see.",
    "GuestIn.email": "Their address, for mails about the order.",
    "GuestIn.phone": "Their telephone number, which the farms see.",
    "OrderKeyQuery.token": "The key of the link in a mail about a guest's order; it stands for the guest, without an account: it shows the order, changes and cancels it, and answers what a farm asks about it.",
    "OrderLineIn.note": "A message to the farm about this line.",
    "OrderLineIn.substitution": SUBSTITUTION,
    "OrderLineIn.variant_id": "The pack size; null or omitted for the product itself.",
}  # fmt: skip
