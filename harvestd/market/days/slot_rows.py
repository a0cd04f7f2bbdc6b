"""Rows of windows with their days as orders take them, and of the places that orders, and quotes that are held, have in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from harvestd.market.days.slots import Place, Slot
from harvestd.market.days.window_rules import MEASURES, Capacity, Measures
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

NOTHING, NOTHING_HELD = Measures(), dict[str, Measures]()
_COLUMNS = """w.id, w.day_id, d.name, d.status, d.opens_at, d.closes_at,
    case when not d.all_farms then (select coalesce(jsonb_object_agg(m.farm_id, m.lead_minutes), '{}') from market_day_farms m where m.day_id = d.id) end,
    w.method, case when p.id is null then f.point else jsonb_build_object('id', p.id, 'name', p.name, 'address', p.address, 'hours', p.hours,
         'position', case when p.latitude is not null then jsonb_build_object('latitude', p.latitude, 'longitude', p.longitude) end) end,
    w.farm_id, w.area, w.starts_at, w.ends_at, w.max_orders, w.max_crates, w.max_grams, w.taken_orders, w.taken_crates, w.taken_grams, d.holds_minutes, d.closed_full"""
_FROM = """windows w join market_days d on d.id = w.day_id left join pickup_points p on p.id = w.point_id
    left join lateral (select point from farms, jsonb_array_elements(farms.pickup_points) as point
                        where farms.id = w.farm_id and point ->> 'id' = w.farm_point_id::text) f on true"""
#: Of a pick-up whose farm has the point no more nobody knows where it is.
_SOMEWHERE = "(w.method <> 'pickup' or p.id is not null or f.point is not null)"
# Days are locked in id order, so that none of them closes, or changes its windows or its farms, until the order is placed; orders do not wait for each other here. A statement that
# has waited for a lock sees the locked row as it is by then, and all that it joins to that as it was before: a day whose version is another then is read once more.
_LOCK = Statement(
    "slots.lock",
    f"""select {_COLUMNS}, d.version = (select o.version from market_days o where o.id = w.day_id) from {_FROM}
         where w.id = any(:ids::uuid[]) and {_SOMEWHERE} order by d.id, w.id for share of d""",
    lambda *columns: (Slot(*columns[:-1]), columns[-1]),
)
_AGAIN = Statement(
    "slots.again",
    f"select {_COLUMNS} from {_FROM} where w.id = any(:ids::uuid[]) and {_SOMEWHERE} order by d.id, w.id",
    Slot,
)
_OPEN = Statement(
    "slots.open",
    f"select {_COLUMNS} from {_FROM} where {_SOMEWHERE} and d.status = 'open' and d.closes_at > :now and w.starts_at > :now order by w.starts_at, w.id limit :limit",
    Slot,
)


def _taking(name: str, table: str, owner: str) -> Statement[str]:
    """Take of windows what is wanted beyond what is held already, if it is there, and note it in a table. All windows are locked, in id order, before any of them is changed."""
    return Statement(
        name,
        f"""with locked as materialized (
                select id from windows where id = any(:ids::uuid[]) order by id for no key update
            ), taken as (
                update windows w set taken_orders = w.taken_orders + t.orders - t.held_orders, taken_crates = w.taken_crates + t.crates - t.held_crates,
                                     taken_grams = w.taken_grams + t.grams - t.held_grams
                  from unnest(:ids::uuid[], :orders::int[], :crates::bigint[], :grams::bigint[], :held_orders::int[], :held_crates::bigint[], :held_grams::bigint[])
                       as t(id, orders, crates, grams, held_orders, held_crates, held_grams)
                 where (select count(*) from locked) >= 0 and w.id = t.id
                   and (t.orders <= t.held_orders or w.max_orders is null or w.taken_orders + t.orders - t.held_orders <= w.max_orders)
                   and (t.crates <= t.held_crates or w.max_crates is null or w.taken_crates + t.crates - t.held_crates <= w.max_crates)
                   and (t.grams <= t.held_grams or w.max_grams is null or w.taken_grams + t.grams - t.held_grams <= w.max_grams)
                returning w.id, t.orders, t.crates, t.grams
            ), places as (
                insert into {table} ({owner}, window_id, orders, crates, grams)
                select :owner::uuid, id, orders, crates, grams from taken where :fresh::boolean and orders > 0
            )
            select id::text from taken""",
        scalar,
    )


def _room(id: str, *columns: Any) -> tuple[str, tuple[Capacity, Measures]]:
    most, taken = dict(zip(MEASURES, columns[:3], strict=True)), dict(zip(MEASURES, columns[3:], strict=True))
    return id, (Capacity(**most), Measures(**taken))


_TAKE = _taking("slots.take", "order_places", "order_id")
_HOLD = _taking("slots.hold", "quote_places", "quote_id")
_TAKE_ALL = Statement(
    "slots.take_all",
    """with t as materialized (
           select * from unnest(:order_ids::uuid[], :ids::uuid[], :orders::int[], :crates::bigint[], :grams::bigint[], :held_orders::int[], :held_crates::bigint[], :held_grams::bigint[])
                  as t(order_id, id, orders, crates, grams, held_orders, held_crates, held_grams)
       ), noted as (
           insert into order_places (order_id, window_id, orders, crates, grams) select order_id, id, orders, crates, grams from t
       )
       update windows w set taken_orders = w.taken_orders + s.orders, taken_crates = w.taken_crates + s.crates, taken_grams = w.taken_grams + s.grams
         from (select id, sum(orders - held_orders)::int, sum(crates - held_crates)::bigint, sum(grams - held_grams)::bigint from t group by id) as s(id, orders, crates, grams) where w.id = s.id""",
    nothing,
)
_LOCK_PLACES = Statement(
    "slots.lock_places",
    """select id::text, max_orders, max_crates, max_grams, taken_orders, taken_crates, taken_grams from windows where id = any(:ids::uuid[])
        order by id for no key update""",
    _room,
)
_PLACES = Statement(
    "slots.places",
    """select o.window_id, w.day_id, o.orders, o.crates, o.grams from order_places o join windows w on w.id = o.window_id
        where o.order_id = :order_id order by o.window_id""",
    Place,
)
_KEEP = Statement(
    "slots.keep",
    """update order_places o set orders = t.orders, crates = t.crates, grams = t.grams
         from unnest(:ids::uuid[], :orders::int[], :crates::bigint[], :grams::bigint[]) as t(id, orders, crates, grams)
        where o.order_id = :order_id and o.window_id = t.id""",
    nothing,
)
_LEAVE = Statement(
    "slots.leave", "delete from order_places where order_id = :order_id and window_id = any(:ids::uuid[])", nothing
)


async def lock(tx: Transaction, ids: Sequence[str]) -> dict[str, Slot]:
    """Those of these windows that there are, by id; their days do not change until the transaction ends."""
    found = await tx.rows(_LOCK, ids=list(ids))
    slots = [slot for slot, _ in found]
    if not all(current for _, current in found):
        slots = await tx.rows(_AGAIN, ids=list(ids))
    return {slot.id: slot for slot in slots}


async def of_open_days(reader: Reader, now: datetime, limit: int) -> list[Slot]:
    """The windows of open days that have not begun, the earliest first."""
    return await reader.rows(_OPEN, now=now, limit=limit)


async def take(
    tx: Transaction, order_id: str, wanted: Mapping[str, Measures], *, fresh: bool = True, held: Mapping[str, Measures] = NOTHING_HELD
) -> set[str]:  # fmt: skip
    """Take so much of each window, or return it (below 0), less what is ``held`` of it already, if it is there; returns the windows that had it: with fewer than asked
    for, the transaction must not be committed. ``fresh`` is whether the order has no places yet: they are noted, too."""
    return await _taken(tx, _TAKE, order_id, wanted, held, fresh=fresh)


def take_all(tx: Transaction, taken: Sequence[tuple[str, str, Measures, Measures]]) -> None:
    """Take so much for each order of each of its windows, which are locked and have it, less what is held for it already, with the commit at the latest; it is noted with
    each."""
    measures = {name: [getattr(one, name) for _, _, one, _ in taken] for name in MEASURES}
    before = {f"held_{name}": [getattr(one, name) for *_, one in taken] for name in MEASURES}
    orders, ids = [order_id for order_id, *_ in taken], [id for _, id, *_ in taken]
    tx.later(_TAKE_ALL, order_ids=orders, ids=ids, **measures, **before)


async def hold(
    tx: Transaction, quote_id: str, wanted: Mapping[str, Measures], held: Mapping[str, Measures] = NOTHING_HELD
) -> set[str]:
    """The same for a quote that is new, in the place of what was ``held`` before."""
    return await _taken(tx, _HOLD, quote_id, wanted, held, fresh=True)


async def give_back(tx: Transaction, quote_id: str, held: Mapping[str, Measures]) -> None:
    """Return what a locked quote holds of those of its windows that there still are."""
    await _taken(tx, _HOLD, quote_id, {}, held, fresh=False)


async def _taken(
    tx: Transaction, statement: Statement[str], owner: str, wanted: Mapping[str, Measures], held: Mapping[str, Measures], *, fresh: bool
) -> set[str]:  # fmt: skip
    ids = sorted({*wanted, *held})
    columns = {name: [getattr(wanted.get(id, NOTHING), name) for id in ids] for name in MEASURES}
    before = {f"held_{name}": [getattr(held.get(id, NOTHING), name) for id in ids] for name in MEASURES}
    return set(await tx.rows(statement, ids=ids, owner=owner, fresh=fresh, **columns, **before))


async def lock_places(tx: Transaction, ids: Sequence[str]) -> dict[str, tuple[Capacity, Measures]]:
    """What these windows hold, those that there are, and what is taken of that, which nobody changes until the transaction ends. A day that was waited for is locked as it is,
    with windows as they were."""
    return dict(await tx.rows(_LOCK_PLACES, ids=sorted(ids)))


async def places(tx: Transaction, order_id: str) -> list[Place]:
    """What a locked order takes of each window."""
    return await tx.rows(_PLACES, order_id=order_id)


async def keep(tx: Transaction, order_id: str, taken: Mapping[str, Measures]) -> None:
    """Note what a locked order takes of windows now; nothing: it leaves them."""
    left = [id for id, measures in taken.items() if not measures.orders]
    if left:
        await tx.run(_LEAVE, order_id=order_id, ids=left)
    kept = [id for id in taken if id not in left]
    if kept:
        columns = {name: [getattr(taken[id], name) for id in kept] for name in MEASURES}
        await tx.run(_KEEP, order_id=order_id, ids=kept, **columns)
