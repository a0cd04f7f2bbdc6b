"""Rows of orders that are placed: the orders, their parts, lines, first steps and reservations, in one statement for one order as for several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from harvestd.market.orders.order import Placed
from harvestd.market.pricing.terms import kept
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction

_INSERT = Statement(
    "orders.insert",
    """with o as (
           insert into orders (id, number, buyer_id, guest, placed_by, cart_id, status, currency, goods, fees, tax, discount, total,
                               fulfilment, note, placed_at, updated_at, terms)
           select t.id, t.number, t.buyer_id, t.guest, t.placed_by, t.cart_id, 'placed', :currency, t.goods, t.fees, t.tax, t.discount, t.total,
                  t.fulfilment, t.note, :placed_at, :placed_at, t.terms
             from unnest(:ids::uuid[], :numbers::text[], :buyer_ids::uuid[], :guests::jsonb[], :placed_by::uuid[], :cart_ids::uuid[], :goods::bigint[], :fees::bigint[],
                         :taxes::bigint[], :discounts::bigint[], :order_totals::bigint[], :order_fulfilments::jsonb[], :order_notes::text[], :terms::jsonb[])
                  as t(id, number, buyer_id, guest, placed_by, cart_id, goods, fees, tax, discount, total, fulfilment, note, terms)
       ), parts as (
           insert into order_parts (order_id, farm_id, position, status, subtotal, fulfilment, fees, tax, discount, window_id)
           select t.order_id, t.farm_id, t.position, 'placed', t.subtotal, t.fulfilment, t.fees, t.tax, t.discount, t.window_id
             from unnest(:part_orders::uuid[], :farm_ids::uuid[], :part_positions::integer[], :subtotals::bigint[], :fulfilments::jsonb[], :part_fees::bigint[],
                         :part_taxes::bigint[], :part_discounts::bigint[], :windows::uuid[])
                  as t(order_id, farm_id, position, subtotal, fulfilment, fees, tax, discount, window_id)
       ), steps as (
           insert into order_transitions (order_id, version, farm_id, from_status, to_status, actor_id, actor, at)
           select t.order_id, 1, t.farm_id, '', 'placed', t.actor_id, t.actor, :placed_at
             from unnest(:part_orders::uuid[], :farm_ids::uuid[], :actor_ids::uuid[], :actors::text[]) as t(order_id, farm_id, actor_id, actor)
       ), lines as (
           insert into order_lines (id, order_id, farm_id, position, product_id, title, quantity, unit, unit_price, total,
                                    price_per, facts, title_seen, variant_id, takes, estimated_weight, weight_unit,
                                    tax_rate, tax, discount, grams, substitution, note, agreed_total, load_grams, load_crates)
           select t.id, t.order_id, t.farm_id, t.position, t.product_id, t.title, t.quantity, t.unit, t.price, t.total, t.per, t.facts, t.seen,
                  t.variant_id, t.takes, t.weight, t.weight_unit, t.rate, t.tax, t.discount, t.grams, t.substitution, t.note, t.agreed,
                  t.load_grams, t.load_crates
             from unnest(:line_ids::uuid[], :line_orders::uuid[], :line_positions::integer[], :line_farms::uuid[], :line_products::uuid[], :titles::text[], :quantities::numeric[], :units::text[], :unit_prices::bigint[],
                         :totals::bigint[], :prices_per::numeric[], :facts::jsonb[], :titles_seen::text[], :variants::uuid[], :takes::numeric[], :weights::numeric[],
                         :weight_units::text[], :line_rates::integer[], :line_taxes::bigint[], :line_discounts::bigint[], :line_grams::bigint[],
                         :substitutions::text[], :notes::text[], :agreed::bigint[], :load_grams::bigint[], :load_crates::bigint[])
                  as t(id, order_id, position, farm_id, product_id, title, quantity, unit, price, total, per, facts, seen, variant_id, takes, weight, weight_unit, rate, tax, discount,
                       grams, substitution, note, agreed, load_grams, load_crates)
       ), held as (
           insert into reservations (line_id, order_id, product_id, quantity, state, expires_at, changed_at)
           select t.id, t.order_id, t.product_id, t.quantity, 'live', :hold_until, :placed_at
             from unnest(:line_ids::uuid[], :line_orders::uuid[], :line_products::uuid[], :reserved::numeric[]) as t(id, order_id, product_id, quantity)
       )
       update products p set reserved = p.reserved + t.quantity, revision = p.revision + t.ran_out
         from unnest(:product_ids::uuid[], :taken::numeric[], :ran_out::integer[]) as t(id, quantity, ran_out) where p.id = t.id""",
    nothing,
)


@attrs.frozen
class Accepted:
    """An order that is to be stored: ``ways`` has the fulfilment of each farm's part, ``cart_id`` the cart that it is of."""

    order: Placed
    ways: Mapping[str, dict[str, Any]]
    note: str
    cart_id: str | None = None

    @property
    def way(self) -> dict[str, Any]:
        """The fulfilment of the whole as it is kept: windows are of the parts."""
        first = self.ways[self.order.parts[0].farm_id]
        return {name: value for name, value in first.items() if name != "window"}


