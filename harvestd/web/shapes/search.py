"""Search and suggestions."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from msgspec import Meta

from harvestd.market.products import Unit
from harvestd.web.shapes.products import Product
from harvestd.web.shapes.values import (
    In,
    ListQuery,
    Out,
)

Item = TypeVar("Item")


class SearchQuery(ListQuery, kw_only=True, frozen=True):
    """``q`` is free text; the filters are those of the listing."""

    q: Annotated[str, Meta(max_length=500)] = ""
    category: Annotated[str, Meta(max_length=100)] | None = None
    farm: Annotated[str, Meta(max_length=100)] | None = None
    tag: Annotated[str, Meta(max_length=40)] | None = None
    unit: Unit | None = None
    min_price: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    max_price: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    in_stock: bool = False
    in_season: bool = False
    near: str | None = None
    radius_km: Annotated[float, Meta(gt=0, le=500)] | None = None


class FoundProduct(Product, kw_only=True, frozen=True):
    """A product that was found, and why; ``highlight`` is HTML, escaped, with the matches in ``<em>``."""

    score: float
    highlight: dict[str, str]
    distance_km: float | None


class FacetValue(Out, kw_only=True, frozen=True):
    """One value of a facet, and how many hits have it."""

    value: str
    count: int


class SearchPage(Out, Generic[Item], kw_only=True, frozen=True):
    """A page of hits; ``degraded`` is true while the search server is away and PostgreSQL answers."""

    items: list[Item]
    facets: dict[str, list[FacetValue]]
    total: int
    degraded: bool
    next: str | None


class SuggestQuery(In, kw_only=True, frozen=True):
    """The beginning of a word."""

    q: Annotated[str, Meta(max_length=100)]


class Suggestion(Out, kw_only=True, frozen=True):
    """Something whose name begins so."""

    text: str
    kind: str
    slug: str


class Suggestions(Out, kw_only=True, frozen=True):
    """At most ten."""

    items: list[Suggestion]
