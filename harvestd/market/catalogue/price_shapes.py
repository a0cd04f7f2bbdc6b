"""Prices: of a kilogram or a piece for comparing, those of groups of buyers, reduced ones, and what a product cost when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, field

from harvestd.kernel.quantities import COMPARED
from harvestd.market.catalogue.group_rules import MAX_GROUPS
from harvestd.market.catalogue.markdown_rules import MAX_REASON
from harvestd.web.shapes import CountedQuery, IdOrSlug, In, MinorUnits, Money, Out, PricePer
from harvestd.web.vocabulary import closed

VisibleTo = Annotated[list[IdOrSlug], Meta(max_length=MAX_GROUPS, examples=[["wholesale"]])]

CompareByOut = Annotated[
    str,
    closed(
        "CompareBy", tuple(dict.fromkeys(per for per, _ in COMPARED.values())), "The units that prices are compared by."
    ),
]


class UnitPrice(Out, kw_only=True, frozen=True):
    """The price of a kilogram, a litre or a piece, for comparing offers; ``per`` says which."""

    amount: int
    currency: str
    per: CompareByOut


class GroupPriceIn(In, kw_only=True, frozen=True):
    """What members of a group of buyers pay."""

    group: IdOrSlug
    price: Money | MinorUnits


GroupPrices = Annotated[list[GroupPriceIn], Meta(max_length=MAX_GROUPS)]


class GroupPrice(Out, kw_only=True, frozen=True):
    """What members of a group of buyers pay."""

    group: str
    price: Money


class Markdown(Out, kw_only=True, frozen=True):
    """A reduction of the price, which ends by itself."""

    regular_price: Money
    until: datetime
    reason: str


class NewMarkdown(In, kw_only=True, frozen=True):
    """A reduced price, for the quantity that the price is for, and until when."""

    price: Money | MinorUnits
    until: datetime
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class PriceHistoryQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of prices."""


class PastPrice(Out, kw_only=True, frozen=True):
    """A price that everybody paid, from a time on."""

    from_: datetime = field(name="from")
    price: Money
    price_per: PricePer
    on_sale: bool
    reduced: bool


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "per": "The unit that `amount` is for: a kilogram, a litre, a piece …",
    "unit_price": "The price of a kilogram, a litre or a piece, for comparing offers.",
    "group": "Id of a group of buyers; in requests also its slug.",
    "GroupPrice.price": "What its members pay, for `price_per`; of several groups the lowest counts.",
    "GroupPriceIn.price": "What its members pay, for `price_per`; of several groups the lowest counts.",
    "prices": "What members of groups of buyers pay instead, at most what everybody does (where that is lower by now, they pay that); told on the product's page and by `mine=true` to those who may change it, who see the price of everybody in `price`; null to all others, and in other lists.",
    "visible_to": "The groups of buyers whose members alone see it, besides its farm and the market's staff; empty: everybody sees it. Told on the product's page and by `mine=true` to those who may change it; null to all others, and in other lists.",
    "prior_price": "While a reduction is announced: the lowest price of the thirty days before it, for `price_per` (Directive 98/6/EC, article 6a); null otherwise.",
    "markdown": "The announced reduction of `price`; null if there is none.",
    "regular_price": "The price to which it returns.",
    "Markdown.until": "When the reduction ends by itself.",
    "NewMarkdown.until": "When the reduction ends by itself.",
    "Markdown.reason": "Why it is reduced, as its farm says.",
    "NewMarkdown.reason": "Why it is reduced, for buyers to read.",
    "NewMarkdown.price": "The reduced price, below the present one, for `price_per`.",
    "PastPrice.from": "Since when it cost that.",
    "PastPrice.price": "What it cost everybody, for `price_per`.",
    "on_sale": "Whether it was published then.",
    "reduced": "Whether that was an announced reduction.",
}
