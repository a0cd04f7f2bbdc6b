"""Rows of orders: placing, locking for a step, and storing one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from harvestd.kernel.units import Amount
from harvestd.market.orders.fulfilment import Moved, Standing
from harvestd.market.orders.order import Part, Placed, Totals
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Order(msgspec.Struct, frozen=True):
    """The row of an order; money in minor units."""

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
        """The order as the rules take it."""
        totals = Totals(self.goods, self.fees, self.tax, self.discount)
        return Standing(
            id=self.id, number=self.number, buyer_id=self.buyer_id, status=self.status, version=self.version,
            parts=tuple(parts), totals=totals,
        )  # fmt: skip


class StepRow(msgspec.Struct, frozen=True):
    """A status step of a part, ``from_`` None when it was placed; ``by`` is buyer, farm, admin or clock."""

    version: int
    to: str
    at: datetime
    by: str
    reason: str
    from_: str | None = msgspec.field(name="from")


class PartRow(msgspec.Struct, frozen=True):
    """One farm's part of an order; ``fulfilment`` as stored, the steps in order."""

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
    """A line of an order; ``unit_price`` is for ``price_per`` of the unit or, with an estimated weight of a piece, of that one's."""

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
    facts: dict[str, Any]
    title_seen: str | None
    variant_id: str | None
    estimated_weight: Decimal | None
    weight_unit: str | None

    @property
    def each(self) -> Amount | None:
        """The estimated weight of a piece that is priced by weight."""
        return Amount(self.estimated_weight, self.weight_unit) if self.estimated_weight and self.weight_unit else None


_ORDER = """o.id, o.number, o.buyer_id, o.status, o.currency, o.goods, o.fees, o.tax, o.discount, o.total, o.note,
            o.placed_at, o.updated_at, o.version, u.name, u.phone"""
