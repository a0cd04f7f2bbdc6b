"""Rows of orders with their parts, steps and lines: reading those of some ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish, Substitution
from harvestd.market.days.load_rules import Load
from harvestd.market.days.slots import Hours
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.order import Line, Part, Totals
from harvestd.market.pricing.terms import read
from harvestd.store.postgres.statements import Reader, Statement


class Order(msgspec.Struct, frozen=True):
    """The row of an order; money in minor units. Without ``buyer_id`` it is a ``guest``'s, as :class:`buyers.Guest` has it, and empty once erased;
    ``placed_by`` is who has placed it for its buyer. ``terms`` are the rules by which it is billed, None where nothing but goods is."""

    id: str
    number: str
    buyer_id: str | None
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
    guest: dict[str, Any] | None
    placed_by: str | None
    tax_included: bool = False
    terms: dict[str, Any] | None = None

    def taxed_by(self, market: bool) -> Order:
        """It with what its market says of taxes, whether they are included, if nothing that was charged decides on that."""
        return self if self.terms is not None or self.tax else msgspec.structs.replace(self, tax_included=market)

    @property
    def totals(self) -> Totals:
        """What it comes to."""
        return Totals(self.goods, self.fees, self.tax, self.discount, self.tax_included)

    def standing(self, parts: Sequence[Part], lines: Sequence[LineRow], left: bool = False) -> Standing:
        """The order as the rules take it; ``left`` is whether anything of it has left its farm."""
        return Standing(
            id=self.id, number=self.number, buyer_id=self.buyer_id, status=self.status, version=self.version,
            parts=tuple(parts), totals=self.totals, lines=tuple(row.line for row in lines), pricing=read(self.terms), left=left,
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
    """One farm's part of an order; ``fulfilment`` as stored, the steps in order; ``hours`` are when its window takes orders, if it belongs to a market day."""

    order_id: str
    farm_id: str
    farm_name: str
    status: str
    subtotal: int
    fees: int
    tax: int
    discount: int
    fulfilment: dict[str, Any]
    steps: list[StepRow]
    hours: Hours | None

    def totals(self, tax_included: bool) -> Totals:
        """What it comes to."""
        return Totals(self.subtotal, self.fees, self.tax, self.discount, tax_included)


_DECODED: dict[str, Any] = {"steps": list[StepRow], "hours": Hours | None}


def _part(*columns: Any) -> PartRow:
    values = dict(zip(PartRow.__struct_fields__, columns, strict=True))
    decoded = {name: msgspec.json.decode(values[name], type=type) for name, type in _DECODED.items()}
    return PartRow(**{**values, **decoded})


class LineRow(msgspec.Struct, frozen=True):
    """The row of an order's line, as :class:`harvestd.market.orders.order.Line` has it: of those that were not taken out."""

    order_id: str
    farm_id: str
    id: str
    position: int
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
    takes: Decimal
    estimated_weight: Decimal | None
    weight_unit: str | None
    substitution: Substitution
    note: str
    agreed_total: int | None
    short_of: Decimal
    weighed: Decimal | None
    weighed_unit: str | None
    replaces_line_id: str | None
    proposed: bool
    answer_by: datetime | None
    tax_rate: int
    tax: int
    discount: int
    grams: int
    load_grams: int
    load_crates: int

    @property
    def line(self) -> Line:
        """It as the rules take it."""
        return Line(
            id=self.id, farm_id=self.farm_id, position=self.position, product_id=self.product_id, title=self.title, quantity=self.quantity, unit=self.unit,
            unit_price=self.unit_price, price_per=self.price_per, total=self.total, facts=self.facts, title_seen=self.title_seen,
            each=_amount(self.estimated_weight, self.weight_unit), variant_id=self.variant_id, takes=self.takes, wish=LineWish(self.substitution, self.note),
            agreed_total=self.agreed_total, short_of=self.short_of, weighed=_amount(self.weighed, self.weighed_unit), replaces=self.replaces_line_id,
            proposed=self.proposed, answer_by=self.answer_by, tax_rate=self.tax_rate, tax=self.tax, discount=self.discount, grams=self.grams,
            load=Load(grams=self.load_grams, crates=self.load_crates),
        )  # fmt: skip


