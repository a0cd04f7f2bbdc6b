"""Use cases of placing an order: of lines, of a cart, or of a quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as carts
from harvestd.market.carts.own_products import marked
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.market.days.window_rules import Measures
from harvestd.market.orders import (
    billing,
    delivery_rules,
    placing,
    placing_rows,
    quote_rows,
    quote_rules,
    quote_use,
    windows,
)
from harvestd.market.orders.buyers import Buyer
from harvestd.market.orders.farms_read import FarmsRead
from harvestd.market.orders.order import Placed
from harvestd.market.orders.placing_rules import Wanted
from harvestd.market.pricing import coupon_rows as coupons
from harvestd.market.pricing.billing_rules import Billing
from harvestd.market.pricing.terms import Discount
from harvestd.runtime.failpoints import failpoint
from harvestd.unit_of_work import UnitOfWork

NOTHING_HELD: Mapping[str, Decimal] = {}
NO_PLACES: Mapping[str, Measures] = {}


@attrs.frozen(kw_only=True)
class Ordering:
    """A buyer's checkout request. ``lines`` is None for those of the ``holder``'s cart, who also holds the quotes; ``ways`` are the fulfilment methods; ``wrong`` are faults
    already found in the rest of the request, to be reported together with all others; ``staff`` may order what not everybody sees; ``language`` is that
    in which its buyer sees titles; ``coupon`` is the code of one, empty for none; ``quote_id`` is what it is of instead of lines."""

    buyer: Buyer
    holder: quote_use.Holder
    lines: Sequence[Wanted] | None
    ways: Sequence[delivery_rules.Way]
    note: str
    expected_total: int | None
    wrong: Sequence[FieldError] = ()
    language: str = ""
    staff: bool = False
    coupon: str = ""
    quote_id: str | None = None


async def place(
    unit: UnitOfWork, ordering: Ordering, terms: Terms, today: date
) -> tuple[Placed, dict[str, dict[str, Any]]]:
    """Place an order; returns it, with the fulfilment of each farm's part. Raises what :func:`placing.place` does."""
    if ordering.quote_id is not None:
        return await place_quoted(unit, ordering, await quote_use.lock(unit, ordering.quote_id, ordering.holder), terms)
    cart, wanted, seen = await wanted_of(unit, ordering)
    booking = await windows.begin(unit, ordering.ways)
    number, shelf = await _locked(unit, ordering, wanted)
    ways, charged, wrong = await terms_of(unit, ordering, wanted, shelf, today, booking)
    if ordering.coupon and not ordering.wrong:
        discount, unusable = await billing.take(unit, ordering.coupon, ordering.buyer.user_id, today)
        charged, wrong = attrs.evolve(charged, discount=discount), [*wrong, *([unusable] if unusable else [])]
    order = placing.place(
        wanted, shelf, terms, order_id=unit.new_id(), number=number, buyer=ordering.buyer,
        line_ids=[unit.new_id() for _ in wanted], now=unit.now, today=today, expected_total=ordering.expected_total, seen=seen,
        of_cart=ordering.lines is None, also=wrong, billing=charged,
    )  # fmt: skip
    bound = Bound(ways, charged.discount, cart.id if cart is not None else None, booking)
    return await _stored(unit, ordering, terms, order, bound)


async def place_quoted(
    unit: UnitOfWork, ordering: Ordering, quote: quote_use.Used, terms: Terms
) -> tuple[Placed, dict[str, dict[str, Any]]]:
    """Place an order of a locked quote: what it holds, at its prices and charges, as of the day on which it was asked for."""
    content, wanted, wrong = quote.content, [one.wanted for one in quote.content.lines], [*ordering.wrong]
    booking = await windows.begin(unit, quote_rules.ways_of(content))
    number, shelf = await _locked(unit, ordering, wanted, quote.held.stock)
    if booking is not None and not wrong:
        known = farms_of([shelf.get(one.product_id) for one in wanted])
        wrong += await windows.fit(unit, booking, known, quote.held.measures)
    discount = None
    if content.coupon:
        discount, unusable = await billing.take(unit, content.coupon, ordering.buyer.user_id, quote.day)
        wrong += [unusable] if unusable else []
    order = of_quote(unit, ordering, quote, number, shelf, terms, wrong)
    quote_rows.use_up(unit.tx, {quote.id: quote.held.stock})
    bound = Bound(content.ways, discount, quote.cart_id, booking, quote.held.measures)
    return await _stored(unit, ordering, terms, order, bound)


def of_quote(
    unit: UnitOfWork, ordering: Ordering, quote: quote_use.Used, number: str, shelf: Mapping[str, OnSale], terms: Terms,
    wrong: Sequence[FieldError],
) -> Placed:  # fmt: skip
    """An order of a quote, of a ``shelf`` without what that holds. Raises what :func:`placing.place` does."""
    content, wanted = quote.content, [one.wanted for one in quote.content.lines]
    return placing.place(
        wanted, quote_rules.as_quoted(shelf, content), terms, order_id=unit.new_id(), number=number, buyer=ordering.buyer,
        line_ids=[unit.new_id() for _ in wanted], now=unit.now, today=quote.day, expected_total=ordering.expected_total,
        seen=content.seen, also=wrong, billing=content.billing,
    )  # fmt: skip


