"""Products, their listing and their stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, get_args

from msgspec import UNSET, Meta, UnsetType

from harvestd.kernel.units import Unit
from harvestd.market.catalogue.rules import MAX_DESCRIPTION, MAX_REASON, MAX_TAG_LENGTH, MAX_TAGS, MAX_TITLE, Status
from harvestd.web.shapes import (
    MINOR_UNITS_ALONE,
    CategoryId,
    FarmId,
    IdOrSlug,
    In,
    ListQuery,
    MinorUnits,
    Money,
    Named,
    Out,
    Position,
    PricePer,
    Quantity,
    Season,
    SeasonIn,
    UnitOut,
)
from harvestd.web.vocabulary import closed

NotOrderableOut = Annotated[str, closed("NotOrderable", ("nobody-there",), "Why a product cannot be ordered.")]
ProductStatusOut = Annotated[str, closed("ProductStatus", get_args(Status), "Whether a product is on sale.")]
ImageStatusOut = Annotated[
    str, closed("ImageStatus", ("processing", "ready", "failed"), "Whether a picture can be shown.")
]
CompareByOut = Annotated[
    str, closed("CompareBy", ("kg", "litre", "each", "bunch", "box"), "The units that prices are compared by.")
]
#: Each sort of a list, and what comes first in it.
_FIRST = {
    "relevance": "what fits the words best",
    "newest": "what was added last",
    "price": "the lowest `price`, whatever quantity it is for",
    "-price": "the highest",
    "popular": "what was sold most",
    "rating": "what buyers think best of",
}


def sorts(words: Iterable[str]) -> Meta:
    """The description of the sort parameter, with what comes first in each sort."""
    return Meta(description=f"What comes first: {', '.join(f'`{word}` {_FIRST[word]}' for word in words)}.")


ProductSort = Literal["newest", "price", "-price", "popular", "rating"]


class UnitPrice(Out, kw_only=True, frozen=True):
    """The price of a kilogram, a litre or a piece, for comparing offers; ``per`` names which."""

    amount: int
    currency: str
    per: CompareByOut


class Rating(Out, kw_only=True, frozen=True):
    """Stars, 1 to 5; ``average`` is null if nobody has rated."""

    average: float | None
    count: int


class ImageFile(Out, kw_only=True, frozen=True):
    """A picture in one size."""

    webp: str
    jpeg: str
    width: int
    height: int


class Image(Out, kw_only=True, frozen=True):
    """A picture of a product. Pictures cannot be uploaded yet: lists of them are empty."""

    id: str
    status: ImageStatusOut
    alt: str
    position: int
    width: int
    height: int
    dominant_color: str
    sizes: dict[str, ImageFile]


class Product(Out, kw_only=True, frozen=True):
    """A product; quantities in ``unit``, ``price`` for ``price_per``, ``available`` is stock less reservations. ``orderable`` is false
    if nobody would be notified of an order; ``not_orderable`` says why."""

    id: str
    slug: str
    title: str
    description: str
    farm: Named
    category: Named | None
    unit: UnitOut
    price: Money
    price_per: PricePer
    unit_price: UnitPrice
    stock: str
    available: str
    quantity_step: str
    min_quantity: str
    season: Season | None
    harvested_on: date | None
    tags: list[str]
    status: ProductStatusOut
    orderable: bool
    not_orderable: NotOrderableOut | None
    images: list[Image]
    upvote_count: int
    view_count: int
    rating: Rating
    version: int
    created_at: datetime
    updated_at: datetime


#: Values of one filter.
MAX_VALUES = 20


PriceBound = Annotated[int, Meta(ge=0, le=2**53, extra=MINOR_UNITS_ALONE)]


class ProductFilters(ListQuery, kw_only=True, frozen=True):
    """The filters that the listing and search share. Of several values of a filter a product has one; a category includes those below
    it. Category and farm by slug or id, prices in minor units as offered: ``price``, whatever quantity it is for."""

    category: Annotated[list[IdOrSlug], Meta(max_length=MAX_VALUES)] = []
    farm: Annotated[list[IdOrSlug], Meta(max_length=MAX_VALUES)] = []
    tag: Annotated[list[Annotated[str, Meta(max_length=MAX_TAG_LENGTH)]], Meta(max_length=MAX_VALUES)] = []
    unit: Annotated[list[Unit], Meta(max_length=MAX_VALUES)] = []
    min_price: PriceBound | None = None
    max_price: PriceBound | None = None
    in_stock: bool = False
    in_season: bool = False
    near: Position | None = None
    radius_km: Annotated[float, Meta(gt=0, le=500)] | None = None


class ProductsQuery(ProductFilters, kw_only=True, frozen=True):
    """Filters and order of the listing. ``mine`` lists the products of the caller's own farms, drafts and archived ones included;
    ``status`` selects those of them that have it. ``count`` is that of ``CountedQuery``."""

    mine: bool = False
    status: Status | None = None
    sort: Annotated[
        ProductSort,
        closed("ProductSort", get_args(ProductSort), "What comes first in a list of products."),
        sorts(get_args(ProductSort)),
    ] = "newest"
    count: bool = False


Title = Annotated[str, Meta(max_length=MAX_TITLE)]
Description = Annotated[str, Meta(max_length=MAX_DESCRIPTION)]
Tags = Annotated[list[Annotated[str, Meta(max_length=MAX_TAG_LENGTH)]], Meta(max_length=MAX_TAGS)]


class PricePerIn(In, kw_only=True, frozen=True):
    """The quantity that a price is for, in the product's unit or in another one that is an exact multiple or fraction of it (for ``g``
    and ``kg`` either). It is stored and shown in the product's own."""

    quantity: Quantity
    unit: Unit


