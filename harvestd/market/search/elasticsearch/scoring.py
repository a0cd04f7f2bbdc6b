"""What a score is made of, in the engine's terms.

Every part is a constant of ``ranking.py`` or a function of a field. For an explanation each constant has a name, by which the engine tells
what a hit has of them (``explaining.py``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from harvestd.interfaces import Boost, Search
from harvestd.interfaces.search_rules import Phrase
from harvestd.market.search import ranking
from harvestd.market.search.places import Place
from harvestd.market.search.ranking import MISTYPED, PLACES, most
from harvestd.market.search.text import code_of, errors_allowed, storable

Json = dict[str, Any]
#: The parts of a query in order, each with all ways to say it.
Parts = tuple[tuple[Phrase, ...], ...]
#: Fields of documents that an explanation needs.
EXPLAINING = ("in_stock", "fresh_at", "popular", "liked", "brief")
#: The places that have a field in each of the other languages, by its name before the tag.
_TRANSLATED = {"title_words": "title", "label_words": "label", "text_words": "text"}
_BOOSTED = {"category": "category", "farm": "farm", "tag": "tags"}


def match(field: str, words: Collection[str], joint: str = "and", **more: Any) -> Json:
    """These words in a field."""
    return {"match": {field: {"query": " ".join(words), "operator": joint, **more}}}


def typed(field: str, words: Collection[str], joint: str = "or") -> Json:
    """Words like these in a field; numbers are as they are."""
    alike = [word for word in words if errors_allowed(word) or word.isalpha()]
    exact = [word for word in words if word not in alike]
    found = [match(f"{field}.typed", alike, joint, fuzziness="AUTO")] if alike or not exact else []
    return any_of(*found, match(f"{field}.typed", exact, joint)) if exact else found[0]


def any_of(*queries: Json) -> Json:
    """One of them at least."""
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def all_of(parts: Parts, field: str = "words") -> Json:
    """All parts of a query in a field, each in any of its ways."""
    plain = [part[0] for part in parts if len(part) == 1]
    several = [any_of(*(match(field, way) for way in part)) for part in parts if len(part) > 1]
    words = [word for way in plain for word in way]
    return (
        {"bool": {"filter": [*([match(field, words)] if words else []), *several]}} if several else match(field, words)
    )


def as_typed(parts: Parts, others: Sequence[str]) -> list[Json]:
    """The ways to have all parts: in the market's own language, or in one of the ``others``."""
    return [all_of(parts), *(all_of(parts, f"words_{tag}") for tag in others)]


def parts_of(question: Search, words: list[str]) -> Parts:
    """The parts of a query, by its rules or each word by itself."""
    return question.rules.groups or tuple(((word,),) for word in words)


def pins(question: Search) -> list[str]:
    """The pinned documents, by their ids in the engine; they count only if nothing else is sorted by."""
    return [f"product:{id}" for id in question.rules.pins] if question.sort == "relevance" else []


def query(
    question: Search, words: list[str], place: Place, conditions: list[Json], mistyped: bool, others: Sequence[str] = ()
) -> Json:
    """What has the score of the documents that meet the conditions."""
    parts = parts_of(question, words)
    boosted: Json = {"bool": {"filter": conditions}}
    if words:
        boosted["bool"]["should"] = _text(question, words, parts, mistyped, others)
    boosted = {"function_score": {"query": boosted, "functions": _functions(question, place, parts if words else ()), "score_mode": "sum", "boost_mode": "sum"}}  # fmt: skip
    if question.rules.boosts:
        functions = [
            {"filter": _about(question, n, boost), "weight": boost.factor}
            for n, boost in enumerate(question.rules.boosts)
        ]
        boosted = {
            "function_score": {
                "query": boosted,
                "functions": functions,
                "score_mode": "multiply",
                "boost_mode": "multiply",
                "max_boost": ranking.MOST_BOOSTED,
            }
        }
    fixed = [_constant("stock", {"term": {"in_stock": True}}, most("stock"), question)]
    if words:
        code: Json = {"term": {"codes": code_of(question.text)}}
        fixed += [
            _constant("typed", any_of(*as_typed(parts, others), code), most("typed"), question),
            _constant("code", code, most("code"), question),
        ]
    pinned = pins(question)
    for n, id in enumerate(pinned):
        fixed.append(_constant(f"pin {n}", {"ids": {"values": [id]}}, ranking.pin(n, len(pinned)), question))
    return {"bool": {"must": [boosted], "should": fixed}}


def _constant(name: str, about: Json, points: float, question: Search) -> Json:
    named = {"_name": name} if question.explain else {}
    return {"constant_score": {"filter": about, "boost": points, **named}}


def _about(question: Search, n: int, boost: Boost) -> Json:
    about = {"terms": {_BOOSTED[boost.field]: [storable(value) for value in boost.values]}}
    return {"bool": {"filter": [about], **({"_name": f"boost {n}"} if question.explain else {})}}


def _text(question: Search, words: list[str], parts: Parts, mistyped: bool, others: Sequence[str]) -> list[Json]:
    scored = [
        {"dis_max": {"queries": _places(question, n, part, len(parts), mistyped, others)}}
        for n, part in enumerate(parts)
    ]
    scored.append(_constant("whole", {"term": {"title_key": " ".join(words)}}, most("whole"), question))
    if len(words) > 1:
        side_by_side = {"match_phrase": {"title_words": {"query": " ".join(words)}}}
        scored.append(_constant("phrase", side_by_side, most("phrase"), question))
    return scored


def _places(
    question: Search, n: int, part: tuple[Phrase, ...], number: int, mistyped: bool, others: Sequence[str]
) -> list[Json]:
    """The points of one part of a query, by where a document has it."""
    found = []
    for field in PLACES:
        points = worth(field, number)
        found += [_constant(f"text {n} {field} {i}", match(field, way), points, question) for i, way in enumerate(part)]
        for tag in others if field in _TRANSLATED else ():
            other = f"{_TRANSLATED[field]}_{tag}"
            found += [
                _constant(f"text {n} {field} {i}{tag}", match(other, way), points, question)
                for i, way in enumerate(part)
            ]
        if mistyped:
            found.append(_constant(f"mistyped {n} {field} 0", typed(field, part[0]), points * MISTYPED, question))
    return found


def worth(field: str, number: int) -> float:
    """The points of one of so many parts of a query, found in a place."""
    return most("text") * PLACES[field] / number


def _functions(question: Search, place: Place, parts: Parts) -> list[Json]:
    moment = int(place.as_of.timestamp() * 1000)
    functions: list[Json] = [
        {
            "exp": {"fresh_at": {"origin": moment, "scale": f"{ranking.DAYS}d", "decay": math.exp(-1)}},
            "weight": most("freshness"),
        },
        {"field_value_factor": {"field": "popular", "factor": most("popularity"), "missing": 0}},
        {"field_value_factor": {"field": "liked", "factor": most("rating"), "missing": 0}},
    ]
    if parts:
        brief = {"field": "brief", "factor": most("title"), "missing": 0}
        functions.append({"filter": _in_title(question, parts), "field_value_factor": brief})
    if question.near is not None:
        latitude, longitude = question.near
        near = {"origin": {"lat": latitude, "lon": longitude}, "scale": f"{ranking.KM}km", "decay": 0.5}
        functions.append(
            {"filter": {"exists": {"field": "location"}}, "exp": {"location": near}, "weight": most("distance")}
        )
    return functions


def _in_title(question: Search, parts: Parts) -> Json:
    condition: Json = {"bool": {"filter": [all_of(parts, "title_words")]}}
    if question.explain:
        condition["bool"]["_name"] = "title"
    return condition
