"""Rows of orders: placing, locking for a step, and storing one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from harvestd.market.orders.fulfilment import Moved, Standing
from harvestd.market.orders.placing import Part, Placed, Totals
from harvestd.store import counting
from harvestd.store.postgres.database import LAST_ID, Reader, Statement, Transaction, nothing, scalar


class Order(msgspec.Struct, frozen=True):
    """An order's own row; money in minor units."""

    id: str
    number: str
    buyer_id: str
    status: str
    currency: str
    goods: int
    fees: int
    tax: int
    discount: int
    total: int
    note: str
    placed_at: datetime
    updated_at: datetime
    version: int
    buyer_name: str
    buyer_phone: str | None

    def standing(self, parts: Sequence[Part]) -> Standing:
        """As decisions take it."""
        totals = Totals(self.goods, self.fees, self.tax, self.discount)
        return Standing(
            id=self.id, number=self.number, buyer_id=self.buyer_id, status=self.status, version=self.version,
            parts=tuple(parts), totals=totals,
        )  # fmt: skip


class StepRow(msgspec.Struct, frozen=True):
    """A step of a part, ``from_`` None when it was placed; ``by`` is buyer, farm, admin or clock."""

    version: int
    to: str
    at: datetime
    by: str
    reason: str
    from_: str | None = msgspec.field(name="from")


class PartRow(msgspec.Struct, frozen=True):
    """One farm's part of an order; ``fulfilment`` as it was stored, the steps from the first on."""

    order_id: str
    farm_id: str
    farm_name: str
    status: str
    subtotal: int
    fulfilment: dict[str, Any]
    steps: list[StepRow]


def _part(
    order_id: str, farm_id: str, name: str, status: str, subtotal: int, way: dict[str, Any], steps: str
) -> PartRow:
    return PartRow(order_id, farm_id, name, status, subtotal, way, msgspec.json.decode(steps, type=list[StepRow]))


class LineRow(msgspec.Struct, frozen=True):
    """A line of an order; ``unit_price`` is for ``price_per`` of the unit."""

    order_id: str
    farm_id: str
    id: str
    product_id: str
    title: str
    quantity: Decimal
    unit: str
    unit_price: int
    price_per: Decimal
    total: int


_ORDER = """o.id, o.number, o.buyer_id, o.status, o.currency, o.goods, o.fees, o.tax, o.discount, o.total, o.note,
            o.placed_at, o.updated_at, o.version, u.name, u.phone"""