class NewProduct(In, kw_only=True, frozen=True):
    """A product to offer. ``farm_id`` is required from those with more than one farm, and from staff, who may offer for any. Without
    ``quantity_step`` weighed goods are sold by any amount, and counted goods by 1. Counted goods (each, bunch, box) have whole steps
    and a whole stock. ``price`` is for one of the unit unless ``price_per`` gives another quantity: 640 for 1000 g is 6.40 a kilogram
    of goods sold by the gram."""

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


class ChangeProduct(In, kw_only=True, frozen=True):
    """The fields to change; the stock has its own route. Another ``unit`` is accepted once nothing is in stock, nor in an order that
    has not ended; the step and the minimum quantity become that unit's defaults (1 for counted goods), and the price is for one of it,
    unless they are given, too. ``price_per`` null is one of the unit."""

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


class ChangeStock(In, kw_only=True, frozen=True):
    """Either ``set``, the new level, or ``change``, the amount added (or, if negative, removed) and the reason. The stock of counted
    goods (each, bunch, box) is whole."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {
        "stock": "set-or-change",
        "quantity": "set-or-change",
    }

    set: Quantity | None = None
    change: Quantity | None = None
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class StockLevel(Out, kw_only=True, frozen=True):
    """A product's stock after a change."""

    product_id: str
    stock: str
    reserved: str
    available: str


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "alt": "What the picture shows, for those who cannot see it.",
    "dominant_color": "Of the picture, as `#rrggbb`.",
    "position": "Place in the order.",
    "width": "Pixels.",
    "height": "Pixels.",
    "sizes": "Files by `small`, `medium`, `large`.",
    "webp": "Address of the file in WebP.",
    "jpeg": "Address of the file in JPEG.",
    "available": "What can still be ordered: stock less what is reserved.",
    "average": "Mean of the stars, null where nobody has rated.",
    "category": "The category, null where there is none.",
    "ProductFilters.category": "Slug or id of a category, whose lower categories count, too. Of several, any.",
    "category_id": "Id of the category; null for none.",
    "change": "What to add to the stock; negative takes away.",
    "ProductFilters.farm": "Slug or id of a farm. Of several, any.",
    "NewProduct.farm_id": "Id of the farm that offers it; needed only by those who have more than one, and by staff.",
    "harvested_on": "Day of the harvest.",
    "images": "Pictures, in order. Nothing feeds this yet: always empty.",
    "in_season": "Only what is in season today.",
    "in_stock": "Only what can be ordered now.",
    "max_price": "Highest `price`, in minor units and as it is given, whatever quantity it is for.",
    "mine": "Only the products of the caller's own farms, whatever their status; needs a sign-in.",
    "min_price": "Lowest `price`, in minor units and as it is given, whatever quantity it is for.",
    "min_quantity": "The least that can be ordered.",
    "not_orderable": "Why it cannot be ordered; null where it can.",
    "orderable": "Whether it can be ordered: false where nobody of the farm would hear of it.",
    "per": "What `amount` buys one of: a kilogram, a litre, a piece …",
    "price": "Price now, of `price_per`.",
    "price_per": "What the price is for: so much of the unit.",
    "NewProduct.price_per": "What `price` is for; one of the unit where it is null or left out.",
    "ChangeProduct.price_per": "What `price` is for; null is one of the unit.",
    "product_id": "Id of the product.",
    "quantity_step": "Quantities are multiples of this.",
    "rating": "What buyers think of it. Nothing feeds this yet: always of nobody.",
    "reserved": "What placed orders hold.",
    "season": "First and last day of sale, both included; null for all year.",
    "set": "The new stock.",
    "ProductsQuery.status": "Only products with this status; goes with `mine`.",
    "stock": "What the farm has, reserved or not.",
    "ProductFilters.tag": "Only what has this tag, in whatever case it is written. Of several, any.",
    "ProductFilters.near": "`latitude,longitude` in degrees, such as `48.85,2.35`: where `radius_km` is measured from, and what search ranks by.",
    "tags": "Words that buyers filter by.",
    "unit": "What quantities and the price count.",
    "ProductFilters.unit": "Only what is sold in this unit. Of several, any.",
    "unit_price": "The price of a kilogram, a litre or a piece, so that offers compare.",
    "upvote_count": "How many people liked it. Nothing feeds this yet: always 0.",
    "view_count": "How often its page was seen. Nothing feeds this yet: always 0.",
}  # fmt: skip