#: The columns of an :class:`Order`, of :data:`_FROM`.
COLUMNS = _ORDER
_FROM = "orders o join users u on u.id = o.buyer_id"
_BY_ID = Statement("orders.by_id", f"select {_ORDER} from {_FROM} where o.id = :order_id", Order)
_BY_IDS = Statement("orders.by_ids", f"select {_ORDER} from {_FROM} where o.id = any(:ids::uuid[])", Order)
_LOCK = Statement("orders.lock", f"select {_ORDER} from {_FROM} where o.id = :order_id for no key update of o", Order)
_OF_BUYER = Statement(
    "orders.of_buyer",
    f"""select {_ORDER} from {_FROM}
        where o.buyer_id = :user_id and o.id < coalesce(:after::uuid, {LAST_ID}) and (:status::text is null or o.status = :status)
        order by o.id desc limit :limit""",
    Order,
)
_OWN = "orders where buyer_id = :user_id and (:status::text is null or status = :status)"
_COUNT_OWN = counting.counting("orders.count_own", _OWN)
_COUNT_OWN_AND_FARMS = counting.counting(
    "orders.count_own_and_farms",
    f"""((select id from {_OWN} limit {counting.MAX_COUNTED}) union (
            select p.order_id from farm_members m join order_parts p on p.farm_id = m.farm_id
             where m.user_id = :user_id and (:status::text is null or p.status = :status) limit {counting.MAX_COUNTED})) as both_kinds""",
)
_COUNT_EVERY = counting.counting("orders.count_every", "orders where :status::text is null or status = :status")
_OF_FARMS = Statement(
    "orders.of_farms",
    f"""select {_ORDER} from {_FROM}
        where o.id in (select p.order_id from farm_members m, lateral (
                           select order_id from order_parts
                            where farm_id = m.farm_id and order_id < coalesce(:after::uuid, {LAST_ID})
                              and (:status::text is null or status = :status)
                            order by order_id desc limit :limit) p
                        where m.user_id = :user_id)
        order by o.id desc limit :limit""",
    Order,
)
_ALL = Statement(
    "orders.all",
    f"""select {_ORDER} from {_FROM}
        where o.id < coalesce(:after::uuid, {LAST_ID}) and (:status::text is null or o.status = :status) order by o.id desc limit :limit""",
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
        where p.order_id = any(:orders::uuid[]) order by p.order_id, p.position""",
    _part,
)
_STANDING = Statement(
    "orders.standing",
    """select p.farm_id, f.name, p.position, p.status, p.subtotal from order_parts p join farms f on f.id = p.farm_id
        where p.order_id = :order_id order by p.position""",
    Part,
)
_LINES = Statement(
    "orders.lines",
    """select order_id, farm_id, id, product_id, title, quantity, unit, unit_price, price_per, total, facts, title_seen, variant_id, estimated_weight, weight_unit
       from order_lines
       where order_id = any(:orders::uuid[]) order by order_id, position""",
    LineRow,
)
_INSERT = Statement(
    "orders.insert",
    """with o as (
           insert into orders (id, number, buyer_id, cart_id, status, currency, goods, fees, tax, discount, total,
                               fulfilment, note, placed_at, updated_at)
           values (:id, :number, :buyer_id, :cart_id, 'placed', :currency, :goods, :fees, :tax, :discount, :total, :fulfilment, :note, :placed_at, :placed_at)
       ), parts as (
           insert into order_parts (order_id, farm_id, position, status, subtotal, fulfilment)
           select :id, t.farm_id, t.position - 1, 'placed', t.subtotal, t.fulfilment
             from unnest(:farm_ids::uuid[], :subtotals::bigint[], :fulfilments::jsonb[]) with ordinality
                  as t(farm_id, subtotal, fulfilment, position)
       ), steps as (
           insert into order_transitions (order_id, version, farm_id, from_status, to_status, actor_id, actor, at)
           select :id, 1, farm_id, '', 'placed', :buyer_id, 'buyer', :placed_at from unnest(:farm_ids::uuid[]) as t(farm_id)
       ), lines as (
           insert into order_lines (id, order_id, farm_id, position, product_id, title, quantity, unit, unit_price, total,
                                    price_per, facts, title_seen, variant_id, takes, estimated_weight, weight_unit)
           select t.id, :id, t.farm_id, t.position - 1, t.product_id, t.title, t.quantity, t.unit, t.price, t.total, t.per, t.facts, t.seen,
                  t.variant_id, t.takes, t.weight, t.weight_unit
             from unnest(:line_ids::uuid[], :line_farms::uuid[], :line_products::uuid[], :titles::text[], :quantities::numeric[], :units::text[], :unit_prices::bigint[],
                         :totals::bigint[], :prices_per::numeric[], :facts::jsonb[], :titles_seen::text[], :variants::uuid[], :takes::numeric[], :weights::numeric[],
                         :weight_units::text[]) with ordinality
                  as t(id, farm_id, product_id, title, quantity, unit, price, total, per, facts, seen, variant_id, takes, weight, weight_unit, position)
       ), held as (
           insert into reservations (line_id, order_id, product_id, quantity, state, expires_at, changed_at)
           select t.id, :id, t.product_id, t.quantity, 'live', :hold_until, :placed_at
             from unnest(:line_ids::uuid[], :line_products::uuid[], :reserved::numeric[]) as t(id, product_id, quantity)
       )
       update products p set reserved = p.reserved + t.quantity, revision = p.revision + t.ran_out::integer
         from unnest(:product_ids::uuid[], :taken::numeric[], :ran_out::boolean[]) as t(id, quantity, ran_out) where p.id = t.id""",
    nothing,
)
_MOVE = Statement(
    "orders.move",
    """with parts as (
           update order_parts set status = :to where order_id = :id and farm_id = any(:farms::uuid[])
       ), steps as (
           insert into order_transitions (order_id, version, farm_id, from_status, to_status, actor_id, reason, at, actor)
           select :id, :version, t.farm_id, t.status, :to, :actor_id, :reason, :now, :actor from unnest(:farms::uuid[], :before::text[]) as t(farm_id, status)
       )
       update orders set status = :status, goods = :goods, total = :total, version = :version, updated_at = :now where id = :id""",
    nothing,
)
_DUE = Statement(
    "orders.due",
    """select distinct r.order_id
         from reservations r join order_lines l on l.id = r.line_id
              join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
        where r.state = 'live' and r.expires_at is not null and r.expires_at <= :now and p.status = 'placed'
        order by r.order_id limit :limit""",
    scalar,
)


def insert(
    tx: Transaction, order: Placed, currency: str, ways: Mapping[str, dict[str, Any]], note: str, cart_id: str | None
) -> None:
    """Store an accepted order (``ways`` has the fulfilment of each farm's part), its parts, lines, reservations and first transitions,
    and reserve its quantities, in one statement that runs with the commit at the latest. The caller has locked the products."""
    t, lines, taken = order.totals, order.lines, sorted(order.taken.items())
    tx.later(
        _INSERT, id=order.id, number=order.number, buyer_id=order.buyer_id, cart_id=cart_id, currency=currency, goods=t.goods, fees=t.fees, tax=t.tax, discount=t.discount, total=t.total,
        fulfilment=ways[order.parts[0].farm_id], note=note, placed_at=order.placed_at, farm_ids=[p.farm_id for p in order.parts], subtotals=[p.subtotal for p in order.parts],
        line_ids=[x.id for x in lines], line_farms=[x.farm_id for x in lines], line_products=[x.product_id for x in lines], titles=[x.title for x in lines],
        quantities=[x.quantity for x in lines], units=[x.unit for x in lines], unit_prices=[x.unit_price for x in lines], totals=[x.total for x in lines],
        hold_until=order.hold_until, product_ids=[p for p, _ in taken], taken=[q for _, q in taken], ran_out=[p in order.ran_out for p, _ in taken],
        fulfilments=[ways[p.farm_id] for p in order.parts], prices_per=[x.price_per for x in lines],
        facts=[x.facts for x in lines], titles_seen=[x.title_seen for x in lines], variants=[x.variant_id for x in lines], takes=[x.takes for x in lines], reserved=[x.taken for x in lines],
        weights=[x.each and x.each.quantity for x in lines], weight_units=[x.each and x.each.unit for x in lines],
    )  # fmt: skip


async def lock(tx: Transaction, order_id: str) -> tuple[Order, Standing] | None:
    """An order and its parts, locked until the transaction ends: as its row, and as the rules take it."""
    order = await tx.row(_LOCK, order_id=order_id)
    if order is None:
        return None
    return order, order.standing(await tx.rows(_STANDING, order_id=order_id))


async def move(tx: Transaction, before: Standing, moved: Moved, actor_id: str | None, now: datetime) -> None:
    """Store a step of a locked order."""
    statuses = {part.farm_id: part.status for part in before.parts}
    await tx.run(
        _MOVE, id=before.id, to=moved.to, farms=list(moved.farms), version=moved.version, actor_id=actor_id, reason=moved.reason, now=now,
        before=[statuses[f] for f in moved.farms], status=moved.status, goods=moved.totals.goods, total=moved.totals.total, actor=moved.actor,
    )  # fmt: skip


async def find(reader: Reader, order_id: str) -> Order | None:
    """An order's row."""
    return await reader.row(_BY_ID, order_id=order_id)


async def some(reader: Reader, ids: Sequence[str]) -> dict[str, Order]:
    """The orders with these ids that exist, by id."""
    return {order.id: order for order in await reader.rows(_BY_IDS, ids=list(ids))}


async def parts_and_lines(reader: Reader, orders: Sequence[str]) -> tuple[list[PartRow], list[LineRow]]:
    """All parts and lines of some orders, in order."""
    return await reader.rows(_PARTS, orders=list(orders)), await reader.rows(_LINES, orders=list(orders))


async def of_buyer(reader: Reader, user_id: str, after: str | None, status: str | None, limit: int) -> list[Order]:
    """A buyer's orders, newest first."""
    return await reader.rows(_OF_BUYER, user_id=user_id, after=after, status=status, limit=limit)


async def of_farms(reader: Reader, user_id: str, after: str | None, status: str | None, limit: int) -> list[Order]:
    """The orders with a part for one of a person's farms (``status`` is that part's), newest first."""
    return await reader.rows(_OF_FARMS, user_id=user_id, after=after, status=status, limit=limit)


async def every(reader: Reader, after: str | None, status: str | None, limit: int) -> list[Order]:
    """All orders, newest first."""
    return await reader.rows(_ALL, after=after, status=status, limit=limit)


async def count_own(reader: Reader, user_id: str, status: str | None) -> int:
    """How many orders :func:`of_buyer` lists, up to the counting limit."""
    return await counting.count(reader, _COUNT_OWN, user_id=user_id, status=status)


async def count_own_and_farms(reader: Reader, user_id: str, status: str | None) -> int:
    """How many orders :func:`of_buyer` and :func:`of_farms` list together, each counted once, up to the counting limit."""
    return await counting.count(reader, _COUNT_OWN_AND_FARMS, user_id=user_id, status=status)


async def count_every(reader: Reader, status: str | None) -> int:
    """How many orders :func:`every` lists, up to the counting limit."""
    return await counting.count(reader, _COUNT_EVERY, status=status)


async def due(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Orders with a part that no farm confirmed before its hold ran out."""
    return await reader.rows(_DUE, now=now, limit=limit)
