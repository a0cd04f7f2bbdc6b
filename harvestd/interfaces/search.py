"""Full text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import attrs
from zope.interface import Interface


@attrs.frozen
class Document:
    """One thing that can be found. ``version`` only grows: an older one never replaces a newer one.

    ``body`` is the JSON object that the answer shows for it; the other fields are what is matched, counted and sorted.
    ``removed`` documents are tombstones.
    """

    kind: str
    id: str
    version: int
    title: str
    text: str = ""
    farm: str | None = None
    farm_name: str = ""
    category: str | None = None
    category_name: str = ""
    tags: tuple[str, ...] = ()
    unit: str | None = None
    price: int | None = None
    in_stock: bool = False
    season_from: str | None = None
    season_to: str | None = None
    popularity: float = 0.0
    latitude: float | None = None
    longitude: float | None = None
    fresh_at: datetime | None = None
    body: dict[str, Any] = attrs.field(factory=dict)
    removed: bool = False


@attrs.frozen
class Search:
    """A question. ``farm`` and ``category`` are slugs, prices in minor units, ``near`` is (latitude, longitude) in
    degrees, ``radius`` in km; ``after`` is the cursor of an earlier page."""

    text: str = ""
    category: str | None = None
    farm: str | None = None
    tag: str | None = None
    unit: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False
    in_season: bool = False
    today: str = ""
    near: tuple[float, float] | None = None
    radius: float | None = None
    limit: int = 20
    after: str | None = None


@attrs.frozen
class Hit:
    """One document found: its ``body``, a ``score``, and ``highlight`` (HTML-escaped, matches in ``<em>``)."""

    id: str
    kind: str
    score: float
    body: dict[str, Any]
    highlight: dict[str, str]
    distance_km: float | None = None


@attrs.frozen
class Facet:
    """One value of a facet and how many of the hits have it. For ``price``, ``value`` is ``"<from>-<to>"``."""

    value: str
    count: int


@attrs.frozen
class Found:
    """A page of hits; ``facets`` by name (category, farm, tag, price, unit); ``next`` a cursor or None."""

    hits: tuple[Hit, ...]
    facets: dict[str, tuple[Facet, ...]]
    total: int
    next: str | None
    degraded: bool = False


@attrs.frozen
class Suggestion:
    """``kind`` is product, farm or category."""

    text: str
    kind: str
    slug: str


class ISearch(Interface):
    """Full text over products: stems, typing errors, facets, prefixes."""

    async def index(documents: Sequence[Document]) -> None:
        """Store each document whose version is newer than the one held. Raises ``Unavailable``."""

    async def search(question: Search) -> Found:
        """Ranked by relevance, freshness, rating and distance. Bad cursors raise ``Invalid``."""

    async def suggest(prefix: str, limit: int = 10) -> Sequence[Suggestion]:
        """Titles, farms and categories by prefix, without regard to case."""

    async def rebuild(
        documents: Callable[[str | None, int], Awaitable[Sequence[Document]]], progress: Callable[[int], None]
    ) -> int:
        """Build anew from pages of ``documents(after_id, size)``, answering searches all the while; returns the count."""
