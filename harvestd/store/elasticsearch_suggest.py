"""Names by prefix, in one request: titles, categories and farms that begin so, then those with a word inside that does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from harvestd.interfaces import Suggestion
from harvestd.store.elasticsearch_http import EngineError, cause
from harvestd.store.search_suggest import distinct, in_turn
from harvestd.store.search_text import words

#: Words of a prefix that are looked at.
ASKED = 8

#: (kind, field of the whole name, field of its words): the order in which kinds take turns.
_BEGIN = (("product", "title_key"), ("category", "category_key"), ("farm", "farm_key"))
_INSIDE = (("product", "title_key", "title_words.plain"), ("farm", "farm_key", "farm_words.plain"))


def asking(prefix: str, limit: int, seconds: float) -> list[Any]:
    """The lines of ``_msearch``; none where nothing is asked."""
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
        "collapse": {"field": field}, "sort": [{field: "asc"}], "size": limit, "track_total_hits": False,
        "timeout": f"{max(1, round(seconds * 1000))}ms",
        "_source": ["kind", "title", "farm", "farm_name", "category", "category_name", "body.slug", field],
    }  # fmt: skip


def suggestions(given: Any, limit: int) -> Sequence[Suggestion]:
    """Those that begin so, of each kind in turn, then the others. Raises :class:`EngineError`."""
    kinds = [kind for kind, *_ in (*_BEGIN, *_INSIDE)]
    try:
        found = [_named(kind, part) for kind, part in zip(kinds, given["responses"], strict=True)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EngineError("an answer to _msearch that makes no sense") from error
    begin, inside = found[: len(_BEGIN)], found[len(_BEGIN) :]
    return tuple(distinct([*in_turn(begin), *(one for kind in inside for one in kind)])[:limit])


def _named(kind: str, given: Any) -> list[Suggestion]:
    if "error" in given:
        name, reason = cause(given)
        raise EngineError(f"{name}: {reason}", given.get("status", 0), name)
    if given["timed_out"] or given["_shards"]["failed"]:
        raise EngineError("it answered in part only")
    named = [_suggestion(kind, hit["_source"]) for hit in given["hits"]["hits"]]
    return [one for one, _ in groupby(named) if one.text and one.slug]


def _suggestion(kind: str, source: dict[str, Any]) -> Suggestion:
    if kind == "category":
        return Suggestion(source["category_name"], kind, source["category"] or "")
    if kind == "farm":
        return Suggestion(source["farm_name"], kind, source["farm"] or "")
    slug = source.get("body", {}).get("slug") or (source["farm"] if source["kind"] == "farm" else None)
    return Suggestion(source["title"], source["kind"], slug or "")
