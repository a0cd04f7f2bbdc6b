"""Search and suggestions."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar, get_args

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.catalogue.image_shapes import Image
from harvestd.market.catalogue.listing_shapes import ProductFilters, sorts
from harvestd.market.catalogue.product_shapes import Product
from harvestd.market.search.ranking import FACTORS
from harvestd.web.shapes import In, Named, Out
from harvestd.web.vocabulary import closed

Item = TypeVar("Item")


_FACTOR = closed("RankingFactor", (*FACTORS, "pin"), "What search ranks by: see [ranking](/docs/ranking).")
FactorOut = Annotated[str, _FACTOR]
SearchSort = Literal["relevance", "newest", "price", "-price", "popular", "rating"]
SuggestionKindOut = Annotated[str, closed("SuggestionKind", ("product", "farm", "category"), "What a suggestion is.")]


class SearchQuery(ProductFilters, kw_only=True, frozen=True):
    """``q`` is free text; filters and sorts are those of the listing, and the default order is relevance."""

    q: Annotated[str, Meta(max_length=500)] = ""
    sort: Annotated[
        SearchSort,
        closed("SearchSort", get_args(SearchSort), "What comes first in the hits of a search."),
        sorts(get_args(SearchSort)),
    ] = "relevance"
    explain: bool = False


class RankingReason(Out, kw_only=True, frozen=True):
    """A part of a score: it sums up from ``points`` x ``times`` of all."""

    factor: FactorOut
    points: float
    times: float


class FoundProduct(Product, kw_only=True, frozen=True):
    """A product that matches, and why; ``highlight`` is escaped HTML with the matches in ``<em>``, ``variant_id`` the pack size that the query is the
    number of."""

    score: float
    highlight: dict[str, str]
    distance_km: float | None
    variant_id: str | None
    reasons: list[RankingReason] | UnsetType = UNSET


class FacetValue(Out, kw_only=True, frozen=True):
    """A value of a facet, its display name, and how many hits there are with it as its filter's only value. A category counts
    only its own products, while a search by it includes its subcategories. A value in the query is listed even if no hit
    has it."""

    value: str
    name: str
    count: int


class SearchPage(Out, Generic[Item], kw_only=True, frozen=True):
    """A page of hits; ``degraded`` is true while the search server is unavailable and PostgreSQL answers."""

    items: list[Item]
    facets: dict[str, list[FacetValue]]
    total: int
    degraded: bool
    next: str | None


class SuggestQuery(In, kw_only=True, frozen=True):
    """The beginning of a word."""

    q: Annotated[str, Meta(max_length=100)]


class Suggestion(Out, kw_only=True, frozen=True):
    """Something whose name begins with the query. A title that several products share is listed once, as the best seller of them."""

    text: str
    kind: SuggestionKindOut
    id: str
    slug: str
    farm: Named | None
    count: int | None
    image: Image | None


class Suggestions(Out, kw_only=True, frozen=True):
    """At most ten suggestions."""

    items: list[Suggestion]


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "Suggestion.kind": "What it names.",
    "degraded": "True while the search engine is unavailable and PostgreSQL answers instead.",
    "facets": "For each facet, its values and how many hits there are with each as the only value of its filter; the other filters apply. Counts stop at 10,000 hits; where PostgreSQL searches they are of the best 1,000.",
    "explain": "Whether each hit says why it stands where it does; for the market's staff.",
    "factor": "What the points are for.",
    "points": "How many points the product has of this factor.",
    "times": "What the market's rules for the query multiply them by.",
    "FoundProduct.variant_id": "The pack size whose `sku` or `external_id` the query is; null where it is no number, or the product's own.",
    "reasons": "Why it stands where it does, if `explain` was asked for.",
    "highlight": "HTML by field: escaped text, the matches in `<em>`.",
    "Suggestions.items": "The suggestions, the best first.",
    "score": "Relevance score; comparable only within one answer.",
    "text": "The text to show.",
    "Suggestion.id": "The id of the product, farm or category.",
    "Suggestion.slug": "Its readable name in URLs.",
    "Suggestion.farm": "The farm of the product; null for farms and categories.",
    "Suggestion.count": "How many products have this title, of which the one shown sells best: if 1, link to its page; if more, search for the title. It stops at 1,000; null for farms and categories.",
    "Suggestion.image": "The product's first picture; null without one, and for farms and categories.",
    "SearchPage.total": "How many hits there are; it stops at 10,000, where PostgreSQL searches at 1,000, the pages do not. Of more hits PostgreSQL ranks the best 1,000; the others follow in the order of their ids.",
    "value": "Slug of the category or farm, or the tag, unit or price band itself.",
}  # fmt: skip
