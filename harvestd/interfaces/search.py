"""Full-text search: the query, what is found, and the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal

import attrs
from zope.interface import Interface

from harvestd.interfaces.documents import Document
from harvestd.interfaces.search_rules import NO_RULES, Rules

Sort = Literal["relevance", "newest", "price", "-price", "popular", "rating"]


def _several(given: str | Iterable[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


@attrs.frozen
class Search:
    """A search query. ``farm`` and ``category`` are slugs, prices in minor units, ``near`` is (latitude, longitude) in
    degrees, ``radius`` in km; ``after`` is the cursor of an earlier page. Several values of one filter are alternatives (OR), except that
    of ``free_from`` all are absent. With ``explain`` each hit says why it stands where it does. ``language`` is that in which hits are shown, if it is
    another than the market's own: all are found in any. ``groups`` are the ids of those that who searches is in, if that makes a difference; the market's
    ``staff`` find what any group does."""

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
    staff: bool = False

    @property
    def bare(self) -> Search:
        """The same without pins: what its words find, however many are put before it."""
        pinned = self.rules.pins and self.sort == "relevance"
        return attrs.evolve(self, rules=attrs.evolve(self.rules, pins=())) if pinned else self

    @property
    def restricted(self) -> bool:
        """Whether who searches finds what not everybody may, or pays another price: no engine holds that."""
        return self.staff or bool(self.groups)


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
