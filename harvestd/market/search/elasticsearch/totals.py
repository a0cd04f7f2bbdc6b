"""Totals of the engine's index and versions of single documents, to compare with what was written to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from harvestd.market.search.elasticsearch.hits import Count, of_form


@attrs.frozen
class Totals:
    """Totals of all documents, tombstones included: count, and sum and maximum of their versions."""

    count: int
    total: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.count} documents with versions up to {self.greatest:.0f}, {self.total:.0f} in all"


class _Number(msgspec.Struct, frozen=True):
    value: float | None = None


class _Aggregations(msgspec.Struct, frozen=True):
    total: _Number
    greatest: _Number


class _Hits(msgspec.Struct, frozen=True):
    total: dict[str, Any]


class _Answer(msgspec.Struct, frozen=True):
    hits: _Hits
    aggregations: _Aggregations


class _Held(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="_id")
    found: bool = False
    version: int = msgspec.field(name="_version", default=0)


class _Several(msgspec.Struct, frozen=True):
    docs: list[_Held]


def asking(without: Sequence[str]) -> dict[str, Any]:
    """The body of ``_search``; ``without`` has ids in the engine."""
    return {
        "size": 0, "track_total_hits": True, "query": {"bool": {"must_not": [{"ids": {"values": list(without)}}]}},
        "aggs": {"total": {"sum": {"field": "version"}}, "greatest": {"max": {"field": "version"}}},
    }  # fmt: skip


def answer(given: Any) -> Totals:
    """Parse the answer; raises :class:`EngineError`."""
    found = of_form(given, _Answer)
    count = of_form(found.hits.total.get("value"), Count)
    return Totals(count, found.aggregations.total.value or 0.0, found.aggregations.greatest.value or 0.0)


def versions(given: Any) -> dict[str, int]:
    """The version of each document in an answer of ``_mget``, by its id in the engine; raises :class:`EngineError`."""
    return {one.id: one.version for one in of_form(given, _Several).docs if one.found}
