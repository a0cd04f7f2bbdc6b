"""Suggestions by prefix in one request: titles, categories and farms that start with it, then those with such a word inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import attrs

from harvestd.interfaces import Suggestion
from harvestd.interfaces.search import MAX_ALIKE
from harvestd.market.search.elasticsearch.hits import Bucket, Key, NameHit, NameSource, Shown, of_form
from harvestd.market.search.postgres.suggest import distinct, in_turn
from harvestd.market.search.text import name_key, words
from harvestd.store.elasticsearch.client import EngineError, cause

#: Words of a prefix that are considered.
ASKED = 8

#: (kind, field of the whole name, field of its words), in the order in which kinds alternate.
_BEGIN = (("product", "title_key"), ("category", "category_key"), ("farm", "farm_key"))
_INSIDE = (("product", "title_key", "title_words.plain"), ("farm", "farm_key", "farm_words.plain"))


def asking(prefix: str, limit: int, seconds: float) -> list[Any]:
    """The lines of ``_msearch``; none for an empty prefix."""
    asked = words(prefix, ASKED)
    if not asked:
        return []
    key = " ".join(asked)
    queries: list[tuple[str, dict[str, Any]]] = [(field, {"prefix": {field: key}}) for _, field in _BEGIN]
    queries += [(field, {"match_phrase_prefix": {inside: {"query": key}}}) for _, field, inside in _INSIDE]
    bodies = [_body(field, query, limit, seconds) for field, query in queries]
    return [line for body in bodies for line in ({}, body)]


def _body(field: str, query: dict[str, Any], limit: int, seconds: float) -> dict[str, Any]:
    return {
        "query": {"bool": {"filter": [{"term": {"removed": False}}, query]}},
        "collapse": {"field": field}, "sort": [{field: "asc"}, {"sales": "desc"}, {"id": "asc"}], "size": limit,
        "track_total_hits": False, "aggs": {"alike": {"terms": {"field": field, "size": limit, "order": {"_key": "asc"}}}},
        "timeout": f"{max(1, round(seconds * 1000))}ms",
        "_source": ["id", "kind", "title", "farm", "farm_name", "category", "category_name", "body.slug"],
    }  # fmt: skip


@attrs.frozen
class Named:
    """The hits of one query: for each name its best-selling document, and how many share it, by whole name."""

    sources: Sequence[NameSource]
    alike: Mapping[str, int]


def named(given: Any) -> list[Named]:
    """The hits of each query of :func:`asking`. Raises :class:`EngineError`."""
    try:
        return [_named(part) for _, part in zip((*_BEGIN, *_INSIDE), given["responses"], strict=True)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EngineError("an answer to _msearch that makes no sense") from error


def _named(given: Any) -> Named:
    if "error" in given:
        name, reason = cause(given)
        raise EngineError(f"{name}: {reason}", given.get("status", 0), name)
    if given["timed_out"] or given["_shards"]["failed"]:
        raise EngineError("it answered in part only")
    buckets = of_form(given["aggregations"]["alike"]["buckets"], list[Bucket])
    sources = [hit.source for hit in of_form(given["hits"]["hits"], list[NameHit])]
    return Named(sources, {bucket.key: bucket.doc_count for bucket in buckets})


def keys(found: Sequence[Named]) -> list[Key]:
    """The documents that suggestions are read from."""
    return [(source.kind, source.id) for several in found for source in several.sources]


def suggestions(
    prefix: str, found: Sequence[Named], shown: Mapping[Key, Shown] | None, limit: int
) -> Sequence[Suggestion]:
    """Names that start with the prefix, kinds alternating, then the others; with their contents from ``shown``, if given."""
    key = " ".join(words(prefix, ASKED))
    kinds = [kind for kind, *_ in (*_BEGIN, *_INSIDE)]
    texts = [_texts(kind, key, several, shown) for kind, several in zip(kinds, found, strict=True)]
    begin, inside = texts[: len(_BEGIN)], texts[len(_BEGIN) :]
    return tuple(distinct([*in_turn(begin), *(one for kind in inside for one in kind)])[:limit])


def _texts(kind: str, key: str, found: Named, shown: Mapping[Key, Shown] | None) -> list[Suggestion]:
    sources = found.sources
    if shown is not None:
        sources = [shown[source.kind, source.id].name for source in sources if (source.kind, source.id) in shown]
    texts = [_suggestion(kind, source, found.alike) for source in sources]
    return [one for one, _ in groupby(texts) if one.slug and f" {key}" in f" {name_key(one.text)}"]


def _suggestion(kind: str, source: NameSource, alike: Mapping[str, int]) -> Suggestion:
    if kind == "category":
        return Suggestion(source.category_name or "", kind, source.category or "")
    if kind == "farm":
        return Suggestion(source.farm_name or "", kind, source.farm or "")
    if source.kind == "farm":
        return Suggestion(source.title, "farm", source.body.slug or source.farm or "")
    count = min(alike.get(name_key(source.title), 1), MAX_ALIKE)
    return Suggestion(source.title, "product", source.body.slug or "", str(source.id), count)