async def _locked(
    unit: UnitOfWork, ordering: Ordering, wanted: Sequence[Wanted], held: Mapping[str, Decimal] = NOTHING_HELD
) -> tuple[str, Mapping[str, OnSale]]:
    """An order number, and what is wanted, locked; what is ``held`` for this order is there for it."""
    ids = [one.product_id for one in wanted]
    buyer_id = ordering.buyer.user_id
    number, locked = await shelf_rows.lock_for_order(unit.tx, ids, buyer_id, ordering.staff, ordering.language)
    there = quote_rules.without(locked, held) if held else locked
    shelf = await with_packs(unit.tx, there, [(one.product_id, one.variant_id) for one in wanted])
    return number, await marked(unit.tx, unit.parts.settings, buyer_id, shelf)


@attrs.frozen
class Bound:
    """What an order is bound to besides its goods: the fulfilment of each farm's part, its coupon, the cart that it is of, the windows that it asks for, and what the quote
    that it is of holds of these."""

    ways: dict[str, dict[str, Any]]
    discount: Discount | None
    cart_id: str | None
    booking: windows.Booking | None
    held: Mapping[str, Measures] = NO_PLACES


async def _stored(
    unit: UnitOfWork, ordering: Ordering, terms: Terms, order: Placed, bound: Bound
) -> tuple[Placed, dict[str, dict[str, Any]]]:
    ways = bound.ways if bound.booking is None else windows.renewed(bound.ways, bound.booking)
    discount, cart_id = bound.discount, bound.cart_id
    taken = [] if bound.booking is None else await windows.take(unit, bound.booking, order, bound.held)
    placing_rows.insert(unit.tx, [placing_rows.Accepted(order, ways, ordering.note, cart_id)], terms.currency)
    if discount is not None and ordering.buyer.user_id is not None:
        coupons.used(unit.tx, order.id, discount.coupon_id, ordering.buyer.user_id)
    if cart_id is not None:
        carts.delete(unit.tx, cart_id)
    unit.record(*order.events, *taken)
    await failpoint("order.before_commit")
    return order, ways


async def wanted_of(
    unit: UnitOfWork, ordering: Ordering, *, lock: bool = True
) -> tuple[carts.Found | None, Sequence[Wanted], dict[str, Agreed]]:
    """The cart, if it is being ordered; the wanted lines; and the terms agreed to, by what the line is of, where known."""
    if ordering.lines is not None:
        return None, ordering.lines, {}
    cart = await (carts.lock if lock else carts.find)(unit.tx, *ordering.holder.cart)
    if cart is None:
        return None, [], {}
    items = await item_rows.items(unit.tx, cart.id)
    wanted = [Wanted(item.product_id, item.quantity, item.variant_id, item.wish) for item in items]
    return cart, wanted, {item.key: item.seen for item in items}


async def terms_of(
    unit: UnitOfWork, ordering: Ordering, wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], today: date,
    booking: windows.Booking | None, read: FarmsRead | None = None,
) -> tuple[dict[str, dict[str, Any]], Billing, list[FieldError]]:  # fmt: skip
    """The fulfilment of each farm's part, what is charged for it and beside it, and the faults outside the lines. ``read`` is of several orders what is
    read of their farms."""
    read = read or FarmsRead(unit.tx)
    ways, wrong = await _ways(unit, ordering, [shelf.get(one.product_id) for one in wanted], booking, read)
    charged = await billing.of(unit, ways, today, read)
    return ways, charged, [*wrong, *billing.outside(charged, ordering.ways, [*shelf.values()])]


async def _ways(
    unit: UnitOfWork,
    ordering: Ordering,
    shelf: Sequence[OnSale | None],
    booking: windows.Booking | None,
    read: FarmsRead,
) -> tuple[dict[str, dict[str, Any]], list[FieldError]]:
    """The fulfilment of each farm's part, and the faults outside the lines. For a product that does not exist, or is not
    shown, the farm is not disclosed."""
    there = [product for product in shelf if product is not None and product.status == "published"]
    if ordering.wrong or not there or len(there) < len(shelf):
        return {}, [*ordering.wrong]
    known = farms_of(there)
    late = [] if booking is None else await windows.fit(unit, booking, known)
    if booking is None and any(way.pickup_point_id is not None for way in ordering.ways):
        points = await read.points(sorted(known))
        known = {farm_id: delivery_rules.Farm(farm.name, points.get(farm_id, ())) for farm_id, farm in known.items()}
    try:
        at = {} if booking is None else windows.shown(booking)
        return delivery_rules.chosen(known, ordering.ways, at), late
    except Invalid as refused:
        return {}, [*refused.errors, *late]


def farms_of(shelf: Sequence[OnSale | None]) -> dict[str, delivery_rules.Farm]:
    """The farms that an order is of, by id."""
    return {product.farm_id: delivery_rules.Farm(product.farm_name) for product in shelf if product is not None}
