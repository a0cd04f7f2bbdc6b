"""Facets in the engine: each is counted without its own filter, so facet filters are applied after the aggregations.

For each value the engine names one document that has it. When PostgreSQL is consulted, a value counts only if that document still
has it there, and it takes its label from there: so no text of the engine's own is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import attrs

from harvestd.interfaces import Facet, Search
from harvestd.market.search.elasticsearch.hits import Bucket, Key, NameSource, Shown, of_form
from harvestd.market.search.postgres.conditions import FACETS
from harvestd.market.search.postgres.counts import FACET_VALUES
from harvestd.market.search.text import PRICE_EDGES, bracket_name, storable

Json = dict[str, Any]

#: The field of each facet.
FIELDS = {"category": "category", "farm": "farm", "tag": "tags", "price": "price", "unit": "unit"}
#: Facets whose values are texts of documents; price brackets are ours.
OF_DOCUMENTS = ("category", "farm", "tag", "unit")


@attrs.frozen
class Counted:
    """A value of a facet, its number of hits and, for a facet in :data:`OF_DOCUMENTS`, one document that has it."""

    value: str
    count: int
    source: NameSource | None = None


def chosen(question: Search) -> dict[str, Json]:
    """The filter of each facet that the query filters by."""
    terms = {"category": question.category, "farm": question.farm, "tag": question.tag, "unit": question.unit}
    asked: dict[str, Json] = {
        facet: {"terms": {FIELDS[facet]: [storable(value) for value in values]}}
        for facet, values in terms.items()
        if values
    }
    bounds = {"gte": question.min_price, "lte": question.max_price}
    if given := {name: price for name, price in bounds.items() if price is not None}:
        asked["price"] = {"range": {"price": given}}
    return asked


def aggregations(asked: Mapping[str, Json]) -> Json:
    """The aggregation of each facet, over the hits that match every filter but its own."""
    return {
        facet: {
            "filter": {"bool": {"filter": [filter for name, filter in asked.items() if name != facet]}},
            "aggs": {"values": _values(facet), **_asked_for(facet, asked)},
        }
        for facet in FACETS
    }


_BRACKETS = [
    {"key": str(n), "from": edge, **({"to": PRICE_EDGES[n + 1]} if n + 1 < len(PRICE_EDGES) else {})}
    for n, edge in enumerate(PRICE_EDGES)
]
_ONE = {"one": {"top_hits": {"size": 1, "sort": ["_doc"], "_source": ["id", "kind", "farm", "farm_name", "category", "category_name", "tags", "unit"]}}}  # fmt: skip


def _asked_for(facet: str, asked: Mapping[str, Json]) -> Json:
    """The values of the filter itself, which are returned however few hits have them."""
    if facet == "price" or facet not in asked:
        return {}
    field = FIELDS[facet]
    include = asked[facet]["terms"][field]
    terms: Json = {"terms": {"field": field, "size": len(include), "include": include}}
    return {"asked": terms | {"aggs": _ONE}}


def _values(facet: str) -> Json:
    if facet == "price":
        return {"range": {"field": FIELDS[facet], "ranges": _BRACKETS}}
    most = 100 if facet == "unit" else FACET_VALUES
    terms: Json = {"terms": {"field": FIELDS[facet], "size": most, "order": [{"_count": "desc"}, {"_key": "asc"}]}}
    return terms | {"aggs": _ONE}


def counted(given: Any) -> dict[str, tuple[Counted, ...]]:
    """Parse the result of :func:`aggregations`. Raises :class:`EngineError`, or the error of a malformed answer."""
    found = {facet: _first(facet, given[facet]) for facet in FACETS}
    found["price"] = tuple(Counted(bracket_name(int(one.value)), one.count) for one in found["price"] if one.count)
    return found


def _first(facet: str, given: Any) -> tuple[Counted, ...]:
    """The filter's own values and then those with the most hits, ordered by hits."""
    values = _counted(facet, given["values"]["buckets"])
    if "asked" not in given:
        return values
    several = {one.value: one for one in (*_counted(facet, given["asked"]["buckets"]), *values)}
    most = len(several) if facet == "unit" else FACET_VALUES
    return tuple(sorted([*several.values()][:most], key=lambda one: (-one.count, one.value)))


def _counted(facet: str, buckets: Any) -> tuple[Counted, ...]:
    return tuple(
        Counted(one.key, one.doc_count, one.one.hits.hits[0].source if facet in OF_DOCUMENTS and one.one else None)
        for one in of_form(buckets, list[Bucket])
    )


def keys(found: Mapping[str, Sequence[Counted]]) -> Iterator[Key]:
    """The documents that values are read from."""
    for several in found.values():
        yield from ((one.source.kind, one.source.id) for one in several if one.source is not None)


def facets(found: Mapping[str, Sequence[Counted]], present: Mapping[Key, Shown] | None) -> dict[str, tuple[Facet, ...]]:
    """Facets with their labels, taken from the documents as they are ``present``, if given; a value that its document no longer
    has is left out."""
    return {
        facet: tuple(
            Facet(one.value, one.count, name) for one in several if (name := _name(facet, one, present)) is not None
        )
        for facet, several in found.items()
    }


def _name(facet: str, one: Counted, present: Mapping[Key, Shown] | None) -> str | None:
    """The label of a value; None if no trusted source gives one."""
    if facet not in OF_DOCUMENTS:
        return one.value
    source = one.source
    if source is not None and present is not None:
        shown = present.get((source.kind, source.id))
        source = shown.name if shown is not None else None
    if source is None or one.value not in _values_of(facet, source):
        return one.value if present is None else None
    return getattr(source, f"{facet}_name", None) or one.value


def _values_of(facet: str, source: NameSource) -> Collection[str | None]:
    """The document's values of a facet."""
    return source.tags if facet == "tag" else (getattr(source, facet),)
