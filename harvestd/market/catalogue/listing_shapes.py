"""The listing of products: its filters, which search shares, and its sorts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, get_args

from msgspec import Meta

from harvestd.kernel.units import Unit
from harvestd.market.catalogue.fact_shapes import Allergens as AllergensIn
from harvestd.market.catalogue.rules import Status
from harvestd.market.catalogue.tag_rules import MAX_TAG_LENGTH
from harvestd.market.farms import benefit_shapes
from harvestd.web.shapes import MINOR_UNITS_ALONE, IdOrSlug, Ids, IdSlugOrName, ListQuery, Position
from harvestd.web.vocabulary import closed

#: Each sort of a list, and what comes first in it.
_FIRST = {
    "relevance": "the best match",
    "newest": "the latest addition",
    "price": "the lowest `price`, whatever quantity it is for",
    "-price": "the highest",
    "popular": "the best seller",
    "rating": "the best rated",
}


def sorts(words: Iterable[str]) -> Meta:
    """The description of the sort parameter, with what comes first in each sort."""
    return Meta(description=f"What comes first: {', '.join(f'`{word}` {_FIRST[word]}' for word in words)}.")


ProductSort = Literal["newest", "price", "-price", "popular", "rating"]

#: Values of one filter.
MAX_VALUES = 20

PriceBound = Annotated[int, Meta(ge=0, le=2**53, extra=MINOR_UNITS_ALONE)]


class ProductFilters(ListQuery, kw_only=True, frozen=True):
    """The filters that the listing and search share. Several values of one filter match products with any of them (of ``free_from``: with none); a category includes its
    subcategories. Category and farm are given by slug or id, the category by its name, too; price bounds are in minor units and compare with ``price``, whatever quantity it is for."""

    category: Annotated[list[IdSlugOrName], Meta(max_length=MAX_VALUES)] = []
    farm: Annotated[list[IdOrSlug], Meta(max_length=MAX_VALUES)] = []
    tag: Annotated[list[Annotated[str, Meta(max_length=MAX_TAG_LENGTH)]], Meta(max_length=MAX_VALUES)] = []
    unit: Annotated[list[Unit], Meta(max_length=MAX_VALUES)] = []
    min_price: PriceBound | None = None
    max_price: PriceBound | None = None
    free_from: AllergensIn = []
    benefit: benefit_shapes.Benefits = []
    in_stock: bool = False
    in_season: bool = False
    near: Position | None = None
    radius_km: Annotated[float, Meta(gt=0, le=500)] | None = None


class ProductsQuery(ProductFilters, kw_only=True, frozen=True):
    """Filters and order of the listing. ``mine`` lists the products of the caller's own farms, including drafts and archived ones;
    ``status`` narrows those to one status, ``updated_since`` to those changed since, the oldest change first instead of in the order of ``sort``. ``ids`` are
    separated by commas. ``count`` is that of ``CountedQuery``."""

    mine: bool = False
    ids: Ids | None = None
    updated_since: datetime | None = None
    status: Status | None = None
    sort: Annotated[
        ProductSort,
        closed("ProductSort", get_args(ProductSort), "What comes first in a list of products."),
        sorts(get_args(ProductSort)),
    ] = "newest"
    count: bool = False


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    **benefit_shapes.WORDS,
    "ProductFilters.category": "Slug or id of a category, including its subcategories; or its name, in any of the market's languages and regardless of case. Several match any of them.",
    "ProductFilters.farm": "Slug or id of a farm. Several match any of them.",
    "free_from": "Only products whose farm declares none of these allergens.",
    "in_season": "Only what is in season today.",
    "in_stock": "Only what something is left of; whether it can be ordered is `orderable`.",
    "max_price": "Highest `price` in minor units, whatever quantity it is for.",
    "mine": "Only the products of the caller's own farms, whatever their status; requires sign-in.",
    "min_price": "Lowest `price` in minor units, whatever quantity it is for.",
    "ProductsQuery.ids": "Only the products with these ids, up to 100, separated by commas; in the order of `sort`, and by pages, as any list of products.",
    "updated_since": "Only the caller's products that their farms have changed at this time or later, whatever their status; the oldest change first. Use with `mine`, without `sort`. "
    "To go on from where a list ended, ask for its last page again: what was changed meanwhile follows. A change is listed once all transactions that began before it are over.",
    "ProductsQuery.status": "Only products with this status; use with `mine`.",
    "ProductFilters.tag": "Only products with this tag, regardless of case. Several match any of them.",
    "ProductFilters.near": "`latitude,longitude` in degrees, such as `48.85,2.35`: the centre of `radius_km`; alone it is what search ranks by, and is refused by the listing, which has no order of distance.",
    "ProductFilters.unit": "Only products sold in this unit. Several match any of them.",
}  # fmt: skip
