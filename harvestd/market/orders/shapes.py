"""Orders, as they are shown and listed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, UnsetType

from harvestd.market.carts.shapes import SubstitutionOut
from harvestd.market.catalogue.fact_shapes import Facts
from harvestd.market.catalogue.measure_shapes import MeasureOut, Weight
from harvestd.market.orders.fulfilment_shapes import Fulfilment
from harvestd.market.orders.placing_shapes import SUBSTITUTION
from harvestd.market.orders.step_shapes import OrderStatus, OrderStatusOut, OrderStep
from harvestd.web.shapes import CountedQuery, Id, IdOrSlug, Ids, Money, Out, PricePer, UnitOut
from harvestd.web.vocabulary import closed

OrderActionOut = Annotated[
    str,
    closed(
        "OrderAction",
        ("cancel", "amend", "answer", "short", "weigh"),
        "What the caller can do with an order, or a part of it.",
    ),
]


AskedAbout = Annotated[
    str,
    closed(
        "AskedAbout",
        ("addition", "substitute", "weight"),
        "What a buyer is asked about: something that is added, something in the place of what is short, or pieces that weigh more than was agreed on.",
    ),
]


class LineAsked(Out, kw_only=True, frozen=True):
    """What its buyer is asked about a line. With a yes it comes to ``total``, and the order to ``order_total``, which those see who see all of it."""

    about: AskedAbout
    total: Money
    order_total: Money | None


class OrderLine(Out, kw_only=True, frozen=True):
    """A line of an order at the agreed price: ``unit_price`` for ``price_per``. ``facts`` are what was told of the food before it was ordered. ``total`` is
    ``estimated`` where pieces are priced by what they weigh: each at ``estimated_weight`` until they are weighed, all together at ``weight``. Of ``quantity`` the line is
    ``short_of`` some. ``total`` is never above ``agreed_total``. A line that is ``proposed``, in the place of another (``replaces_line_id``) or because its farm would add it, does not count unless its buyer accepts it by ``answer_by``;
    one with ``answer_by`` that is not proposed weighs more than was agreed on, and comes to ``agreed_total`` unless its buyer accepts that. ``asked`` says what it comes to then."""

    id: str
    product_id: str
    variant_id: str | None
    title: str
    quantity: str
    unit: UnitOut
    unit_price: Money
    price_per: PricePer
    total: Money
    priced_by: MeasureOut
    estimated: bool
    estimated_weight: Weight | None
    weight: Weight | None
    short_of: str
    agreed_total: Money | None
    substitution: SubstitutionOut
    note: str
    replaces_line_id: str | None
    proposed: bool
    answer_by: datetime | None
    asked: LineAsked | None
    facts: Facts


class OrderFarm(Out, kw_only=True, frozen=True):
    """A farm by name."""

    id: str
    name: str


class OrderBuyer(Out, kw_only=True, frozen=True):
    """Who ordered; shown to the farms in the order and the market's staff."""

    name: str
    phone: str | UnsetType = UNSET


class OrderPart(Out, kw_only=True, frozen=True):
    """One farm's part of an order; ``reason`` is that of its last step. ``subtotal`` is ``estimated`` if any line is."""

    farm: OrderFarm
    status: OrderStatusOut
    fulfilment: Fulfilment
    reason: str
    lines: list[OrderLine]
    subtotal: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money
    estimated: bool


class OrderTotals(Out, kw_only=True, frozen=True):
    """What is owed for the active parts: goods and fees, less discount, and tax unless ``tax_included``. An order that is cancelled or expired as a whole still shows
    what was agreed, but nothing is owed for it. ``total`` is ``estimated`` while any line that it counts is: the farm weighs what it is priced by."""

    goods: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money
    tax_included: bool
    estimated: bool


class OrderFee(Out, kw_only=True, frozen=True):
    """A fee: what the part of a farm has of it, and the tax on that."""

    name: str
    farm_id: str
    amount: Money
    tax: Money


class Order(Out, kw_only=True, frozen=True):
    """An order. A farm sees only its own part, with the totals and steps of that part. ``fulfilment`` is null if the parts
    shown differ in it; ``can`` is what the caller may do with the order now."""

    id: str
    number: str
    status: OrderStatusOut
    lines: list[OrderLine]
    parts: list[OrderPart]
    totals: OrderTotals
    fees: list[OrderFee]
    coupon: str | None
    fulfilment: Fulfilment | None
    note: str
    buyer: OrderBuyer | UnsetType = UNSET
    steps: list[OrderStep]
    can: list[OrderActionOut]
    placed_at: datetime
    updated_at: datetime
    version: int


