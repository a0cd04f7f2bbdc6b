"""Search: the index finds and ranks, PostgreSQL's rows are what is shown."""

from __future__ import annotations

import msgspec

from harvestd.interfaces import Hit, Search
from harvestd.store import cards
from harvestd.web.call import Call
from harvestd.web.days import today
from harvestd.web.positions import position
from harvestd.web.shapes.search import (
    FacetValue,
    SearchPage,
    SearchQuery,
    Suggestion,
    Suggestions,
    SuggestQuery,
)


async def search(call: Call, query: SearchQuery) -> SearchPage[msgspec.Raw]:
    """Products that match, as they are now: one that left the market since it was indexed is left out."""
    near = position(query.near) if query.near is not None else None
    found = await call.parts.search.search(
        Search(
            text=query.q, category=query.category, farm=query.farm, tag=query.tag, unit=query.unit,
            min_price=query.min_price, max_price=query.max_price, in_stock=query.in_stock, in_season=query.in_season,
            today=today(call).isoformat(), near=near, radius=query.radius_km, limit=query.limit, after=query.after,
        )
    )  # fmt: skip
    shown = await cards.by_ids(call.reader, [hit.id for hit in found.hits], call.parts.settings.market_currency)
    return SearchPage(
        items=[
            _shown(hit, shown[hit.id])
            for hit in found.hits
            if hit.id in shown and shown[hit.id].status == "published"
        ],
        facets={
            name: [FacetValue(value=facet.value, count=facet.count) for facet in facets]
            for name, facets in found.facets.items()
        },
        total=found.total, degraded=found.degraded, next=found.next,
    )  # fmt: skip


def _shown(hit: Hit, card: cards.Card) -> msgspec.Raw:
    """A :class:`~harvestd.web.shapes.search.FoundProduct`: the product, and why it was found."""
    why = msgspec.json.encode({"score": hit.score, "highlight": hit.highlight, "distance_km": hit.distance_km})
    return msgspec.Raw(card.text[:-1] + "," + why[1:].decode())


async def suggest(call: Call, query: SuggestQuery) -> Suggestions:
    """Titles, farms and categories that begin so."""
    found = await call.parts.search.suggest(query.q, 10)
    return Suggestions(items=[Suggestion(text=s.text, kind=s.kind, slug=s.slug) for s in found])