_FROM = "orders o join users u on u.id = o.buyer_id"
_BY_ID = Statement("orders.by_id", f"select {_ORDER} from {_FROM} where o.id = $1", Order)
_BY_IDS = Statement("orders.by_ids", f"select {_ORDER} from {_FROM} where o.id = any($1::uuid[])", Order)
_LOCK = Statement("orders.lock", f"select {_ORDER} from {_FROM} where o.id = $1 for no key update of o", Order)
_OF_BUYER = Statement(
    "orders.of_buyer",
    f"""select {_ORDER} from {_FROM}
        where o.buyer_id = $1 and o.id < coalesce($2::uuid, {LAST_ID}) and ($3::text is null or o.status = $3)
        order by o.id desc limit $4""",
    Order,
)
_OWN = "orders where buyer_id = $1 and ($2::text is null or status = $2)"
_COUNT_OWN = counting.counting("orders.count_own", _OWN)
_COUNT_OWN_AND_FARMS = counting.counting(
    "orders.count_own_and_farms",
    f"""((select id from {_OWN} limit {counting.COUNTED_MOST}) union (
            select p.order_id from farm_members m join order_parts p on p.farm_id = m.farm_id
             where m.user_id = $1 and ($2::text is null or p.status = $2) limit {counting.COUNTED_MOST})) as both_kinds""",
)
_COUNT_EVERY = counting.counting("orders.count_every", "orders where $1::text is null or status = $1")
_OF_FARMS = Statement(
    "orders.of_farms",
    f"""select {_ORDER} from {_FROM}
        where o.id in (select p.order_id from farm_members m, lateral (
                           select order_id from order_parts
                            where farm_id = m.farm_id and order_id < coalesce($2::uuid, {LAST_ID})
                              and ($3::text is null or status = $3)
                            order by order_id desc limit $4) p
                        where m.user_id = $1)
        order by o.id desc limit $4""",
    Order,
)
_ALL = Statement(
    "orders.all",
    f"""select {_ORDER} from {_FROM}
        where o.id < coalesce($1::uuid, {LAST_ID}) and ($2::text is null or o.status = $2) order by o.id desc limit $3""",
    Order,
)
_PARTS = Statement(
    "orders.parts",
    """select p.order_id, p.farm_id, f.name, p.status, p.subtotal, coalesce(p.fulfilment, o.fulfilment),
              (select coalesce(json_agg(json_build_object(
                          'version', t.version, 'from', nullif(t.from_status, ''), 'to', t.to_status, 'at', t.at,
                          'reason', t.reason, 'by', coalesce(t.actor, case when t.actor_id is null then 'clock'
                                                                           when t.actor_id = o.buyer_id then 'buyer' else 'farm' end))
                               order by t.version), '[]')::text
                 from order_transitions t where t.order_id = p.order_id and t.farm_id = p.farm_id)
         from order_parts p join orders o on o.id = p.order_id join farms f on f.id = p.farm_id
        where p.order_id = any($1::uuid[]) order by p.order_id, p.position""",
    _part,
)
_STANDING = Statement(
    "orders.standing",
    """select p.farm_id, f.name, p.position, p.status, p.subtotal from order_parts p join farms f on f.id = p.farm_id
        where p.order_id = $1 order by p.position""",
    Part,
)
_LINES = Statement(
    "orders.lines",
    """select order_id, farm_id, id, product_id, title, quantity, unit, unit_price, price_per, total from order_lines
       where order_id = any($1::uuid[]) order by order_id, position""",
    LineRow,
)
_INSERT = Statement(
    "orders.insert",
    """with o as (
           insert into orders (id, number, buyer_id, cart_id, status, currency, goods, fees, tax, discount, total,
                               fulfilment, note, placed_at, updated_at)
           values ($1, $2, $3, $4, 'placed', $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
       ), parts as (
           insert into order_parts (order_id, farm_id, position, status, subtotal, fulfilment)
           select $1, t.farm_id, t.position - 1, 'placed', t.subtotal, t.fulfilment
             from unnest($14::uuid[], $15::bigint[], $28::jsonb[]) with ordinality
                  as t(farm_id, subtotal, fulfilment, position)
       ), steps as (
           insert into order_transitions (order_id, version, farm_id, from_status, to_status, actor_id, actor, at)
           select $1, 1, farm_id, '', 'placed', $3, 'buyer', $13 from unnest($14::uuid[]) as t(farm_id)
       ), lines as (
           insert into order_lines (id, order_id, farm_id, position, product_id, title, quantity, unit, unit_price, total,
                                    price_per)
           select t.id, $1, t.farm_id, t.position - 1, t.product_id, t.title, t.quantity, t.unit, t.price, t.total, t.per
             from unnest($16::uuid[], $17::uuid[], $18::uuid[], $19::text[], $20::numeric[], $21::text[], $22::bigint[],
                         $23::bigint[], $29::numeric[]) with ordinality
                  as t(id, farm_id, product_id, title, quantity, unit, price, total, per, position)
       ), held as (
           insert into reservations (line_id, order_id, product_id, quantity, state, expires_at, changed_at)
           select t.id, $1, t.product_id, t.quantity, 'live', $24, $13
             from unnest($16::uuid[], $18::uuid[], $20::numeric[]) as t(id, product_id, quantity)
       )
       update products p set reserved = p.reserved + t.quantity, revision = p.revision + t.ran_out::integer
         from unnest($25::uuid[], $26::numeric[], $27::boolean[]) as t(id, quantity, ran_out) where p.id = t.id""",
    nothing,
)
_MOVE = Statement(
    "orders.move",
    """with parts as (
           update order_parts set status = $2 where order_id = $1 and farm_id = any($3::uuid[])
       ), steps as (
           insert into order_transitions (order_id, version, farm_id, from_status, to_status, actor_id, reason, at, actor)
           select $1, $4, t.farm_id, t.status, $2, $5, $6, $7, $12 from unnest($3::uuid[], $8::text[]) as t(farm_id, status)
       )
       update orders set status = $9, goods = $10, total = $11, version = $4, updated_at = $7 where id = $1""",
    nothing,
)
_DUE = Statement(
    "orders.due",
    """select distinct r.order_id
         from reservations r join order_lines l on l.id = r.line_id
              join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
        where r.state = 'live' and r.expires_at is not null and r.expires_at <= $1 and p.status = 'placed'
        order by r.order_id limit $2""",
    scalar,
)


