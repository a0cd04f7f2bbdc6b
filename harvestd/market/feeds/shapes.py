"""What is asked of feeds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from harvestd.market.catalogue.listing_shapes import MAX_VALUES
from harvestd.web.reading import form
from harvestd.web.shapes import IdOrSlug, IdSlugOrName, In, Limit, ListQuery


class FeedQuery(In, kw_only=True, frozen=True):
    """Whose products, and of which kinds; several values match any of them."""

    category: Annotated[list[IdSlugOrName], Meta(max_length=MAX_VALUES)] = []
    farm: Annotated[list[IdOrSlug], Meta(max_length=MAX_VALUES)] = []


class SitemapQuery(In, kw_only=True, frozen=True):
    """Which part of the site map: as its index has it."""

    part: (
        Annotated[
            str,
            form(
                "(?:farms|products)~(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?"
                "~(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?",
                description="Farms or products, and between which ids.",
                max_length=100,
                examples=["products~~0197f0a0-7c1e-7abc-8def-0123456789ab"],
            ),
        ]
        | None
    ) = None


class CatalogueQuery(ListQuery, kw_only=True, frozen=True):
    """Which page of a farm's products."""

    limit: Limit = 100


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "FeedQuery.category": "Slug or id of a category, including its subcategories; or its name, in any of the market's languages and regardless of case. Several match any of them.",
    "FeedQuery.farm": "Slug or id of a farm. Several match any of them.",
    "part": "A part of the site map, as its index names it.",
}
