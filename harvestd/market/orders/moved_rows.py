"""Rows of what orders show of their windows, where that is not what these are any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Outdated(msgspec.Struct, frozen=True):
    """A part that is not over, of an order, whose window is another by now: the fulfilment that it shows, and the window and the pick-up point as
    they are; ``totals`` are what the order comes to."""

    order_id: str
    number: str
    buyer_id: str | None
    version: int
    order_status: str
    totals: dict[str, int]
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
    f"""select o.id, o.number, o.buyer_id, o.version, o.status,
               jsonb_build_object('goods', o.goods, 'fees', o.fees, 'tax', o.tax, 'discount', o.discount, 'total', o.total), t.farm_id, t.status, t.fulfilment, t.shown, t.point
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
       ), changes as (
           insert into order_changes (order_id, version, kind, actor, before, after, at)
           select t.id, t.version, 'moved', 'admin', t.before, t.after, :now
             from unnest(:ids::uuid[], :versions::int[], :befores::jsonb[], :afters::jsonb[]) as t(id, version, before, after)
       ), asked as (
           update order_lines l set answer_by = t.until
             from unnest(:order_ids::uuid[], :farm_ids::uuid[], :untils::timestamptz[]) as t(order_id, farm_id, until)
            where l.order_id = t.order_id and l.farm_id = t.farm_id and l.answer_by > t.until and t.until > :now
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


async def renew(tx: Transaction, orders: Sequence[Sequence[tuple[Outdated, dict[str, Any]]]], now: datetime) -> None:
    """Store the fulfilments of parts of locked orders, each order with a version and an audit row of its own. What is asked about them is to be answered by the end of the window as it is."""
    parts = [pair for order in orders for pair in order]
    firsts = [order[0][0] for order in orders]
    await tx.run(
        _RENEW, ids=[one.order_id for one in firsts], versions=[one.version + 1 for one in firsts], now=now,
        befores=[_audited(order, [part.fulfilment for part, _ in order]) for order in orders],
        afters=[_audited(order, [shown for _, shown in order]) for order in orders],
        order_ids=[part.order_id for part, _ in parts], farm_ids=[part.farm_id for part, _ in parts], fulfilments=[shown for _, shown in parts],
        untils=[datetime.fromisoformat(part.window["to"]) for part, _ in parts],
    )  # fmt: skip


def _audited(order: Sequence[tuple[Outdated, dict[str, Any]]], ways: Sequence[dict[str, Any]]) -> dict[str, Any]:
    moves = [{"farm_id": part.farm_id, **public(way)} for (part, _), way in zip(order, ways, strict=True)]
    return {"lines": [], "totals": order[0][0].totals, "moves": moves}


def public(way: dict[str, Any]) -> dict[str, Any]:
    """A fulfilment without where somebody lives: what tells of it is kept longer than that."""
    return {name: value for name, value in way.items() if name != "address"}
