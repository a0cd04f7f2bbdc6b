"""What a search's statement found, as the result."""

from __future__ import annotations

import attrs

from harvestd.interfaces import Facet, Found, Hit, Reason, Search
from harvestd.market.search.places import Place, cursor
from harvestd.market.search.postgres.conditions import FACETS
from harvestd.market.search.postgres.query import Page, Row
from harvestd.market.search.postgres.scoring import EXPLAINED
from harvestd.market.search.ranking import FACTORS
from harvestd.market.search.text import bracket_name, highlight


def found(question: Search, page: Page, place: Place) -> Found:
    """The page of hits with their facets, and where the next one begins."""
    shown = page.rows[: question.limit]
    more = len(page.rows) > len(shown)
    last = attrs.evolve(place, score=shown[-1].rank, id=shown[-1].id) if more else None
    return Found(
        hits=tuple(_hit(row, page.words, question.language) for row in shown),
        facets=_facets(page.counts),
        total=page.total,
        next=cursor(question, last) if last else None,
    )


def _hit(row: Row, words: frozenset[str], language: str) -> Hit:
    title, text = row.document.get("texts", {}).get(language) or (row.title, row.text)
    shown = {"title": highlight(title, words, None), "text": highlight(text, words)}
    return Hit(
        id=row.id, kind=row.kind, score=row.score / 1_000_000, body=row.document, distance_km=row.distance,
        highlight={name: text for name, text in shown.items() if text is not None}, reasons=_reasons(row.why),
    )  # fmt: skip


def _reasons(why: list[float] | None) -> tuple[Reason, ...]:
    """The parts of a score, if they were asked for."""
    if why is None:
        return ()
    *parts, boosted, pinned = why
    times = {name: boosted if FACTORS[name].boosted else 1.0 for name in EXPLAINED}
    found = [Reason(name, points, times[name]) for name, points in zip(EXPLAINED, parts, strict=True)]
    return tuple(one for one in [*found, Reason("pin", pinned)] if one.points)


def _facets(counts: list[tuple[int, str, str, int]]) -> dict[str, tuple[Facet, ...]]:
    found: dict[str, list[Facet]] = {name: [] for name in FACETS}
    for facet, value, name, number in counts:
        found[FACETS[facet - 1]].append(Facet(value, number, name))
    by_price = sorted(found["price"], key=lambda facet: int(facet.value))
    brackets = [(bracket_name(int(facet.value)), facet.count) for facet in by_price]
    found = {name: sorted(facets, key=lambda facet: (-facet.count, facet.value)) for name, facets in found.items()}
    found["price"] = [Facet(value, count, value) for value, count in brackets]
    return {name: tuple(facets) for name, facets in found.items()}
