"""Full-text search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs
from zope.interface import Interface


@attrs.frozen
class Sight:
    """Groups whose members alone find a document (none: everybody does), and what it costs members of some: pairs of a group and a price in
    minor units. ``reduced`` is whether its price is a reduction, which they pay if it is lower."""

    visible_to: tuple[str, ...] = ()
    prices: tuple[tuple[str, int], ...] = ()
    reduced: bool = False


@attrs.frozen
class Document:
    """One searchable document. ``version`` only grows: an older one never replaces a newer one.

    ``body`` is the JSON object shown in results; the other fields are matched, counted and sorted by. ``texts`` are title and text in
    other languages, by their tags; ``also`` is text that is found like ``text`` and not shown; ``codes`` are numbers that find it when the whole query is
    one of them. ``removed`` documents are tombstones; one with a ``sight`` is found by some all the same, and an index that everybody asks holds nothing
    else of it.
    """

    kind: str
    id: str
    version: int
    title: str
    text: str = ""
    texts: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)
    also: str = ""
    farm: str | None = None
    farm_name: str = ""
    category: str | None = None
    category_name: str = ""
    tags: tuple[str, ...] = ()
    unit: str | None = None
    price: int | None = None
    in_stock: bool = False
    allergens: tuple[str, ...] = ()
    benefits: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    season_from: str | None = None
    season_to: str | None = None
    popularity: float = 0.0
    rating: float = 0.0
    latitude: float | None = None
    longitude: float | None = None
    fresh_at: datetime | None = None
    body: dict[str, Any] = attrs.field(factory=dict)
    removed: bool = False
    sight: Sight | None = None


Sort = Literal["relevance", "newest", "price", "-price", "popular", "rating"]


def _several(given: str | Iterable[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


#: A way to say a part of a query: words, all of which are meant.
Phrase = tuple[str, ...]


@attrs.frozen
class Boost:
    """What counts ``factor`` times as much: documents with any of ``values`` (slugs, or tags) in ``field``."""

    field: Literal["category", "farm", "tag"]
    values: tuple[str, ...]
    factor: float


@attrs.frozen
class Rules:
    """What the market's staff says of one query. ``groups`` are its parts in order, each with all ways to say it, if any has several;
    ``pins`` the ids of the documents that come first when sorted by relevance, whether or not they have its words."""

    groups: tuple[tuple[Phrase, ...], ...] = ()
    pins: tuple[str, ...] = ()
    boosts: tuple[Boost, ...] = ()


NO_RULES = Rules()


@attrs.frozen
class Search:
    """A search query. ``farm`` and ``category`` are slugs, prices in minor units, ``near`` is (latitude, longitude) in
    degrees, ``radius`` in km; ``after`` is the cursor of an earlier page. Several values of one filter are alternatives (OR), except that
    of ``free_from`` all are absent. With ``explain`` each hit says why it stands where it does. ``language`` is that in which hits are shown, if it is
    another than the market's own: all are found in any. ``groups`` are the ids of those that who searches is in, if that makes a difference."""

    text: str = ""
    category: tuple[str, ...] = attrs.field(default=(), converter=_several)
    farm: tuple[str, ...] = attrs.field(default=(), converter=_several)
    tag: tuple[str, ...] = attrs.field(default=(), converter=_several)
    unit: tuple[str, ...] = attrs.field(default=(), converter=_several)
    min_price: int | None = None
    max_price: int | None = None
    free_from: tuple[str, ...] = attrs.field(default=(), converter=_several)
    benefit: tuple[str, ...] = attrs.field(default=(), converter=_several)
    in_stock: bool = False
    in_season: bool = False
    today: str = ""
    near: tuple[float, float] | None = None
    radius: float | None = None
    sort: Sort = "relevance"
    limit: int = 20
    after: str | None = None
    rules: Rules = NO_RULES
    explain: bool = False
    language: str = ""
    groups: tuple[str, ...] = ()


@attrs.frozen
class Reason:
    """A part of a score: ``points`` of one of the factors of ranking, ``times`` what the rules of the query make of it."""

    factor: str
    points: float
    times: float = 1.0


@attrs.frozen
class Hit:
    """One matching document: its ``body``, a ``score``, and ``highlight`` (HTML-escaped, matches in ``<em>``). The ``reasons``, if they were
    asked for, sum up to the score."""

    id: str
    kind: str
    score: float
    body: dict[str, Any]
    highlight: dict[str, str]
    distance_km: float | None = None
    reasons: tuple[Reason, ...] = ()


@attrs.frozen
class Facet:
    """One value of a facet, and the number of hits with it as the only value of its filter. ``value`` is the filter's value, for
    ``price`` ``"<from>-<to>"``; ``name`` is its display name: for a category or farm its name, otherwise the value."""

    value: str
    count: int
    name: str


@attrs.frozen
class Found:
    """A page of hits; ``facets`` by name (category, farm, tag, price, unit), each counted without its own filter, most hits first;
    if there are too many values, those selected by the filter are included first, then those with most hits; ``next`` is a cursor
    or None."""

    hits: tuple[Hit, ...]
    facets: dict[str, tuple[Facet, ...]]
    total: int
    next: str | None
    degraded: bool = False


#: Maximum products of one title considered for a suggestion.
MAX_ALIKE = 1_000


@attrs.frozen
class Suggestion:
    """``kind`` is product, farm or category. Each title appears once, regardless of case and accents: ``slug`` and ``id`` are those of
    its best-selling product, and ``count`` is the number of products with it, at most :data:`MAX_ALIKE`; for farms and
    categories both are None."""

    text: str
    kind: str
    slug: str
    id: str | None = None
    count: int | None = None


class ISearch(Interface):
    """Full-text search of products: stemming, typo tolerance, facets, prefixes."""

    async def index(documents: Sequence[Document]) -> None:
        """Store each document whose version is newer than the stored one. Raises ``Unavailable``."""

    async def search(question: Search) -> Found:
        """Ranked by relevance, freshness, rating and distance. Bad cursors raise ``Invalid``."""

    async def suggest(prefix: str, limit: int = 10) -> Sequence[Suggestion]:
        """Titles, farms and categories by prefix, case-insensitive, each once."""

    async def rebuild(
        documents: Callable[[str | None, int], Awaitable[Sequence[Document]]], progress: Callable[[int], None]
    ) -> int:
        """Rebuild the index from pages of ``documents(after_id, size)``, while serving searches; returns the count."""


class IStoredSearch(ISearch):
    """A search whose documents are stored in PostgreSQL, regardless of which engine answers."""

    async def write(tx: Any, documents: Sequence[Document]) -> None:
        """:meth:`ISearch.index` as part of the PostgreSQL transaction ``tx``."""


class ISearchMisses(Interface):
    """What was searched for and not found, counted without anybody's name."""

    def note(query: str, language: str, area: str) -> None:
        """Count one search, by its words, the language of who searches and the degree of the earth where they do. Never raises."""

    async def flush() -> None:
        """Write down what was counted so far."""


class ISearchRules(Interface):
    """The rules of the market's staff for searches. A change is known in every process within a second: the database notifies at the
    commit."""

    async def of(words: Sequence[str]) -> Rules:
        """What they say of a query with these words. Raises ``Unavailable`` if that cannot be determined."""

    def changed() -> None:
        """Forget what they were in this process, after a change of them here."""
