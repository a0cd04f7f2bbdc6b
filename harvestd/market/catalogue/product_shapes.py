"""A product, as it is shown."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, get_args

from harvestd.market.catalogue import fact_shapes as facts
from harvestd.market.catalogue import measure_shapes as measures
from harvestd.market.catalogue import price_shapes
from harvestd.market.catalogue.image_shapes import Image
from harvestd.market.catalogue.price_shapes import UnitPrice
from harvestd.market.catalogue.rules import Status
from harvestd.market.catalogue.variant_shapes import Variant
from harvestd.web.claim_shapes import Certification
from harvestd.web.shapes import Money, Named, Out, PricePer, Rating, Season, UnitOut
from harvestd.web.vocabulary import closed

NotOrderableOut = Annotated[
    str, closed("NotOrderable", ("nobody-there", "farm-away", "past-use-by"), "Why a product cannot be ordered.")
]
ProductStatusOut = Annotated[str, closed("ProductStatus", get_args(Status), "Whether a product is on sale.")]


class ProductTranslation(Out, kw_only=True, frozen=True):
    """A product's texts in another of the market's languages."""

    title: str
    description: str


class Product(Out, kw_only=True, frozen=True):
    """A product. Quantities are in ``unit``, ``price`` is for ``price_per``, ``available`` is stock less reservations. Where ``priced_by`` is another
    measure than ``sold_by``, a piece is sold at what it weighs, about ``estimated_weight``, and totals are estimates. ``orderable`` is false if
    nobody would answer for an order, or the farm is away; ``not_orderable`` says why."""

    id: str
    slug: str
    title: str
    description: str
    farm: Named
    category: Named | None
    unit: UnitOut
    unit_code: facts.UnitCodeOut
    price: Money
    price_per: PricePer
    unit_price: UnitPrice
    prior_price: Money | None
    markdown: price_shapes.Markdown | None
    sold_by: measures.MeasureOut
    priced_by: measures.MeasureOut
    estimated_weight: measures.Weight | None
    variants: list[Variant]
    stock: str
    available: str
    quantity_step: str
    min_quantity: str
    season: Season | None
    in_season: bool
    harvested_on: date | None
    tags: list[str]
    sku: str
    external_id: str | None
    gtin: str
    lot: str
    allergens: list[facts.AllergenOut]
    ingredients: str
    origin: str
    storage: facts.StorageOut | None
    durability: facts.Durability | None
    certifications: list[Certification]
    metadata: dict[str, str]
    translations: dict[str, ProductTranslation]
    status: ProductStatusOut
    visible_to: list[str] | None
    prices: list[price_shapes.GroupPrice] | None
    orderable: bool
    not_orderable: NotOrderableOut | None
    away_until: date | None
    images: list[Image]
    upvote_count: int
    view_count: int
    rating: Rating
    version: int
    created_at: datetime
    updated_at: datetime


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "available": "What can still be ordered: stock less reservations.",
    "average": "Mean of the stars; null if nobody has rated.",
    "category": "The category; null if there is none.",
    "harvested_on": "Day of the harvest.",
    "images": "The pictures that can be shown, in order.",
    "min_quantity": "The minimum order quantity.",
    "not_orderable": "Why nobody can order it, however much is left and whatever the season; null if they can: see `status`, `in_season` and `available`, too.",
    "orderable": "Whether it can be ordered: false if nobody would answer for the order, as the farm has no owner with an open account, or is not verified; if it is away; or if its "
    "`use_by` day is over.",
    "Product.title": "Its title, in the language that is asked for, as far as it is translated; in the farm's own to those who may change it.",
    "Product.description": "What the farm says of it, in the language of `title`. In lists of others' products it is cut to 1,000 characters, and ends in `…` then.",
    "Product.ingredients": "Its ingredients, in descending order of weight. In lists of others' products they are cut to 1,000 characters, and end in `…` then: the product's own page has all.",
    "Product.metadata": "Notes of another system: kept, returned, never read. Empty in lists of others' products; the product's own page has them.",
    "Product.certifications": "Claims such as organic farming, each until its last day; to those who may change it those that are over, too.",
    "Product.translations": "Its texts in the market's other languages, by their tags, to those who may change it; empty for others, who ask for a language by `Accept-Language`.",
    "ProductTranslation.title": "The title.",
    "ProductTranslation.description": "The description; where it is empty, the product's own is shown.",
    "Product.away_until": "The last day of its farm's absence; null if the farm is here today.",
    "price": "The current price, for `price_per`.",
    "price_per": "The quantity that the price is for.",
    "quantity_step": "Quantities are multiples of this.",
    "rating": "The buyers' rating. Not implemented yet: always without ratings.",
    "Product.in_season": "Whether it is in season today.",
    "season": "First and last day of sale, inclusive; null for all year.",
    "stock": "What the farm has, reserved or not.",
    "tags": "Words that buyers filter by.",
    "unit": "The unit of quantities and of the price.",
    "upvote_count": "How many users liked it. Not implemented yet: always 0.",
    "view_count": "How often its page was viewed, as far as it is known not by programs, nor by its own farm; some minutes old.",
}  # fmt: skip
