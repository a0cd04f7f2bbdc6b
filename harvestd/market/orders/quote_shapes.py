"""Quotes: what an order would be, as it is asked for and shown."""

from __future__ import annotations

from datetime import datetime

from harvestd.market.orders.fulfilment_shapes import Fulfilment
from harvestd.market.orders.placing_shapes import OrderBody
from harvestd.market.orders.shapes import OrderFarm, OrderLine, OrderTotals
from harvestd.web.shapes import Money, Out


class AskQuote(OrderBody, kw_only=True, frozen=True):
    """An order's body: what would that be? With ``hold`` its prices, its stock and its places in windows are kept for whoever asks, for some minutes."""

    hold: bool = False


class QuoteRefusal(Out, kw_only=True, frozen=True):
    """A reason for which the order would be refused now: the problem that it would be answered with, and one of its errors."""

    type: str
    status: int
    title: str
    field: str | None
    code: str | None
    message: str
    params: dict[str, str]
    available: str | None


class QuoteFee(Out, kw_only=True, frozen=True):
    """A fee: what each farm's part has of it, and the tax on that."""

    name: str
    farm_id: str
    amount: Money
    tax: Money


class QuotePart(Out, kw_only=True, frozen=True):
    """One farm's part of the order."""

    farm: OrderFarm
    fulfilment: Fulfilment | None
    lines: list[OrderLine]
    subtotal: Money
    fees: Money
    tax: Money
    discount: Money
    total: Money
    estimated: bool


class Quote(Out, kw_only=True, frozen=True):
    """What an order would be. ``id`` and ``expires_at`` are null unless it is held; where anything is refused, it is of the lines that could be ordered were there enough, and
    nothing is held."""

    id: str | None
    expires_at: datetime | None
    parts: list[QuotePart]
    lines: list[OrderLine]
    fees: list[QuoteFee]
    totals: OrderTotals
    refusals: list[QuoteRefusal]


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "hold": "Whether to keep it for a while: neither another buyer nor a cut-off takes it away meanwhile. Whoever asks has one held at most: another that is held replaces it.",
    "Quote.id": "What an order names as `quote_id`; null if nothing is held.",
    "Quote.expires_at": "Until when it is held, and can be ordered, also if its market day is closed by then; not if that is cancelled.",
    "Quote.fees": "Each fee, by what each farm's part has of it.",
    "QuotePart.subtotal": "The sum of its lines.",
    "QuotePart.total": "Goods and fees less discount, and tax unless it is included.",
    "QuotePart.fees": "What the part has of all fees.",
    "refusals": "Every reason for which the order would be refused now; empty if it would be accepted.",
    "QuoteRefusal.type": "The `type` of the problem that it would be answered with.",
    "QuoteRefusal.status": "The status of that.",
    "QuoteRefusal.title": "The title of that.",
    "QuoteRefusal.field": "The field of the body; null for none.",
    "QuoteRefusal.code": "What is wrong with it, as in `errors`.",
    "QuoteRefusal.message": "The same in words, for the buyer.",
    "QuoteRefusal.params": "The values of the message.",
    "QuoteRefusal.available": "What is left, where that is too little.",
    "QuoteFee.name": "What the fee is called.",
    "QuoteFee.amount": "What the part has of it.",
    "QuoteFee.tax": "The tax on that.",
}  # fmt: skip