def _amount(quantity: Decimal | None, unit: str | None) -> Amount | None:
    return None if quantity is None or unit is None else Amount(quantity, unit)


#: The columns of an :class:`Order`, of :data:`FROM`.
COLUMNS = """o.id, o.number, o.buyer_id, o.status, o.currency, o.goods, o.fees, o.tax, o.discount, o.total, o.note,
            o.placed_at, o.updated_at, o.version, coalesce(u.name, o.guest ->> 'name', ''), coalesce(u.phone, o.guest ->> 'phone'), o.guest,
            o.placed_by, coalesce((o.terms->>'tax_included')::boolean, false), o.terms"""
FROM = "orders o left join users u on u.id = o.buyer_id"
_BY_ID = Statement("orders.by_id", f"select {COLUMNS} from {FROM} where o.id = :order_id", Order)
_BY_IDS = Statement("orders.by_ids", f"select {COLUMNS} from {FROM} where o.id = any(:ids::uuid[])", Order)
_PARTS = Statement(
    "orders.parts",
    """select p.order_id, p.farm_id, f.name, p.status, p.subtotal, p.fees, p.tax, p.discount,
              coalesce(p.fulfilment, o.fulfilment),
              (select coalesce(json_agg(json_build_object(
                          'version', t.version, 'from', nullif(t.from_status, ''), 'to', t.to_status, 'at', t.at,
                          'reason', t.reason, 'by', coalesce(t.actor, case when t.actor_id is null then 'clock'
                                                                           when t.actor_id = o.buyer_id then 'buyer' else 'farm' end))
                               order by t.version), '[]')::text
                 from order_transitions t where t.order_id = p.order_id and t.farm_id = p.farm_id),
              case when d.id is null then 'null' else json_build_object(
                  'status', d.status, 'opens_at', d.opens_at, 'closes_at', d.closes_at, 'starts_at', w.starts_at, 'closed_full', d.closed_full, 'lead_minutes', coalesce((
                      select m.lead_minutes from market_day_farms m where m.day_id = d.id and m.farm_id = p.farm_id and not d.all_farms), 0))::text end
         from order_parts p join orders o on o.id = p.order_id join farms f on f.id = p.farm_id
              left join windows w on w.id = p.window_id left join market_days d on d.id = w.day_id
        where p.order_id = any(:orders::uuid[]) order by p.order_id, p.position""",
    _part,
)
_LINES = Statement(
    "orders.lines",
    f"""select {", ".join(LineRow.__struct_fields__)} from order_lines
         where order_id = any(:orders::uuid[]) and removed_at is null order by order_id, position""",
    LineRow,
)


class Title(msgspec.Struct, frozen=True):
    """What a line is called, by its farm and to its buyer, and its unit."""

    line_id: str
    title: str
    title_seen: str | None
    unit: str


_TITLES = Statement(
    "orders.titles", "select id, title, title_seen, unit from order_lines where id = any(:ids::uuid[])", Title
)


async def titles(reader: Reader, line_ids: Sequence[str]) -> dict[str, Title]:
    """What lines are called, those that were taken out, too, by line. Without any it costs nothing."""
    rows = await reader.rows(_TITLES, ids=list(line_ids)) if line_ids else []
    return {row.line_id: row for row in rows}


async def find(reader: Reader, order_id: str) -> Order | None:
    """An order's row."""
    return await reader.row(_BY_ID, order_id=order_id)


async def some(reader: Reader, ids: Sequence[str]) -> dict[str, Order]:
    """The orders with these ids that exist, by id."""
    return {order.id: order for order in await reader.rows(_BY_IDS, ids=list(ids))}


async def lines(reader: Reader, order_id: str) -> list[LineRow]:
    """The lines of an order, in order."""
    return await reader.rows(_LINES, orders=[order_id])


async def parts_and_lines(reader: Reader, orders: Sequence[str]) -> tuple[list[PartRow], list[LineRow]]:
    """All parts and lines of some orders, in order."""
    return await reader.rows(_PARTS, orders=list(orders)), await reader.rows(_LINES, orders=list(orders))
