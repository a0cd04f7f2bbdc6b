"""Rows of a change of an order that is no step of a part: its lines, parts, reservations and audit row, in one statement; and who is asked about what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from harvestd.market.orders.changes import Changed
from harvestd.market.orders.order import Line
from harvestd.market.pricing.terms import PLAIN, kept
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: A part that is new has the fulfilment of the parts in the one window of the order, whose point is the market's; without one, that of the whole, and no point, which is a
#: farm's own.
_STORE = Statement(
    "orders.change",
    """with parts as (
           update order_parts p set status = t.status, subtotal = t.subtotal, fees = t.fees, tax = t.tax, discount = t.discount
             from unnest(:farms::uuid[], :statuses::text[], :subtotals::bigint[], :fees_of::bigint[], :taxes_of::bigint[], :discounts_of::bigint[])
                  as t(farm_id, status, subtotal, fees, tax, discount)
            where p.order_id = :id and p.farm_id = t.farm_id
       ), opened as (
           insert into order_parts (order_id, farm_id, position, status, subtotal, fees, tax, discount, fulfilment, window_id)
           select :id, t.farm_id, t.position, 'placed', t.subtotal, t.fees, t.tax, t.discount, coalesce(one.fulfilment, o.fulfilment - 'pickup_point'), one.window_id
             from unnest(:new_farms::uuid[], :new_positions::integer[], :new_subtotals::bigint[], :new_fees::bigint[], :new_taxes::bigint[], :new_discounts::bigint[])
                  as t(farm_id, position, subtotal, fees, tax, discount), orders o
                  left join lateral (select (array_agg(p.window_id))[1] as window_id, (array_agg(p.fulfilment))[1] as fulfilment from order_parts p
                                      where p.order_id = o.id and p.window_id is not null having count(distinct p.window_id) = 1) one on true
            where o.id = :id
       ), steps as (
           insert into order_transitions (order_id, version, farm_id, from_status, to_status, actor_id, reason, at, actor)
           select :id, :version, t.farm_id, t.from_status, t.to_status, :actor_id, :reason, :now, :actor
             from unnest(:step_farms::uuid[], :steps_from::text[], :steps_to::text[]) as t(farm_id, from_status, to_status)
       ), lines as (
           update order_lines l
              set quantity = t.quantity, total = t.total, substitution = t.substitution, note = t.note, agreed_total = t.agreed, short_of = t.short_of,
                  weighed = t.weighed, weighed_unit = t.weighed_unit, proposed = t.proposed, answer_by = t.answer_by, tax = t.tax, discount = t.discount, grams = t.grams,
                  load_grams = t.load_grams, load_crates = t.load_crates
             from unnest(:line_ids::uuid[], :quantities::numeric[], :totals::bigint[], :substitutions::text[], :notes::text[], :agreed::bigint[], :shorts::numeric[],
                         :weights::numeric[], :weight_units::text[], :proposed::boolean[], :answers::timestamptz[], :line_taxes::bigint[],
                         :line_discounts::bigint[], :line_grams::bigint[], :load_grams::bigint[], :load_crates::bigint[])
                  as t(id, quantity, total, substitution, note, agreed, short_of, weighed, weighed_unit, proposed, answer_by, tax, discount, grams, load_grams,
                       load_crates)
            where l.id = t.id
       ), gone as (
           update order_lines set removed_at = :now, answer_by = null where id = any(:removed::uuid[])
       ), audited as (
           insert into order_changes (order_id, version, kind, actor, actor_id, reason, before, after, at)
           values (:id, :version, :kind, :actor, :actor_id, :reason, :before, :after, :now)
       )
       update orders set status = :status, goods = :goods, fees = :fees, tax = :tax, discount = :discount, total = :total, terms = :terms, version = :version, updated_at = :now
        where id = :id""",
    nothing,
)
_ADD = Statement(
    "orders.add_lines",
    """with lines as (
           insert into order_lines (id, order_id, farm_id, position, product_id, title, quantity, unit, unit_price, total, price_per, facts, title_seen,
                                    variant_id, takes, estimated_weight, weight_unit, substitution, note, agreed_total, replaces_line_id, proposed, answer_by,
                                    tax_rate, tax, discount, grams, load_grams, load_crates)
           select t.id, :id, t.farm_id, t.position, t.product_id, t.title, t.quantity, t.unit, t.price, t.total, t.per, t.facts, t.seen, t.variant_id, t.takes,
                  t.weight, t.weight_unit, t.substitution, t.note, t.agreed, t.replaces, t.proposed, t.answer_by,
                  t.rate, t.tax, t.discount, t.grams, t.load_grams, t.load_crates
             from unnest(:line_ids::uuid[], :farms::uuid[], :positions::integer[], :products::uuid[], :titles::text[], :quantities::numeric[], :units::text[],
                         :prices::bigint[], :totals::bigint[], :per::numeric[], :facts::jsonb[], :seen::text[], :variants::uuid[], :takes::numeric[],
                         :weights::numeric[], :weight_units::text[], :substitutions::text[], :notes::text[], :agreed::bigint[], :replaces::uuid[],
                         :proposed::boolean[], :answers::timestamptz[], :rates::integer[], :line_taxes::bigint[], :line_discounts::bigint[], :line_grams::bigint[],
                         :load_grams::bigint[], :load_crates::bigint[])
                  as t(id, farm_id, position, product_id, title, quantity, unit, price, total, per, facts, seen, variant_id, takes, weight, weight_unit,
                       substitution, note, agreed, replaces, proposed, answer_by, rate, tax, discount, grams, load_grams, load_crates)
       )
       insert into reservations (line_id, order_id, product_id, quantity, state, expires_at, changed_at)
       select t.id, :id, t.product_id, t.quantity, 'live', t.until, :now
         from unnest(:line_ids::uuid[], :products::uuid[], :reserved::numeric[], :holds::timestamptz[]) as t(id, product_id, quantity, until)""",
    nothing,
)
_NEXT_ANSWER_DUE = Statement(
    "orders.next_answer_due",
    "select answer_by from order_lines where answer_by is not null order by answer_by limit 1",
    scalar,
)
_ASKED = Statement(
    "orders.unanswered",
    "select distinct order_id::text from order_lines where answer_by <= :now order by 1 limit :limit",
    scalar,
)


class Place(msgspec.Struct, frozen=True):
    """Which part of which order a line is of, and of which market day that is."""

    line_id: str
    order_id: str
    farm_id: str
    market_day_id: str | None


_PLACES = Statement(
    "orders.places",
    """select l.id, l.order_id, l.farm_id, w.day_id
         from order_lines l join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id left join windows w on w.id = p.window_id
        where l.id = any(:ids::uuid[])""",
    Place,
)


async def store(
    tx: Transaction, order_id: str, change: Changed, holds: Mapping[str, datetime | None], actor_id: str | None, now: datetime
) -> None:  # fmt: skip
    """Store a change of a locked order; ``holds`` is until when each new part's or line's goods are held for its farm, by farm."""
    staying = [after for before, after in change.pairs if before is not None and after is not None]
    old = [part for part in change.parts if part not in change.opened]
    steps = [
        *((part.farm_id, "", "placed") for part in change.opened),
        *((part.farm_id, part.status, "cancelled") for part in change.cancelled),
    ]
    t = change.totals
    await tx.run(
        _STORE, id=order_id, version=change.version, status=change.status, kind=change.kind, actor=change.by.actor, actor_id=actor_id,
        reason=change.by.reason, before=change.before, after=change.after, now=now, goods=t.goods, fees=t.fees, tax=t.tax, discount=t.discount, total=t.total,
        farms=[part.farm_id for part in old], statuses=[part.status for part in old], subtotals=[part.subtotal for part in old],
        new_farms=[part.farm_id for part in change.opened], new_positions=[part.position for part in change.opened],
        new_subtotals=[part.subtotal for part in change.opened], new_fees=[part.fees for part in change.opened], new_taxes=[part.tax for part in change.opened],
        new_discounts=[part.discount for part in change.opened], fees_of=[part.fees for part in old], taxes_of=[part.tax for part in old],
        discounts_of=[part.discount for part in old], terms=None if change.pricing == PLAIN else kept(change.pricing), step_farms=[s[0] for s in steps], steps_from=[s[1] for s in steps],
        steps_to=[s[2] for s in steps], line_ids=[x.id for x in staying], removed=list(change.removed), **_changing(staying),
    )  # fmt: skip
    await _add(tx, order_id, change.added, holds, now)


async def _add(tx: Transaction, order_id: str, lines: tuple[Line, ...], holds: Mapping[str, datetime | None], now: datetime) -> None:  # fmt: skip
    if not lines:
        return
    shared = _changing(list(lines))
    for name in ("shorts", "weights", "weight_units"):
        del shared[name]
    await tx.run(
        _ADD, id=order_id, now=now, line_ids=[x.id for x in lines], farms=[x.farm_id for x in lines], positions=[x.position for x in lines],
        products=[x.product_id for x in lines], titles=[x.title for x in lines], units=[x.unit for x in lines], prices=[x.unit_price for x in lines],
        per=[x.price_per for x in lines], facts=[dict(x.facts) for x in lines], seen=[x.title_seen for x in lines], variants=[x.variant_id for x in lines],
        takes=[x.takes for x in lines], weights=[x.each and x.each.quantity for x in lines], weight_units=[x.each and x.each.unit for x in lines],
        replaces=[x.replaces for x in lines], reserved=[x.taken for x in lines], holds=[holds.get(x.farm_id) for x in lines], rates=[x.tax_rate for x in lines], **shared,
    )  # fmt: skip


def _changing(lines: list[Line]) -> dict[str, Any]:
    """What may become another of a line."""
    return {
        "quantities": [x.quantity for x in lines], "totals": [x.total for x in lines], "substitutions": [x.wish.substitution for x in lines],
        "notes": [x.wish.note for x in lines], "agreed": [x.agreed_total for x in lines], "shorts": [x.short_of for x in lines],
        "weights": [x.weighed and x.weighed.quantity for x in lines], "weight_units": [x.weighed and x.weighed.unit for x in lines],
        "proposed": [x.proposed for x in lines], "answers": [x.answer_by for x in lines], "line_taxes": [x.tax for x in lines],
        "line_discounts": [x.discount for x in lines], "line_grams": [x.grams for x in lines],
        "load_grams": [x.load.grams for x in lines], "load_crates": [x.load.crates for x in lines],
    }  # fmt: skip


async def unanswered(reader: Reader, now: datetime, limit: int) -> list[str]:
    """Orders with a line about which nobody answered in time."""
    return await reader.rows(_ASKED, now=now, limit=limit)


async def places(reader: Reader, line_ids: list[str]) -> dict[str, Place]:
    """Where lines belong, by line; those that do not exist are left out."""
    return {one.line_id: one for one in await reader.rows(_PLACES, ids=line_ids)}


async def next_answer_due(reader: Reader) -> datetime | None:
    """When the first question to a buyer lapses."""
    return await reader.row(_NEXT_ANSWER_DUE)
