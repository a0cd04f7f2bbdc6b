"""The values that a search binds to its statement (``query.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from harvestd.interfaces import Search
from harvestd.kernel.geography import box_around
from harvestd.market.search.places import Place
from harvestd.market.search.postgres import keys
from harvestd.market.search.postgres.conditions import FACETS
from harvestd.market.search.postgres.query import statement
from harvestd.market.search.text import CODE, code_of, storable


def parameters(
    language: str, question: Search, words: list[str], wide: str | None, lexemes: list[str] | None, place: Place,
    others: tuple[str, ...] = (), loose: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Values for :func:`query.statement`; a page requests one hit more than the limit, to know whether there is a next. ``loose``: one of the words is enough."""
    near = question.near or (None, None)
    radius = question.radius if question.near is not None else None
    box = box_around(*question.near, radius) if question.near is not None and radius is not None else None
    today = question.today or place.as_of.date().isoformat()
    south, north, west, east = attrs.astuple(box) if box else (None,) * 4
    values = {
        "language": language, **_words(question, words), "wide": wide, "lexemes": lexemes, "loose": loose,
        "categories": _values(question.category), "farms": _values(question.farm), "tags": _values(question.tag),
        "units": _values(question.unit), "min_price": question.min_price, "max_price": question.max_price,
        "in_stock": question.in_stock, "free_from": _values(question.free_from), "benefits": _values(question.benefit), "today": today if question.in_season else None,
        "as_of": place.as_of, "latitude": near[0], "longitude": near[1], "radius": radius, "south": south, "north": north, "west": west, "east": east,
        "rank": place.millionths, "id": place.id, "limit": question.limit + 1, "groups": list(question.groups), **_rules(question), **_keys(question),
    }  # fmt: skip
    return {name: values[name] for name in statement(question, words, others).names}


def _words(question: Search, words: list[str]) -> dict[str, str]:
    """The query in PostgreSQL's forms: all words with all ways to say them, in the title, and side by side there; and as a code. A word is
    letters and digits alone, so nothing in it is syntax."""
    parts = question.rules.groups or tuple(((word,),) for word in words)
    ways = [" | ".join("(" + " & ".join(way) + ")" for way in part) for part in parts]
    return {
        "text": " ".join(words),
        "words": " ".join(word for part in parts for way in part for word in way),
        "meant": " & ".join(f"({part})" for part in ways),
        "title": " & ".join(
            "(" + " | ".join("(" + " & ".join(f"{word}:A" for word in way) + ")" for way in part) + ")"
            for part in parts
        ),
        "phrase": " <-> ".join(f"{word}:A" for word in words) if len(words) > 1 else "",
        "code": f"'{CODE}{code}'" if (code := code_of(question.text)) else "",
    }


def _rules(question: Search) -> dict[str, Any]:
    """The rules of the query: pins count only if nothing else is sorted by."""
    boosts = [(n, one.field, value, one.factor) for n, one in enumerate(question.rules.boosts) for value in one.values]
    numbers, fields, values, factors = ([one[i] for one in boosts] for i in range(4))
    pins = list(question.rules.pins) if question.sort == "relevance" else []
    return {"pins": pins, "boosts": numbers, "fields": fields, "values": values, "factors": factors}


def _values(asked: Sequence[str]) -> list[str] | None:
    """The value of a filter on the documents' columns; None if the filter is not given."""
    return [storable(value) for value in asked] or None


def _keys(question: Search) -> dict[str, str]:
    """What is looked up by keys: with all filters, and for the counts of each facet with all others."""
    beside = {f"beside_{facet}": keys.beside(question, facet) for facet in FACETS}
    every = keys.all_of(keys.filters(question).values())
    return {"keys": every, "nearby": keys.nearby(question), "boosted": keys.boosted(question), **beside}
