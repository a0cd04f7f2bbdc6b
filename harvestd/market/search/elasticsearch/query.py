"""One search as the engine's query; ``answers.py`` has its answer.

The score is the sum of the factors of ``ranking.py``, expressed in the engine's terms: constants, not statistics of the index, so that
a document's score never varies and the pages of one search are consistent. What it adds up of is in ``scoring.py``.

User input is never parsed as query syntax: it appears only in ``match`` and ``term``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harvestd.interfaces import Search
from harvestd.market.search.elasticsearch import facets as elasticsearch_facets
from harvestd.market.search.elasticsearch import scoring
from harvestd.market.search.elasticsearch.scoring import Parts, any_of, match, typed
from harvestd.market.search.places import Place
from harvestd.market.search.postgres.orders import ORDERS, Order
from harvestd.market.search.text import code_of, storable
from harvestd.store.counting import MAX_COUNTED

SHOWN = ("title_words", "text_words")
#: Marks around matches in highlights; no word contains them.
MARKS = ("\ue000", "\ue001")

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
