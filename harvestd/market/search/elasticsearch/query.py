"""One search as the engine's query, and its answer as the result.

The score is the sum of the factors of ``ranking.py``, expressed in the engine's terms: constants, not statistics of the index, so that
a document's score never varies and the pages of one search are consistent. What it adds up of is in ``scoring.py``.

User input is never parsed as query syntax: it appears only in ``match`` and ``term``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from harvestd.interfaces import Found, Hit, Search
from harvestd.kernel.geography import distance_km
from harvestd.market.search.elasticsearch import facets as elasticsearch_facets
from harvestd.market.search.elasticsearch import scoring
from harvestd.market.search.elasticsearch.facets import Counted
from harvestd.market.search.elasticsearch.hits import Count, EngineHit, Key, Shown, Source, of_form
from harvestd.market.search.elasticsearch.scoring import Parts, any_of, match, typed
from harvestd.market.search.places import Place, cursor
from harvestd.market.search.postgres.query import ORDERS, Order
from harvestd.market.search.text import code_of, highlight, storable
from harvestd.store.counting import MAX_COUNTED
from harvestd.store.elasticsearch.client import EngineError, cause

SHOWN = ("title_words", "text_words")
#: Marks around matches in highlights; no word contains them.
MARKS = ("\ue000", "\ue001")
_MARKED = re.compile(f"{MARKS[0]}([^{MARKS[0]}{MARKS[1]}]*){MARKS[1]}")

Json = dict[str, Any]


def asking(
    question: Search, words: list[str], place: Place, seconds: float, joint: str = "", others: Sequence[str] = ()
) -> Json:
    """The body of ``_search``. ``joint`` is empty for the words as typed; ``and`` or ``or`` joins the words with typo tolerance.
    A page requests one hit more than the limit, to know whether there is a next page. ``others`` are the tags of the market's other languages."""
    parts = scoring.parts_of(question, words)
    chosen = elasticsearch_facets.chosen(question)
    conditions = filters(question, place)
    if words:
        conditions.append(_matching(question, words, parts, joint, others))
    body: Json = {
        "query": scoring.query(question, words, place, conditions, mistyped=bool(joint), others=others),
        "sort": _sort(ORDERS[question.sort]),
        "track_scores": True,
        "size": question.limit + 1,
        "track_total_hits": MAX_COUNTED,
        "timeout": f"{max(1, round(seconds * 1000))}ms",
        "_source": ["kind", "id", "title", "shown", "body", "location", *(scoring.EXPLAINING if question.explain else ())],
        "aggs": elasticsearch_facets.aggregations(chosen),
    }  # fmt: skip
    if chosen:
        body["post_filter"] = {"bool": {"filter": list(chosen.values())}}
    if place.score is not None:
        body["search_after"] = _after(ORDERS[question.sort], place)
    if words:
        body["highlight"] = _highlights(
            [word for part in parts for way in part for word in way], words, mistyped=bool(joint)
        )
    return body


def _sort(order: Order) -> list[Json]:
    first = [{order.field: "asc" if order.rising else "desc"}] if order.field else []
    return [*first, {"id": "desc" if order.latest else "asc"}]


def _after(order: Order, place: Place) -> list[Any]:
    rank = -(place.ones or 0.0) if order.rising else place.ones
    return [*([round(rank or 0) if order.field == "price" else rank] if order.field else []), place.id]


def _rank(order: Order, hit: EngineHit) -> float:
    """The hit's rank, from which :func:`_after` continues; greater ranks come first. Raises :class:`EngineError`."""
    rank = hit.sort[0] if order.field else 0.0
    if not isinstance(rank, float) or len(hit.sort) != 1 + bool(order.field):
        raise EngineError("an answer to _search that is sorted by something else")
    return -rank if order.rising else rank


def filters(question: Search, place: Place) -> list[Json]:
    """The conditions on every hit, and on everything that facets are counted among."""
    asked: list[Json] = [{"term": {"removed": False}}]
    if question.in_stock:
        asked.append({"term": {"in_stock": True}})
    if question.free_from:
        asked.append({"bool": {"must_not": [{"terms": {"allergens": [storable(one) for one in question.free_from]}}]}})
    if question.benefit:
        asked.append({"terms": {"benefits": [storable(one) for one in question.benefit]}})
    if question.in_season:
        asked.append(_in_season(question.today or place.as_of.date().isoformat()))
    if question.near is not None and question.radius is not None:
        latitude, longitude = question.near
        asked.append(
            {"geo_distance": {"distance": f"{question.radius}km", "location": {"lat": latitude, "lon": longitude}}}
        )
    return asked


