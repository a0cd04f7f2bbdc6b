"""Rows of the searches that found nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from harvestd.store import counting
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction

#: Different searches of a day that are kept: somebody who invents them fills no disk.
MAX_A_DAY = 20_000


class Miss(msgspec.Struct, frozen=True):
    """What was searched for so many times: in which languages, where (south-western corners of degrees), and last on which day."""

    query: str
    count: int
    languages: list[str]
    areas: list[str]
    last: date


_ADD = Statement(
    "search_misses.add",
    """insert into search_misses (day, query, language, area, count)
        select day, query, language, area, count
          from unnest(:days::date[], :queries::text[], :languages::text[], :areas::text[], :counts::int[]) as n(day, query, language, area, count)
         where exists (select from search_misses m where (m.day, m.query, m.language, m.area) = (n.day, n.query, n.language, n.area))
            or (select count(*) from search_misses m where m.day = n.day) < :most
         order by 1, 2, 3, 4
        on conflict (day, query, language, area) do update set count = least(search_misses.count::bigint + excluded.count, 2147483647)""",
    nothing,
)
_BY_QUERY = """(select query collate "C" as query, sum(count)::bigint as n, array_agg(distinct language order by language) as languages,
               coalesce((array_agg(distinct area order by area) filter (where area <> ''))[:20], '{}') as areas, max(day) as last
          from search_misses
         where (:first::date is null or day >= :first) and (:last::date is null or day <= :last) group by query) m"""
_LIST = Statement(
    "search_misses.list",
    f"""select query, n, languages, areas, last from {_BY_QUERY}
         where :count::bigint is null or n < :count or (n = :count and query > :after)
         order by n desc, query limit :limit""",
    Miss,
)
_COUNT = counting.counting("search_misses.count", _BY_QUERY)
_PURGE = Statement(
    "search_misses.purge",
    """delete from search_misses where (day, query, language, area) in (
           select day, query, language, area from search_misses where day < :before::date order by day limit :limit)""",
    nothing,
)


async def add(tx: Transaction, counts: Mapping[Any, int]) -> None:
    """Add to the counts of (day, query, language, area)."""
    days, queries, languages, areas = zip(*counts, strict=True)
    await tx.run(
        _ADD, days=[day.isoformat() for day in days], queries=list(queries), languages=list(languages), areas=list(areas),
        counts=list(counts.values()), most=MAX_A_DAY,
    )  # fmt: skip


async def listed(
    reader: Reader, first: date | None, last: date | None, after: tuple[int, str] | None, limit: int
) -> list[Miss]:
    """The queries of these days, both included, the most frequent first."""
    count, query = after or (None, "")
    return await reader.rows(_LIST, first=_day(first), last=_day(last), count=count, after=query, limit=limit)


async def number(reader: Reader, first: date | None, last: date | None) -> int:
    """How many there are, up to the counting limit."""
    return await counting.count(reader, _COUNT, first=_day(first), last=_day(last))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


async def purge(tx: Transaction, before: date, limit: int) -> int:
    """Delete some of before a day; returns how many."""
    return await tx.run(_PURGE, before=before.isoformat(), limit=limit)
