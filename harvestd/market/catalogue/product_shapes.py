"""A product, as it is shown, created and changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar, get_args

from msgspec import UNSET, Meta, UnsetType

from harvestd.kernel.quantities import COMPARED
from harvestd.kernel.units import Unit
from harvestd.market.catalogue import fact_shapes as facts
from harvestd.market.catalogue.rules import MAX_DESCRIPTION, MAX_TITLE, Status
from harvestd.market.catalogue.tag_rules import MAX_TAG_LENGTH, MAX_TAGS
from harvestd.web.claim_shapes import Certification, Certifications
from harvestd.web.shapes import (
    CategoryId,
    ExternalId,
    FarmId,
    In,
    Metadata,
    MinorUnits,
    Money,
    Named,
    Out,
    PricePer,
    Quantity,
    Rating,
    Season,
    SeasonIn,
    UnitOut,
)
from harvestd.web.vocabulary import closed

NotOrderableOut = Annotated[
    str, closed("NotOrderable", ("nobody-there", "farm-away"), "Why a product cannot be ordered.")
]
ProductStatusOut = Annotated[str, closed("ProductStatus", get_args(Status), "Whether a product is on sale.")]
ImageStatusOut = Annotated[
    str, closed("ImageStatus", ("processing", "ready", "failed"), "Whether a picture can be shown.")
]
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


class ImageFile(Out, kw_only=True, frozen=True):
    """A picture in one size."""

    webp: str
    jpeg: str
    width: int
    height: int


class ImageSizes(Out, kw_only=True, frozen=True):
    """A picture in each size: it fits into a square of 320, 800 and 1600 pixels."""

    small: ImageFile
    medium: ImageFile
    large: ImageFile


class Image(Out, kw_only=True, frozen=True):
    """A picture of a product, made in each size."""

    id: str
    status: ImageStatusOut
    alt: str
    position: int
    width: int
    height: int
    dominant_color: str
    sizes: ImageSizes


class Product(Out, kw_only=True, frozen=True):
    """A product. Quantities are in ``unit``, ``price`` is for ``price_per``, ``available`` is stock less reservations. ``orderable`` is false if
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
    status: ProductStatusOut
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


Title = Annotated[str, Meta(max_length=MAX_TITLE)]
Description = Annotated[str, Meta(max_length=MAX_DESCRIPTION)]
Tags = Annotated[list[Annotated[str, Meta(max_length=MAX_TAG_LENGTH)]], Meta(max_length=MAX_TAGS)]


class PricePerIn(In, kw_only=True, frozen=True):
    """The quantity that a price is for, in the product's unit or in another that converts to it exactly (such as ``g`` and ``kg``).
    It is stored and shown in the product's own unit."""

    quantity: Quantity
    unit: Unit


