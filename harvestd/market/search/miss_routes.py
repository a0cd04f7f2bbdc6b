"""Searches that found nothing: noted as they are answered, and shown to the market's staff."""

from __future__ import annotations

from typing import Any

import msgspec

from harvestd.kernel import readers
from harvestd.kernel.agents import is_bot
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept
from harvestd.market.search import miss_rows as rows
from harvestd.market.search.missing_rules import area, kept
from harvestd.market.search.rule_shapes import SearchMiss, SearchMissesQuery
from harvestd.market.search.shapes import SearchQuery
from harvestd.web.context import CountedPage, RequestContext
from harvestd.web.paging import Keyset

#: How an answer without hits begins, and what of it says that there are none on other pages either.
_EMPTY = b'{"items":[],'
#: What a query may have and is still about what the market has: the rest are filters, which find nothing for reasons of their own.
_PLAIN = frozenset({"q", "near", "radius_km", "limit", "sort"})
_NOTHING = SearchQuery()


class _Total(msgspec.Struct):
    total: int


def noted(request: RequestContext, query: Any, body: bytes) -> bool:
    """Count the search if it found nothing, and a person asked for it; returns whether it found nothing, so that the next of it is to be
    seen here, too."""
    if not body.startswith(_EMPTY) or not query.q or msgspec.json.decode(body, type=_Total).total:
        return False
    told, misses = kept(query.q), request.parts.search_misses
    plain = all(
        getattr(query, name) == getattr(_NOTHING, name) for name in query.__struct_fields__ if name not in _PLAIN
    )
    if misses is not None and told and plain and not is_bot(request.headers.get("user-agent", "")):
        misses.note(told, request.language, area(readers.middle(query.near, query.radius_km)))
    return True


async def listed(request: RequestContext, query: SearchMissesQuery) -> CountedPage[SearchMiss]:
    """What was searched for and not found, the most frequent first."""
    if query.from_ is not None and query.to is not None and query.to < query.from_:
        accept(FieldError("to", "must not be before from", code="before-start"))
    keyset = Keyset(
        query, f"search misses {query.from_ or ''} {query.to or ''}", (int, str), lambda row: (row.count, row.query)
    )
    after: Any = keyset.after
    shown, following = keyset.page(await rows.listed(request.reader, query.from_, query.to, after, keyset.ask))
    total = await rows.number(request.reader, query.from_, query.to) if query.count else None
    items = [
        SearchMiss(query=row.query, count=row.count, languages=row.languages, areas=row.areas, last_on=row.last)
        for row in shown
    ]
    return CountedPage(items, following, total)