class OrdersQuery(CountedQuery, kw_only=True, frozen=True):
    """``status`` selects the orders (for a farm: its parts) with that status, ``updated_since`` those that were changed since, the oldest change
    first. ``farm`` selects those with a part of a farm; a status or market day is then that part's, for everybody. ``ids`` are all that is asked for."""

    ids: Ids | None = None
    updated_since: datetime | None = None
    status: OrderStatus | None = None
    farm: IdOrSlug | None = None
    market_day: Id | None = None


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "facts": "What was told of the food before it was ordered.",
    "discount": "What the coupon takes off the goods.",
    "OrderTotals.tax_included": "Whether the tax is part of the other amounts, or comes on top of them.",
    "buyer": "Who ordered, for the farms that prepare the order.",
    "steps": "The status changes, with their times.",
    "can": "What the caller may do with it now.",
    "fees": "Fees of the market and of the farms.",
    "Order.fees": "Each fee, by what the part of each farm that is owed for has of it; for an order that is cancelled or expired as a whole, what was agreed. Empty for orders from before fees were noted.",
    "OrderFee.name": "What the fee is called.",
    "OrderFee.amount": "What the part has of it.",
    "OrderFee.tax": "The tax on that.",
    "Order.coupon": "The code of the coupon, for whoever sees the whole order, and the farm whose coupon it is; null: without one.",
    "fulfilment": "How the goods reach the buyer.",
    "goods": "The sum of the lines of the active parts.",
    "note": "A message from the buyer to the farms.",
    "placed_at": "When it was placed.",
    "OrdersQuery.ids": "Only these orders, in this order and on one page; those that are not there, or not the caller's to see, are left out. Goes without the other parameters.",
    "OrdersQuery.updated_since": "Only orders that were changed at this time or later, cancelled ones, too; the oldest change first. To go on from where a list ended, ask for its "
    "last page again: what was changed meanwhile follows. A change is listed once all transactions that began before it are over.",
    "OrdersQuery.farm": "Only orders with a part of this farm, by its id or slug; not with `updated_since`.",
    "OrdersQuery.market_day": "Only orders with a part in a window of this market day: of a farm's orders its own part, with `farm` that farm's. Not with `updated_since`.",
    "OrdersQuery.status": "Only orders (for a farm: parts) with this status.",
    "tax": "Tax: of goods less discount, and of fees.",
    "OrderTotals.total": "What the buyer owes: goods and fees less discount, and tax unless it is included. For an order that is cancelled or expired as a whole, what was agreed.",
    "OrderPart.subtotal": "The sum of its lines.",
    "OrderPart.total": "Goods and fees less discount, and tax unless it is included.",
    "totals": "What is owed; for an order that is cancelled or expired as a whole, what was agreed.",
    "OrderLine.title": "Its title when it was ordered: to its buyer as they saw it, in their language, to everybody else the farm's own.",
    "OrderLine.unit_price": "The agreed price, for `price_per`.",
    "OrderLine.variant_id": "The pack size; null for the product itself.",
    "OrderLine.priced_by": "What its price is by: what it is sold by or, of pieces, their weight.",
    "estimated": "Whether `total` is an estimate, until the farm has weighed the pieces.",
    "OrderPart.estimated": "Whether `subtotal` is an estimate, until the farm has weighed the pieces.",
    "OrderLine.weight": "What all that its buyer gets of the line weighs; null until it is weighed.",
    "short_of": "How much of the quantity its farm does not have; it is not owed for.",
    "agreed_total": "The most that is owed for the line, whatever it weighs; null for orders from before there was a limit.",
    "OrderLine.substitution": SUBSTITUTION,
    "OrderLine.note": "What its buyer says of it to the farm.",
    "replaces_line_id": "The line in whose place this one is; null: it was ordered.",
    "proposed": "Whether its buyer is asked whether they want it.",
    "answer_by": "By when its buyer is to answer, not later than the end of its window; without an answer by then, or once it has left its farm, it is a no. Null: nobody is asked about it.",
    "asked": "What its buyer is asked about it; null: nothing.",
    "LineAsked.about": "What it is about.",
    "LineAsked.total": "What this line comes to with a yes: what `expected_total` of the answer names.",
    "LineAsked.order_total": "What the order comes to with a yes to this line alone; null for those who see only a part of it.",
    "OrderLine.estimated_weight": "What each piece is estimated to weigh; null unless it is priced by that.",
}  # fmt: skip
