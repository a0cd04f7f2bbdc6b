"""Rows of an order that is placed: the order, its parts, lines, first steps and reservations, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from harvestd.market.orders.order import Placed
from harvestd.market.pricing.amounts import kept
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction

_INSERT = Statement(
    "orders.insert",
    """with o as (
           insert into orders (id, number, buyer_id, guest, placed_by, cart_id, status, currency, goods, fees, tax, discount, total,
                               fulfilment, note, placed_at, updated_at, terms)
           values (:id, :number, :buyer_id, :guest, :placed_by, :cart_id, 'placed', :currency, :goods, :fees, :tax, :discount, :total, :fulfilment, :note, :placed_at, :placed_at, :terms)
       ), parts as (
           insert into order_parts (order_id, farm_id, position, status, subtotal, fulfilment, fees, tax, discount, window_id)
           select :id, t.farm_id, t.position - 1, 'placed', t.subtotal, t.fulfilment, t.fees, t.tax, t.discount, t.window_id
             from unnest(:farm_ids::uuid[], :subtotals::bigint[], :fulfilments::jsonb[], :part_fees::bigint[], :part_taxes::bigint[], :part_discounts::bigint[], :windows::uuid[])
                  with ordinality as t(farm_id, subtotal, fulfilment, fees, tax, discount, window_id, position)
       ), steps as (
           insert into order_transitions (order_id, version, farm_id, from_status, to_status, actor_id, actor, at)
           select :id, 1, farm_id, '', 'placed', :actor_id, :actor, :placed_at from unnest(:farm_ids::uuid[]) as t(farm_id)
       ), lines as (
           insert into order_lines (id, order_id, farm_id, position, product_id, title, quantity, unit, unit_price, total,
                                    price_per, facts, title_seen, variant_id, takes, estimated_weight, weight_unit,
                                    tax_rate, tax, discount, grams, substitution, note, agreed_total, load_grams, load_crates)
           select t.id, :id, t.farm_id, t.position - 1, t.product_id, t.title, t.quantity, t.unit, t.price, t.total, t.per, t.facts, t.seen,
                  t.variant_id, t.takes, t.weight, t.weight_unit, t.rate, t.tax, t.discount, t.grams, t.substitution, t.note, t.agreed,
                  t.load_grams, t.load_crates
             from unnest(:line_ids::uuid[], :line_farms::uuid[], :line_products::uuid[], :titles::text[], :quantities::numeric[], :units::text[], :unit_prices::bigint[],
                         :totals::bigint[], :prices_per::numeric[], :facts::jsonb[], :titles_seen::text[], :variants::uuid[], :takes::numeric[], :weights::numeric[],
                         :weight_units::text[], :line_rates::integer[], :line_taxes::bigint[], :line_discounts::bigint[], :line_grams::bigint[],
                         :substitutions::text[], :notes::text[], :agreed::bigint[], :load_grams::bigint[], :load_crates::bigint[]) with ordinality
                  as t(id, farm_id, product_id, title, quantity, unit, price, total, per, facts, seen, variant_id, takes, weight, weight_unit, rate, tax, discount,
                       grams, substitution, note, agreed, load_grams, load_crates, position)
       ), held as (
           insert into reservations (line_id, order_id, product_id, quantity, state, expires_at, changed_at)
           select t.id, :id, t.product_id, t.quantity, 'live', :hold_until, :placed_at
             from unnest(:line_ids::uuid[], :line_products::uuid[], :reserved::numeric[]) as t(id, product_id, quantity)
       )
       update products p set reserved = p.reserved + t.quantity, revision = p.revision + t.ran_out::integer
         from unnest(:product_ids::uuid[], :taken::numeric[], :ran_out::boolean[]) as t(id, quantity, ran_out) where p.id = t.id""",
    nothing,
)


def insert(
    tx: Transaction, order: Placed, currency: str, ways: Mapping[str, dict[str, Any]], note: str, cart_id: str | None
) -> None:
    """Store an accepted order (``ways`` has the fulfilment of each farm's part), its parts, lines, reservations and first transitions,
    and reserve its quantities, in one statement that runs with the commit at the latest. The caller has locked the products."""
    of_all = {name: value for name, value in ways[order.parts[0].farm_id].items() if name != "window"}
    t, lines, taken, buyer = order.totals, order.lines, sorted(order.taken.items()), order.buyer
    tx.later(
        _INSERT, id=order.id, number=order.number, buyer_id=buyer.user_id, guest=buyer.guest and attrs.asdict(buyer.guest), placed_by=buyer.placed_by,
        actor_id=buyer.actor_id, actor=buyer.actor, cart_id=cart_id, currency=currency, goods=t.goods, fees=t.fees, tax=t.tax, discount=t.discount, total=t.total,
        fulfilment=of_all, note=note, placed_at=order.placed_at, farm_ids=[p.farm_id for p in order.parts], subtotals=[p.subtotal for p in order.parts],
        line_ids=[x.id for x in lines], line_farms=[x.farm_id for x in lines], line_products=[x.product_id for x in lines], titles=[x.title for x in lines],
        quantities=[x.quantity for x in lines], units=[x.unit for x in lines], unit_prices=[x.unit_price for x in lines], totals=[x.total for x in lines],
        hold_until=order.hold_until, product_ids=[p for p, _ in taken], taken=[q for _, q in taken], ran_out=[p in order.ran_out for p, _ in taken],
        fulfilments=[ways[p.farm_id] for p in order.parts], windows=[ways[p.farm_id].get("window", {}).get("id") for p in order.parts],
        load_grams=[x.load.grams for x in lines], load_crates=[x.load.crates for x in lines], prices_per=[x.price_per for x in lines],
        facts=[x.facts for x in lines], titles_seen=[x.title_seen for x in lines], variants=[x.variant_id for x in lines], takes=[x.takes for x in lines], reserved=[x.taken for x in lines],
        weights=[x.each and x.each.quantity for x in lines], weight_units=[x.each and x.each.unit for x in lines],
        substitutions=[x.wish.substitution for x in lines], notes=[x.wish.note for x in lines], agreed=[x.agreed_total for x in lines],
        terms=None if order.terms is None else kept(order.terms), part_fees=[p.fees for p in order.parts], part_taxes=[p.tax for p in order.parts], part_discounts=[p.discount for p in order.parts],
        line_rates=[x.tax_rate for x in lines], line_taxes=[x.tax for x in lines], line_discounts=[x.discount for x in lines], line_grams=[x.grams for x in lines],
    )  # fmt: skip
