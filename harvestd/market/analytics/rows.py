"""Daily totals: one row for each day and farm, and one a day for the whole market."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import attrs

from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction

#: Stands in for a farm's id in the rows of the whole market.
MARKET = "00000000-0000-0000-0000-000000000000"


@attrs.define
class Totals:
    """The increments of a day: counts of orders, and goods in minor units."""

    orders: int = 0
    cancelled: int = 0
    expired: int = 0
    completed: int = 0
    goods: int = 0


_ADD = Statement(
    "analytics.add",
    """insert into daily_totals as d (day, farm_id, orders, cancelled, expired, completed, goods)
       select * from unnest(:days::date[], :farms::uuid[], :orders::integer[], :cancelleds::integer[], :expireds::integer[], :completeds::integer[],
                            :goods::bigint[])
       on conflict (day, farm_id) do update
          set orders = d.orders + excluded.orders, cancelled = d.cancelled + excluded.cancelled,
              expired = d.expired + excluded.expired, completed = d.completed + excluded.completed,
              goods = d.goods + excluded.goods""",
    nothing,
)


async def add(tx: Transaction, totals: Mapping[tuple[date, str], Totals]) -> None:
    """Add to the days in key order, so that two workers never deadlock."""
    if not totals:
        return
    rows = sorted(totals.items(), key=lambda row: row[0])
    await tx.run(
        _ADD, days=[day for (day, _), _ in rows], farms=[farm for (_, farm), _ in rows], orders=[t.orders for _, t in rows],
        cancelleds=[t.cancelled for _, t in rows], expireds=[t.expired for _, t in rows], completeds=[t.completed for _, t in rows],
        goods=[t.goods for _, t in rows],
    )  # fmt: skip
