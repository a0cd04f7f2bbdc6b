"""Search: the index finds and ranks, PostgreSQL's rows supply the contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harvestd.interfaces import Facet, Hit, Search
from harvestd.kernel import families
from harvestd.kernel.errors import Forbidden
from harvestd.kernel.formatting import money
from harvestd.kernel.geography import shown_km
from harvestd.kernel.permissions import Permission, may
from harvestd.market.catalogue import cards, category_rows, filters, sight, variant_rows
from harvestd.market.catalogue.group_rules import Buyer
from harvestd.market.catalogue.image_shapes import Image
from harvestd.market.catalogue.viewing import buyer, view
from harvestd.market.search import group_titles, translated_titles
from harvestd.market.search.postgres import suggest as search_suggest
from harvestd.market.search.postgres.counts import FACET_VALUES
from harvestd.market.search.shapes import (
    FacetValue,
    RankingReason,
    SearchPage,
    SearchQuery,
    Suggestion,
    Suggestions,
    SuggestQuery,
)
from harvestd.market.search.text import asked as words
from harvestd.market.search.text import code_of, is_number
from harvestd.web.context import RequestContext, Result
from harvestd.web.shapes import Named
from harvestd.web.translated import other

#: Suggestions of an answer.
MOST = 10


async def search(request: RequestContext, query: SearchQuery) -> Result:
    """Matching products in their current state; one that left the market since it was indexed is left out."""
    if query.explain:
        _explains(request)
    asked, seen = await filters.asked(request, query), await view(request, brief=True)
    groups, staff = await _more(request, seen.buyer, query.explain)
    found = await request.parts.search.search(
        Search(
            **asked.search(), text=query.q, sort=query.sort, limit=query.limit, after=query.after or None,
            explain=query.explain, groups=groups, staff=staff, language=other(request),
            rules=await request.parts.search_rules.of(words(query.q)),
        )
    )  # fmt: skip
    ids = [hit.id for hit in found.hits]
    shown = await cards.by_ids(request.reader, ids, seen)
    packs = await _packs(request, query.q, ids)
    names = await _category_names(request, found.facets.get("category", ()), asked.chosen.get("category", {}))
    hits = [hit for hit in found.hits if hit.id in shown and shown[hit.id].status == "published"]
    shown_now = SearchPage(
        items=[_shown(hit, shown[hit.id], packs.get(hit.id)) for hit in hits],
        facets={
            name: _facet(request, name, facets, asked.chosen.get(name, {}), names if name == "category" else {})
            for name, facets in found.facets.items()
        },
        total=found.total, degraded=found.degraded, next=found.next,
    )  # fmt: skip
    of = tuple(families.shown(hit.id) for hit in hits)
    return Result(shown_now, families=of, **cards.states(shown[hit.id] for hit in hits))


async def _more(request: RequestContext, who: Buyer, explain: bool = False) -> tuple[tuple[str, ...], bool]:
    """The groups of whom it is for, and whether they are staff, if what is on sale differs for them at all. What explains itself is what everybody finds, by
    the engine that they ask."""
    if who.staff:
        return (), not explain and await sight.restricted(request.reader)
    return who.groups if await sight.matter(request.reader, who.groups) else (), False


def _explains(request: RequestContext) -> None:
    """Raise ``Forbidden`` for whoever may not see why a hit stands where it does."""
    if not may(request.user.role, Permission.SEE_SEARCHES):
        raise Forbidden("only the market's staff sees why a hit stands where it does; leave explain out")
    request.user.require_scope(Permission.SEE_SEARCHES)


async def _category_names(
    request: RequestContext, found: Sequence[Facet], chosen: Mapping[str, str]
) -> Mapping[str, str]:
    """The names of categories in another language than the market's own, if it is asked for."""
    slugs = [*(one.value for one in found), *chosen]
    return await category_rows.names(request.reader, slugs, other(request)) if slugs and other(request) else {}


