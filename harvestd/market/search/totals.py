"""Whether Elasticsearch holds what was put there: count, sum and greatest of the versions of its documents and of PostgreSQL's.

Documents that go missing, that nobody put there or that have another version are noticed by that; not what was changed within
one whose version was left alone, wherefore nothing that the engine says of a document is shown (``elasticsearch/shown.py``).
"""

from __future__ import annotations

from typing import Any

import attrs

from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.elasticsearch.totals import Totals
from harvestd.store.postgres.database import Reader, Statement

#: The counting of PostgreSQL's documents takes at most this part of the time of one connection.
PART = 1 / 50
#: With more refused documents than these, nothing is compared.
MAX_REFUSED = 1_000
#: Looks in a row that must find a difference.
LOOKS = 2


@attrs.frozen
class Ours:
    """What the engine is to hold, but for the documents (their ids there) that it has refused; ``waiting`` is how many it
    has not been told of yet."""

    waiting: int
    refused: list[str]
    totals: Totals


def _ours(waiting: int, refused: list[str] | None, count: int, total: int, greatest: int) -> Ours:
    return Ours(waiting, refused or [], Totals(count, total, greatest))


#: One snapshot: what waits is counted with what is there.
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
    """What one process has compared so far. PostgreSQL's documents are counted anew only after something was pushed, where
    the two differ, and not too often where that is dear."""

    def __init__(self, reactor: Any, database: Reader, engine: ElasticsearchSearch) -> None:
        self._reactor = reactor
        self._database = database
        self._engine = engine
        self._ours: Ours | None = None
        self._next = self._counted = 0.0
        self._differed = 0

    def pushed(self) -> None:
        """The engine holds something else now."""
        self._ours = None

    async def look(self, every: float) -> str | None:
        """What is wrong with the index, once that was seen in looks ``every`` so many seconds; None while nothing is known.
        Raises ``Unavailable``."""
        now = self._reactor.seconds()
        if now < self._next or (self._ours is None and now < self._counted):
            return None
        self._next = now + every
        ours = self._ours or await self._count()
        if ours is None or await self._engine.totals(ours.refused) == ours.totals:
            self._differed = 0
            return None
        await self._engine.refresh()  # what was pushed in the last half second is not seen before
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
        """None where the two are not to be the same just now."""
        began = self._reactor.seconds()
        found = await self._database.row(_OURS)
        assert found is not None
        ended = self._reactor.seconds()
        self._counted = ended + (ended - began) / PART
        self._ours = found if not found.waiting and len(found.refused) <= MAX_REFUSED else None
        return self._ours