def _in_season(today: str) -> Json:
    day = today[5:]

    def season(kind: str, *conditions: Json) -> Json:
        return {"bool": {"filter": [{"term": {"season": kind}}, *conditions]}}

    def begun(by: str) -> Json:
        return {"range": {"season_from": {"lte": by}}}

    def lasting(on: str) -> Json:
        return {"range": {"season_to": {"gte": on}}}

    return {
        "bool": {
            "should": [
                {"bool": {"must_not": [{"exists": {"field": "season"}}]}},
                season("dates", begun(today), lasting(today)),
                season("days", begun(day), lasting(day)),
                season("winter", {"bool": {"should": [begun(day), lasting(day)]}}),
            ]
        }
    }


def _wide(words: list[str], joint: str) -> list[Json]:
    """The words as typed or with typo tolerance. A stop word always matches, but matches nothing by itself."""
    some = [any_of(match("words", words, "or"), typed("words", words))]
    if joint == "or":
        return some
    return some + [any_of(match("words", [word], zero_terms_query="all"), typed("words", [word])) for word in words]


def _matching(question: Search, words: list[str], parts: Parts, joint: str, others: Sequence[str]) -> Json:
    """The condition on a hit: the words, as they are typed or, by ``joint``, with typing errors; or its number; or that it is pinned."""
    meant = [*scoring.as_typed(parts, others), {"term": {"codes": code_of(question.text)}}]
    if joint:
        meant.append({"bool": {"filter": _wide(words, joint)}})
    pins = scoring.pins(question)
    return any_of(*meant, *([{"ids": {"values": pins}}] if pins else []))


def _highlights(meant: list[str], words: list[str], mistyped: bool) -> Json:
    asked = [match(field, meant, "or") for field in SHOWN]
    fields = list(SHOWN)
    if mistyped:
        asked += [typed(field, words) for field in SHOWN]
        fields += [f"{field}.typed" for field in SHOWN]
    return {
        "number_of_fragments": 0, "pre_tags": [MARKS[0]], "post_tags": [MARKS[1]],
        "highlight_query": any_of(*asked), "fields": {field: {} for field in fields},
    }  # fmt: skip


@attrs.frozen
class Answer:
    """A page as the engine returned it."""

    total: int
    hits: list[EngineHit]
    facets: dict[str, tuple[Counted, ...]]


def answer(given: Any) -> Answer:
    """Parse the answer to :func:`asking`; a partial answer raises :class:`EngineError`."""
    try:
        if "error" in given:
            kind, reason = cause(given)
            raise EngineError(f"{kind}: {reason}", given.get("status", 0), kind)
        if given["timed_out"] or given["_shards"]["failed"]:
            raise EngineError("it answered in part only")
        hits = of_form(given["hits"]["hits"], list[EngineHit])
        return Answer(
            of_form(given["hits"]["total"]["value"], Count), hits, elasticsearch_facets.counted(given["aggregations"])
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise EngineError("an answer to _search that makes no sense") from error


def found(question: Search, page: Answer, place: Place, present: Mapping[Key, Shown] | None = None) -> Found:
    """The page, with its documents as they are ``present``, if given, and without those that are gone."""
    shown = page.hits[: question.limit]
    hits = tuple(_hit(hit, source, question, place) for hit in shown if (source := _source(hit, present)) is not None)
    last = None
    if shown and len(page.hits) > len(shown):
        last = attrs.evolve(place, score=_rank(ORDERS[question.sort], shown[-1]), id=str(shown[-1].source.id))
    facets = elasticsearch_facets.facets(page.facets, present)
    return Found(hits, facets, page.total, cursor(question, last) if last else None)


def _source(hit: EngineHit, present: Mapping[Key, Shown] | None) -> Source | None:
    if present is None:
        return hit.source
    shown = present.get((hit.source.kind, hit.source.id))
    return shown.source if shown is not None else None


def _hit(hit: EngineHit, source: Source, question: Search, page: Place) -> Hit:
    place, near = source.location, question.near
    matched = {word for texts in hit.highlight.values() for text in texts for word in _MARKED.findall(text)}
    title, shown_text = source.body.get("texts", {}).get(question.language) or (source.title, source.shown)
    shown = {"title": highlight(title, matched, None), "text": highlight(shown_text, matched)}
    return Hit(
        id=str(source.id), kind=source.kind, score=hit.score, body=source.body,
        highlight={name: text for name, text in shown.items() if text is not None},
        distance_km=distance_km(*near, place.lat, place.lon) if near is not None and place else None,
        reasons=scoring.reasons(question, hit, page) if question.explain else (),
    )  # fmt: skip
