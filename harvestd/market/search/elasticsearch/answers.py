"""The engine's answer to a search as the result: the page, its total and its facets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from harvestd.interfaces import Found, Hit, Search
from harvestd.kernel.geography import distance_km
from harvestd.market.search.elasticsearch import facets as elasticsearch_facets
from harvestd.market.search.elasticsearch.explaining import reasons
from harvestd.market.search.elasticsearch.facets import Counted
from harvestd.market.search.elasticsearch.hits import Count, EngineHit, Key, Shown, Source, of_form
from harvestd.market.search.elasticsearch.query import MARKS
from harvestd.market.search.places import Place, cursor
from harvestd.market.search.postgres.orders import ORDERS, Order
from harvestd.market.search.text import highlight
from harvestd.store.elasticsearch.client import EngineError, cause

_MARKED = re.compile(f"{MARKS[0]}([^{MARKS[0]}{MARKS[1]}]*){MARKS[1]}")

Json = dict[str, Any]


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
        reasons=reasons(question, hit, page) if question.explain else (),
    )  # fmt: skip


def _rank(order: Order, hit: EngineHit) -> float:
    """The hit's rank, from which :func:`_after` continues; greater ranks come first. Raises :class:`EngineError`."""
    rank = hit.sort[0] if order.field else 0.0
    if not isinstance(rank, float) or len(hit.sort) != 1 + bool(order.field):
        raise EngineError("an answer to _search that is sorted by something else")
    return -rank if order.rising else rank