def insert(
    tx: Transaction, order: Placed, currency: str, ways: Mapping[str, dict[str, Any]], note: str, cart_id: str | None
) -> None:
    """Store an accepted order (``ways`` has how each farm's part reaches the buyer), its parts, lines, reservations and first transitions, and take its quantities, in one
    statement, with the commit at the latest. The products are locked by the caller."""
    t, lines, taken = order.totals, order.lines, sorted(order.taken.items())
    tx.later(
        _INSERT, order.id, order.number, order.buyer_id, cart_id, currency, t.goods, t.fees, t.tax, t.discount, t.total,
        ways[order.parts[0].farm_id], note, order.placed_at, [p.farm_id for p in order.parts], [p.subtotal for p in order.parts],
        [x.id for x in lines], [x.farm_id for x in lines], [x.product_id for x in lines], [x.title for x in lines],
        [x.quantity for x in lines], [x.unit for x in lines], [x.unit_price for x in lines], [x.total for x in lines],
        order.hold_until, [p for p, _ in taken], [q for _, q in taken], [p in order.ran_out for p, _ in taken],
        [ways[p.farm_id] for p in order.parts], [x.price_per for x in lines],
    )  # fmt: skip


async def lock(tx: Transaction, order_id: str) -> tuple[Order, Standing] | None:
    """An order and its parts, locked until the transaction ends: as its row, and as decisions take it."""
    order = await tx.row(_LOCK, order_id)
    if order is None:
        return None
    return order, order.standing(await tx.rows(_STANDING, order_id))


async def move(tx: Transaction, before: Standing, moved: Moved, actor_id: str | None, now: datetime) -> None:
    """Store a step of a locked order."""
    statuses = {part.farm_id: part.status for part in before.parts}
    await tx.run(
        _MOVE, before.id, moved.to, list(moved.farms), moved.version, actor_id, moved.reason, now,
        [statuses[f] for f in moved.farms], moved.status, moved.totals.goods, moved.totals.total, moved.actor,
    )  # fmt: skip


async def find(reader: Reader, order_id: str) -> Order | None:
    """An order's row."""
    return await reader.row(_BY_ID, order_id)


async def some(reader: Reader, ids: Sequence[str]) -> dict[str, Order]:
    """Those of the orders that there are, by their ids."""
    return {order.id: order for order in await reader.rows(_BY_IDS, list(ids))}


async def parts_and_lines(reader: Reader, orders: Sequence[str]) -> tuple[list[PartRow], list[LineRow]]:
    """All parts and lines of some orders, in their order."""
    return await reader.rows(_PARTS, list(orders)), await reader.rows(_LINES, list(orders))


async def of_buyer(reader: Reader, user_id: str, after: str | None, status: str | None, limit: int) -> list[Order]:
    """A buyer's orders from the newest on."""
    return await reader.rows(_OF_BUYER, user_id, after, status, limit)


async def of_farms(reader: Reader, user_id: str, after: str | None, status: str | None, limit: int) -> list[Order]:
    """The orders with a part for one of a person's farms (``status`` is that part's), from the newest on."""
    return await reader.rows(_OF_FARMS, user_id, after, status, limit)


async def every(reader: Reader, after: str | None, status: str | None, limit: int) -> list[Order]:
    """All orders from the newest on."""
    return await reader.rows(_ALL, after, status, limit)


async def count_own(reader: Reader, user_id: str, status: str | None) -> int:
    """How many orders :func:`of_buyer` lists, as far as is counted."""
    return await counting.count(reader, _COUNT_OWN, user_id, status)


async def count_own_and_farms(reader: Reader, user_id: str, status: str | None) -> int:
    """How many orders :func:`of_buyer` and :func:`of_farms` list together, each once, as far as is counted."""
    return await counting.count(reader, _COUNT_OWN_AND_FARMS, user_id, status)


async def count_every(reader: Reader, status: str | None) -> int:
    """How many orders :func:`every` lists, as far as is counted."""
    return await counting.count(reader, _COUNT_EVERY, status)


async def due(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Orders with a part that no farm confirmed while its hold lasted."""
    return await reader.rows(_DUE, now, limit)
