"""Rows of what orders show of their windows, where that is not what these are any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Outdated(msgspec.Struct, frozen=True):
    """A part that is not over, of an order, whose window is another by now: the fulfilment that it shows, and the window and the pick-up point as they are."""

    order_id: str
    number: str
    buyer_id: str | None
    version: int
    order_status: str
    farm_id: str
    status: str
    fulfilment: dict[str, Any]
    window: dict[str, Any]
    point: dict[str, Any] | None


_POINT = """case when k.id is null then g.point else jsonb_build_object('id', k.id, 'name', k.name, 'address', k.address, 'hours', k.hours,
    'position', case when k.latitude is not null then jsonb_build_object('latitude', k.latitude, 'longitude', k.longitude) end) end"""
#: Of a farm that has its point no more, the order keeps it as it was.
_OUTDATED = f"""order_parts p join windows w on w.id = p.window_id join market_days d on d.id = w.day_id
    left join pickup_points k on k.id = w.point_id
    left join lateral (select point from farms, jsonb_array_elements(farms.pickup_points) as point
                        where farms.id = w.farm_id and point ->> 'id' = w.farm_point_id::text) g on true
   where p.status not in ('completed', 'cancelled', 'expired')
     and ((p.fulfilment #>> '{{window,market_day_name}}', (p.fulfilment #>> '{{window,from}}')::timestamptz, (p.fulfilment #>> '{{window,to}}')::timestamptz)
             is distinct from (d.name, w.starts_at, w.ends_at)
          or (w.method = 'pickup' and {_POINT} is not null and (p.fulfilment -> 'pickup_point') - 'hours' is distinct from ({_POINT}) - 'hours'))"""
_ORDERS = Statement(
    "moved.orders",
    f"select distinct p.order_id::text from {_OUTDATED} and w.day_id = :day_id order by 1 limit :limit",
    scalar,
)
_LOCK = Statement(
    "moved.lock", "select id from orders where id = any(:ids::uuid[]) order by id for no key update", nothing
)
_PARTS = Statement(
    "moved.parts",
    f"""select o.id, o.number, o.buyer_id, o.version, o.status, t.farm_id, t.status, t.fulfilment, t.shown, t.point
          from orders o join lateral (
               select p.order_id, p.farm_id, p.position, p.status, p.fulfilment,
                      jsonb_build_object('id', w.id, 'market_day_id', w.day_id, 'market_day_name', d.name, 'from', w.starts_at, 'to', w.ends_at) as shown,
                      {_POINT} as point
                 from {_OUTDATED} and p.order_id = o.id) t on true
         where o.id = any(:ids::uuid[]) order by o.id, t.position""",
    Outdated,
)
_RENEW = Statement(
    "moved.renew",
    """with orders as (
           update orders o set version = t.version, updated_at = :now from unnest(:ids::uuid[], :versions::int[]) as t(id, version) where o.id = t.id
       )
       update order_parts p set fulfilment = t.fulfilment
         from unnest(:order_ids::uuid[], :farm_ids::uuid[], :fulfilments::jsonb[]) as t(order_id, farm_id, fulfilment)
        where p.order_id = t.order_id and p.farm_id = t.farm_id""",
    nothing,
)


async def orders(reader: Reader, day_id: str, limit: int) -> list[str]:
    """The ids of orders of a market day that show of it what is not so any more, in order."""
    return await reader.rows(_ORDERS, day_id=day_id, limit=limit)


async def locked(tx: Transaction, ids: Sequence[str]) -> list[Outdated]:
    """What of these orders, locked until the transaction ends, is outdated still."""
    await tx.run(_LOCK, ids=list(ids))
    return await tx.rows(_PARTS, ids=list(ids))


async def renew(tx: Transaction, versions: dict[str, int], parts: Sequence[tuple[Outdated, dict[str, Any]]], now: datetime) -> None:  # fmt: skip
    """Store the fulfilments of parts of locked orders, and the versions of these."""
    await tx.run(
        _RENEW, ids=list(versions), versions=list(versions.values()), now=now, order_ids=[part.order_id for part, _ in parts],
        farm_ids=[part.farm_id for part, _ in parts], fulfilments=[shown for _, shown in parts],
    )  # fmt: skip
