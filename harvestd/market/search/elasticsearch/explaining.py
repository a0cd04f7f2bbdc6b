"""What a hit's score was made of, by the names that its query gave to the constants, and by the fields of the hit."""

from __future__ import annotations

import math
from collections.abc import Collection

from harvestd.interfaces import Reason, Search
from harvestd.kernel.geography import distance_km
from harvestd.market.search import ranking
from harvestd.market.search.elasticsearch.hits import EngineHit
from harvestd.market.search.elasticsearch.scoring import parts_of, pins, worth
from harvestd.market.search.places import Place
from harvestd.market.search.ranking import MISTYPED, PLACES, most
from harvestd.market.search.text import asked


def reasons(question: Search, hit: EngineHit, place: Place) -> tuple[Reason, ...]:
    """The parts of a hit's score."""
    has, source, pinned = set(hit.matched_queries), hit.source, pins(question)
    points: dict[str, float] = {
        name: most(name) for name in ("code", "typed", "stock", "whole", "phrase") if name in has
    }
    points["text"] = _words_found(has, max(1, len(parts_of(question, asked(question.text)))))
    points["title"] = most("title") * source.brief if "title" in has else 0.0
    points["freshness"] = most("freshness") * ranking.freshness(abs(place.as_of.timestamp() - source.fresh_at / 1000))
    points["popularity"] = most("popularity") * source.popular
    points["rating"] = most("rating") * source.liked
    if question.near is not None and source.location is not None:
        away = distance_km(*question.near, source.location.lat, source.location.lon)
        points["distance"] = most("distance") * ranking.distance(away)
    factors = [boost.factor for n, boost in enumerate(question.rules.boosts) if f"boost {n}" in has]
    times = min(math.prod(factors), ranking.MOST_BOOSTED)
    found = [
        Reason(name, points[name], times if one.boosted else 1.0)
        for name, one in ranking.FACTORS.items()
        if points.get(name)
    ]
    first = [ranking.pin(n, len(pinned)) for n in range(len(pinned)) if f"pin {n}" in has]
    return (*found, *(Reason("pin", one) for one in first))


def _words_found(has: Collection[str], number: int) -> float:
    """The points of the text: of each part of the query, the best place where the document has it."""
    best: dict[str, float] = {}
    for name in has:
        kind, *rest = name.split(" ")
        if kind in ("text", "mistyped") and len(rest) == 3 and rest[1] in PLACES:
            points = worth(rest[1], number) * (MISTYPED if kind == "mistyped" else 1.0)
            best[rest[0]] = max(best.get(rest[0], 0.0), points)
    return sum(best.values())