class NewProduct(In, kw_only=True, frozen=True):
    """A new product. ``farm_id`` is required of callers with more than one farm, and of staff, who may create products for any farm. Without
    ``quantity_step``, weighed goods are sold in any amount and counted goods by 1. Counted goods (each, bunch, dozen …) have whole steps and whole stock.
    ``price`` is for one unit unless ``price_per`` gives another quantity: 640 for 1000 g is 6.40 a kilogram of a product sold by the gram."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {"slug": "from-title"}

    title: Title
    unit: Unit
    price: Money | MinorUnits
    stock: Quantity
    description: Description = ""
    category_id: CategoryId | None = None
    farm_id: FarmId | None = None
    price_per: PricePerIn | None = None
    quantity_step: Quantity | None = None
    min_quantity: Quantity | None = None
    season: SeasonIn | None = None
    harvested_on: date | None = None
    tags: Tags = []
    status: Status = "published"
    sku: facts.Sku = ""
    external_id: ExternalId | None = None
    gtin: facts.Gtin = ""
    lot: facts.Lot = ""
    allergens: facts.Allergens = []
    ingredients: facts.Ingredients = ""
    origin: facts.Origin = ""
    storage: facts.StorageIn | None = None
    durability: facts.DurabilityIn | None = None
    certifications: Certifications = []
    metadata: Metadata = {}


class ChangeProduct(In, kw_only=True, frozen=True):
    """The fields to change; stock has its own route. ``unit`` can be changed only while there is neither stock nor an open order; quantity
    step and minimum quantity then return to the new unit's defaults (1 for counted goods), and the price is for one unit, unless
    they are given, too. ``price_per`` null means one unit."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {
        "stock": "stock-route",
        "farm_id": "farm-stays",
        "slug": "slug-stays",
    }

    title: Title | UnsetType = UNSET
    unit: Unit | UnsetType = UNSET
    price: Money | MinorUnits | UnsetType = UNSET
    price_per: PricePerIn | UnsetType | None = UNSET
    description: Description | UnsetType = UNSET
    category_id: CategoryId | UnsetType | None = UNSET
    quantity_step: Quantity | UnsetType = UNSET
    min_quantity: Quantity | UnsetType = UNSET
    season: SeasonIn | UnsetType | None = UNSET
    harvested_on: date | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    sku: facts.Sku | UnsetType = UNSET
    external_id: ExternalId | UnsetType | None = UNSET
    gtin: facts.Gtin | UnsetType = UNSET
    lot: facts.Lot | UnsetType = UNSET
    allergens: facts.Allergens | UnsetType = UNSET
    ingredients: facts.Ingredients | UnsetType = UNSET
    origin: facts.Origin | UnsetType = UNSET
    storage: facts.StorageIn | UnsetType | None = UNSET
    durability: facts.DurabilityIn | UnsetType | None = UNSET
    certifications: Certifications | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    **facts.WORDS,
    "alt": "Alternative text: what the picture shows.",
    "dominant_color": "Dominant colour of the picture, as `#rrggbb`.",
    "position": "Position among the pictures.",
    "width": "Width in pixels.",
    "height": "Height in pixels.",
    "Image.sizes": "The picture in each size, never enlarged.",
    "ImageSizes.small": "For lists: 320 pixels at most.",
    "ImageSizes.medium": "For a page on a telephone: 800 pixels at most.",
    "ImageSizes.large": "For a page: 1600 pixels at most.",
    "webp": "Address of the WebP file, below this server's; it is for one content, for good.",
    "jpeg": "Address of the JPEG file, for clients that do not show WebP.",
    "available": "What can still be ordered: stock less reservations.",
    "average": "Mean of the stars; null if nobody has rated.",
    "category": "The category; null if there is none.",
    "category_id": "Id of the category; null for none.",
    "NewProduct.farm_id": "Id of the farm that sells it; required only of callers with more than one farm, and of staff.",
    "harvested_on": "Day of the harvest.",
    "images": "The pictures that can be shown, in order.",
    "min_quantity": "The minimum order quantity.",
    "not_orderable": "Why nobody can order it, however much is left and whatever the season; null if they can: see `status`, `in_season` and `available`, too.",
    "orderable": "Whether it can be ordered: false if nobody would answer for the order, as the farm has no owner with an open account, or is not verified; or if it is away.",
    "Product.away_until": "The last day of its farm's absence; null if the farm is here today.",
    "per": "The unit that `amount` is for: a kilogram, a litre, a piece …",
    "price": "The current price, for `price_per`.",
    "price_per": "The quantity that the price is for.",
    "NewProduct.price_per": "The quantity that `price` is for; one unit if null or omitted.",
    "ChangeProduct.price_per": "The quantity that `price` is for; null means one unit.",
    "quantity_step": "Quantities are multiples of this.",
    "rating": "The buyers' rating. Not implemented yet: always without ratings.",
    "Product.in_season": "Whether it is in season today.",
    "season": "First and last day of sale, inclusive; null for all year.",
    "stock": "What the farm has, reserved or not.",
    "tags": "Words that buyers filter by.",
    "unit": "The unit of quantities and of the price.",
    "unit_price": "The price of a kilogram, a litre or a piece, for comparing offers.",
    "upvote_count": "How many users liked it. Not implemented yet: always 0.",
    "view_count": "How often its page was viewed. Not implemented yet: always 0.",
}  # fmt: skip
