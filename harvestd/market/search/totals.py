"""Checks that Elasticsearch holds what was written to it: count, sum and maximum of the versions, against PostgreSQL's documents.

This detects documents that are missing, were added by someone else or have another version. It does not detect a document that was
changed without a new version, so no field that the engine returns is ever shown (``elasticsearch/shown.py``).
"""

from __future__ import annotations

from typing import Any

import attrs

from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.elasticsearch.totals import Totals
from harvestd.store.postgres.statements import Reader, Statement

#: The largest share of one connection's time that counting PostgreSQL's documents may take.
PART = 1 / 50
#: With more refused documents than this, nothing is compared.
MAX_REFUSED = 1_000
#: Consecutive checks that must find a difference.
LOOKS = 2


@attrs.frozen
class Ours:
    """Totals that the engine should hold, without the documents it has refused (by their ids there); ``waiting`` is how many
    are still to be pushed."""

    waiting: int
    refused: list[str]
    totals: Totals


def _ours(waiting: int, refused: list[str] | None, count: int, total: int, greatest: int) -> Ours:
    return Ours(waiting, refused or [], Totals(count, total, greatest))


#: One snapshot, so that pending documents and totals are counted together.
_OURS = Statement(
    "search_totals.ours",
    f"""select (select count(*) from search_pending where refused is null),
              (select array_agg(kind || ':' || id) from (select kind, id from search_pending where refused is not null
                                                          limit {MAX_REFUSED + 1}) r),
              count(*), coalesce(sum(version), 0)::bigint, coalesce(max(version), 0)
         from search_documents d
        where not exists (select from search_pending p where p.kind = d.kind and p.id = d.id)""",
    _ours,
)


class Comparison:
    """The comparison of one process. PostgreSQL's documents are recounted only after a push, when the two
    differ, and not too often if the count is slow."""

    def __init__(self, reactor: Any, database: Reader, engine: ElasticsearchSearch) -> None:
        self._reactor = reactor
        self._database = database
        self._engine = engine
        self._ours: Ours | None = None
        self._next = self._counted = 0.0
        self._differed = 0

    def pushed(self) -> None:
        """Note that the engine's documents have changed."""
        self._ours = None

    async def look(self, every: float) -> str | None:
        """The fault of the index, once it was seen in consecutive checks, ``every`` so many seconds; None if none is known.
        Raises ``Unavailable``."""
        now = self._reactor.seconds()
        if now < self._next or (self._ours is None and now < self._counted):
            return None
        self._next = now + every
        ours = self._ours or await self._count()
        if ours is None or await self._engine.totals(ours.refused) == ours.totals:
            self._differed = 0
            return None
        await self._engine.indices.refresh()  # pushes of the last half second are not visible before it
        ours = await self._count()
        if ours is None:
            return None
        theirs = await self._engine.totals(ours.refused)
        self._differed = self._differed + 1 if theirs != ours.totals else 0
        if self._differed < LOOKS:
            return None
        self._differed, self._ours = 0, None
        return f"it holds {theirs}, and was given {ours.totals}"

    async def _count(self) -> Ours | None:
        """PostgreSQL's totals; None if the two may legitimately differ right now."""
        began = self._reactor.seconds()
        found = await self._database.row(_OURS)
        assert found is not None
        ended = self._reactor.seconds()
        self._counted = ended + (ended - began) / PART
        self._ours = found if not found.waiting and len(found.refused) <= MAX_REFUSED else None
        return self._ours
