"""Rows of market days of which orders have taken all, and of those that closed so and have a place again.

Full is what is sold. A place that a quote holds is taken, so that nobody else gets it, but it does not count here: it comes back within minutes unless it is ordered, and a
day would close and open again, and tell everybody, whenever somebody looks at its last place.
"""

from __future__ import annotations

from datetime import datetime

from harvestd.store.postgres.statements import Reader, Statement, scalar

#: The windows of a day ``d`` that have something left, in each measure, of what orders take.
_LEFT = """windows w left join lateral (
        select coalesce(sum(q.orders), 0) as orders, coalesce(sum(q.crates), 0) as crates, coalesce(sum(q.grams), 0) as grams
          from quote_places q where q.window_id = w.id) held on true
    where w.day_id = d.id and (w.max_orders is null or w.taken_orders - held.orders < w.max_orders)
      and (w.max_crates is null or w.taken_crates - held.crates < w.max_crates) and (w.max_grams is null or w.taken_grams - held.grams < w.max_grams)"""
_FULL = Statement(
    "market_days.full",
    f"""select d.id::text from market_days d
         where d.status = 'open' and (:id::uuid is null or d.id = :id) and exists (select from windows w where w.day_id = d.id)
           and not exists (select from {_LEFT})
         order by d.id limit :limit""",
    scalar,
)
_FREE = Statement(
    "market_days.free",
    f"""select d.id::text from market_days d
         where d.status = 'closed' and d.closed_full and d.closes_at > :now and (:id::uuid is null or d.id = :id)
           and exists (select from {_LEFT} and w.starts_at > :now)
         order by d.id limit :limit""",
    scalar,
)


async def full(reader: Reader, limit: int, id: str | None = None) -> list[str]:
    """Ids of the open days whose windows are all full, or this one, if it is."""
    return await reader.rows(_FULL, limit=limit, id=id)


async def free(reader: Reader, now: datetime, limit: int, id: str | None = None) -> list[str]:
    """Ids of the days that closed because they were full and have a place again before their cut-off, or this one, if it has."""
    return await reader.rows(_FREE, now=now, limit=limit, id=id)