def _facet(
    request: RequestContext, name: str, found: Sequence[Facet], chosen: Mapping[str, str], names: Mapping[str, str]
) -> list[FacetValue]:
    """The counted values, plus the chosen ones that no hit has, so that they can be deselected; with the ``names`` of those that have one in the language of
    the request."""
    values = [
        FacetValue(value=one.value, count=one.count, name=names.get(one.value) or _called(request, name, one))
        for one in found
    ]
    if len(values) >= FACET_VALUES:  # beyond the limit, those with the most hits are returned
        return values
    here = {one.value for one in found}
    more = ((v, names.get(v) or called) for v, called in chosen.items() if v not in here)
    return [*values, *(FacetValue(value=v, count=0, name=called) for v, called in more)]


def _called(request: RequestContext, name: str, facet: Facet) -> str:
    """The label of a value: a price bracket in the market's currency, ``€2.00 – €4.99``."""
    if name != "price":
        return facet.name
    edges = [
        edge and money(int(edge), request.parts.settings.market_currency, request.language)
        for edge in facet.value.split("-")
    ]
    return " – ".join(edges).rstrip()


async def _packs(request: RequestContext, q: str, ids: Sequence[str]) -> Mapping[str, str]:
    """The pack size that a query is the number of, by product; most queries are no number, and cost nothing."""
    if not is_number(q):
        return {}
    asked, sizes = code_of(q), await variant_rows.of_products(request.reader, ids)
    named = (
        (id, one.id)
        for id, each in sizes.items()
        for one in each
        if one.active and asked in map(code_of, (one.sku, one.external_id or ""))
    )
    return dict(named)


def _shown(hit: Hit, card: cards.Card, variant_id: str | None) -> msgspec.Raw:
    """A :class:`~harvestd.market.search.shapes.FoundProduct`: the product, and why it matched."""
    away = None if hit.distance_km is None else shown_km(hit.distance_km)
    why = msgspec.json.encode(
        {"score": hit.score, "highlight": hit.highlight, "distance_km": away, "variant_id": variant_id, **_reasons(hit)}
    )
    return msgspec.Raw(card.text[:-1] + "," + why[1:].decode())


def _reasons(hit: Hit) -> dict[str, list[RankingReason]]:
    """Why the hit stands where it does, if that was asked for."""
    reasons = [RankingReason(factor=one.factor, points=one.points, times=one.times) for one in hit.reasons]
    return {"reasons": reasons} if reasons else {}


async def suggest(request: RequestContext, query: SuggestQuery) -> Result:
    """Titles, farms and categories that start with the prefix, in their current state and in the language that is asked for; those that left the market are
    left out."""
    language, (groups, staff) = other(request), await _more(request, await buyer(request))
    titled = await translated_titles.begin(request.reader, language, query.q, MOST)
    theirs = await group_titles.begin(request.reader, groups, query.q, MOST, staff=staff)
    everybodys = await request.parts.search.suggest(query.q, MOST)
    found = [*titled, *search_suggest.in_turn([theirs, everybodys])]
    known = await search_suggest.known(request.reader, found, language, groups, staff=staff)
    items: dict[tuple[str, str], Suggestion] = {}
    for one, now in known:
        text = (now.name if language else None) or one.text
        items.setdefault(
            (one.kind, text.casefold()),
            Suggestion(
                text=text,
                kind=one.kind,
                id=now.id,
                slug=one.slug if one.kind == "product" else now.farm_slug or one.slug,
                farm=_farm(now),
                count=one.count,
                image=_image(now),
            ),
        )
    return Result(Suggestions(items=[*items.values()][:MOST]))


def _farm(now: search_suggest.Known) -> Named | None:
    if now.farm_id is None:
        return None
    return Named(id=now.farm_id, slug=now.farm_slug or "", name=now.farm_name or "")


def _image(now: search_suggest.Known) -> Image | None:
    return None if now.image is None else msgspec.json.decode(now.image, type=Image)