def insert(tx: Transaction, accepted: Sequence[Accepted], currency: str) -> None:
    """Store accepted orders of one moment, their parts, lines, reservations and first transitions, and reserve their quantities, in one statement that runs with
    the commit at the latest. The caller has locked the products."""
    if not accepted:
        return
    orders = [one.order for one in accepted]
    taken: dict[str, Decimal] = {}
    for order in orders:
        for product_id, quantity in order.taken.items():
            taken[product_id] = taken.get(product_id, Decimal(0)) + quantity
    ran_out = Counter(product_id for order in orders for product_id in order.ran_out)
    products = sorted(taken)
    tx.later(
        _INSERT, currency=currency, placed_at=orders[0].placed_at, hold_until=orders[0].hold_until, **_orders(accepted), **_parts(accepted), **_lines(orders),
        product_ids=products, taken=[taken[p] for p in products], ran_out=[ran_out[p] for p in products],
    )  # fmt: skip


def _orders(accepted: Sequence[Accepted]) -> dict[str, Any]:
    every = [(one, one.order, one.order.buyer, one.order.totals) for one in accepted]
    return {
        "ids": [order.id for _, order, _, _ in every], "numbers": [order.number for _, order, _, _ in every], "buyer_ids": [buyer.user_id for _, _, buyer, _ in every],
        "guests": [buyer.guest and attrs.asdict(buyer.guest) for _, _, buyer, _ in every], "placed_by": [buyer.placed_by for _, _, buyer, _ in every],
        "cart_ids": [one.cart_id for one, _, _, _ in every], "goods": [t.goods for _, _, _, t in every], "fees": [t.fees for _, _, _, t in every],
        "taxes": [t.tax for _, _, _, t in every], "discounts": [t.discount for _, _, _, t in every], "order_totals": [t.total for _, _, _, t in every],
        "order_fulfilments": [one.way for one, _, _, _ in every], "order_notes": [one.note for one, _, _, _ in every],
        "terms": [None if order.terms is None else kept(order.terms) for _, order, _, _ in every],
    }  # fmt: skip


def _parts(accepted: Sequence[Accepted]) -> dict[str, Any]:
    every = [(one, one.order, part) for one in accepted for part in one.order.parts]
    return {
        "part_orders": [order.id for _, order, _ in every], "farm_ids": [p.farm_id for _, _, p in every], "part_positions": [p.position for _, _, p in every],
        "subtotals": [p.subtotal for _, _, p in every], "fulfilments": [one.ways[p.farm_id] for one, _, p in every], "part_fees": [p.fees for _, _, p in every],
        "part_taxes": [p.tax for _, _, p in every], "part_discounts": [p.discount for _, _, p in every],
        "windows": [one.ways[p.farm_id].get("window", {}).get("id") for one, _, p in every],
        "actor_ids": [order.buyer.actor_id for _, order, _ in every], "actors": [order.buyer.actor for _, order, _ in every],
    }  # fmt: skip


def _lines(orders: Sequence[Placed]) -> dict[str, Any]:
    lines = [line for order in orders for line in order.lines]
    return {
        "line_orders": [order.id for order in orders for _ in order.lines], "line_positions": [n for order in orders for n, _ in enumerate(order.lines)],
        "line_ids": [x.id for x in lines], "line_farms": [x.farm_id for x in lines], "line_products": [x.product_id for x in lines], "titles": [x.title for x in lines],
        "quantities": [x.quantity for x in lines], "units": [x.unit for x in lines], "unit_prices": [x.unit_price for x in lines], "totals": [x.total for x in lines],
        "load_grams": [x.load.grams for x in lines], "load_crates": [x.load.crates for x in lines], "prices_per": [x.price_per for x in lines],
        "facts": [x.facts for x in lines], "titles_seen": [x.title_seen for x in lines], "variants": [x.variant_id for x in lines], "takes": [x.takes for x in lines],
        "reserved": [x.taken for x in lines], "weights": [x.each and x.each.quantity for x in lines], "weight_units": [x.each and x.each.unit for x in lines],
        "substitutions": [x.wish.substitution for x in lines], "notes": [x.wish.note for x in lines], "agreed": [x.agreed_total for x in lines],
        "line_rates": [x.tax_rate for x in lines], "line_taxes": [x.tax for x in lines], "line_discounts": [x.discount for x in lines], "line_grams": [x.grams for x in lines],
    }  # fmt: skip
