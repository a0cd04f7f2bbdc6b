"""Placing several orders in one transaction: their carts, quotes, days, products and windows are locked once, each is decided by what those before it have left, and all are stored in
one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import attrs

from harvestd.kernel.errors import MarketError
from harvestd.kernel.events import Event
from harvestd.market.carts import rows as carts
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.shelf_rows import Shelves
from harvestd.market.catalogue.variant_rows import Kept, beside_packs, kept_of
from harvestd.market.days import day_actions
from harvestd.market.orders import baskets, placing, placing_rows, quote_rows, quote_rules, windows, windows_together
from harvestd.market.orders.baskets import MANY_LINES, Basket
from harvestd.market.orders.farms_read import FarmsRead
from harvestd.market.orders.left_over import LeftOver
from harvestd.market.orders.placing_actions import Ordering, farms_of, of_quote, terms_of
from harvestd.market.orders.placing_rows import Accepted
from harvestd.market.orders.placing_shapes import PlaceOrder
from harvestd.market.orders.quote_use import Used
from harvestd.market.orders.windows import Booking
from harvestd.market.orders.windows_together import Places
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.tracing import Trace
from harvestd.unit_of_work import UnitOfWork


def simple(body: PlaceOrder) -> bool:
    """Whether an order needs nothing but its buyer, its products, and what farms and the market say of themselves: lines, a cart or a quote, without a coupon."""
    ways = [*(body.fulfilments or ()), *([] if body.fulfilment is None else [body.fulfilment])]
    few = body.lines is None or 0 < len(body.lines) <= MANY_LINES
    of_quote_alone = body.quote_id is None or (body.lines is None and not ways)
    return few and of_quote_alone and body.buyer_id is None and not body.coupon


async def place(
    unit: UnitOfWork, orderings: Sequence[Ordering], traces: Sequence[Trace], terms: Terms, today: date
) -> list[Accepted | MarketError | None]:
    """Place orders that are :func:`simple`, in this order; returns for each what is stored, or its refusal, or None for one that is to be placed alone."""
    by_days = await day_actions.any_days(unit)
    asked = await baskets.of(unit, orderings)
    outcomes: list[Accepted | MarketError | None] = [one if isinstance(one, MarketError) else None for one in asked]
    whole = [(n, orderings[n], one) for n, one in enumerate(asked) if isinstance(one, Basket)]
    bookings = await windows_together.begin(
        unit, [quote_rules.ways_of(b.quote.content) if b.quote else one.ways for _, one, b in whole], by_days
    )
    shelves = await shelf_rows.lock_for_orders(
        unit.tx, [Shelves([id for id, _ in b.named], one.buyer.user_id, one.language) for _, one, b in whole]
    )
    known = _Known(
        terms, today, await kept_of(unit.tx, [name for *_, basket in whole for name in basket.named]),
        await _read(unit, [(one, shelf) for (_, one, _), (_, shelf) in zip(whole, shelves, strict=True)]),
        await windows_together.places(unit, bookings),
    )  # fmt: skip
    left, done = LeftOver(), list[_Done]()
    for (n, one, basket), booking, (number, shelf) in zip(whole, bookings, shelves, strict=True):
        try:
            now = left.basket(basket)
            found, events = await _decided(unit, one, now, booking, number, left.shelf(shelf), known)
        except MarketError as refused:
            outcomes[n] = refused
            continue
        left.less(found.order, now)
        done.append(_Done(found, now, traces[n], events))
        outcomes[n] = found
    _store(unit, done, known)
    await failpoint("order.before_commit")
    return outcomes


@attrs.frozen
class _Known:
    """What is the same for all orders of a group, read once: the market's rules and day, pack sizes, what farms say of themselves, and the places of windows."""

    terms: Terms
    today: date
    packs: Sequence[Kept]
    farms: FarmsRead
    places: Places


@attrs.frozen
class _Done:
    """An order that is accepted, what it is of, and what tells of it under its trace."""

    accepted: Accepted
    basket: Basket
    trace: Trace
    events: Sequence[Event]


async def _read(unit: UnitOfWork, orders: Sequence[tuple[Ordering, Mapping[str, OnSale]]]) -> FarmsRead:
    """What is asked of the farms of these orders, read for all of them at once."""
    read = FarmsRead(unit.tx)
    points = {one.farm_id for o, shelf in orders for one in shelf.values() if any(w.pickup_point_id for w in o.ways)}
    areas = {
        one.farm_id for o, shelf in orders for one in shelf.values() if any(w.method == "delivery" for w in o.ways)
    }
    await read.points(sorted(points))
    await read.areas(sorted(areas))
    return read


def _shelf(shelf: Mapping[str, OnSale], basket: Basket, packs: Sequence[Kept]) -> Mapping[str, OnSale]:
    """The products and pack sizes for an order; what its quote holds is there for it."""
    there = shelf if basket.quote is None else quote_rules.without(shelf, basket.quote.held.stock)
    return beside_packs(there, packs, basket.named) if basket.wanted else {}


async def _decided(
    unit: UnitOfWork, ordering: Ordering, basket: Basket, booking: Booking | None, number: str, left: Mapping[str, OnSale], known: _Known
) -> tuple[Accepted, list[Event]]:  # fmt: skip
    """An order of what is left of the products, and what tells of it. Raises its refusal."""
    wanted, terms, shelf = basket.wanted, known.terms, _shelf(left, basket, known.packs)
    if basket.quote is not None:
        return await _quoted(unit, ordering, basket, basket.quote, booking, number, shelf, known)
    ways, charged, wrong = await terms_of(unit, ordering, wanted, shelf, known.today, booking, known.farms)
    order = placing.place(
        wanted, shelf, terms, order_id=unit.new_id(), number=number, buyer=ordering.buyer, line_ids=[unit.new_id() for _ in wanted],
        now=unit.now, today=known.today, expected_total=ordering.expected_total, seen=basket.seen, of_cart=ordering.lines is None,
        also=wrong, billing=charged,
    )  # fmt: skip
    taken = [] if booking is None else await known.places.take(unit, booking, order)
    return Accepted(order, ways, ordering.note, basket.cart_id), [*order.events, *taken]


async def _quoted(
    unit: UnitOfWork, ordering: Ordering, basket: Basket, quote: Used, booking: Booking | None, number: str, shelf: Mapping[str, OnSale],
    known: _Known,
) -> tuple[Accepted, list[Event]]:  # fmt: skip
    """The same of a quote: its places are the order's."""
    wrong, ways, held = [*ordering.wrong], quote.content.ways, quote.held.measures
    if booking is not None and not wrong:
        wrong += await windows.fit(unit, booking, farms_of([shelf.get(one.product_id) for one in basket.wanted]), held)
    order = of_quote(unit, ordering, quote, number, shelf, known.terms, wrong)
    taken = [] if booking is None else await known.places.take(unit, booking, order, held)
    ways = ways if booking is None else windows.renewed(ways, booking)
    return Accepted(order, ways, ordering.note, basket.cart_id), [*order.events, *taken]


def _store(unit: UnitOfWork, done: Sequence[_Done], known: _Known) -> None:
    """Store what is accepted, without the carts and quotes that it was of, with the commit at the latest."""
    of = [one.basket for one in done]
    if held := {one.quote.id: one.quote.held.stock for one in of if one.quote is not None}:
        quote_rows.use_up(unit.tx, held)
    placing_rows.insert(unit.tx, [one.accepted for one in done], known.terms.currency)
    known.places.store(unit)
    if emptied := [one.cart_id for one in of if one.cart_id is not None]:
        carts.delete(unit.tx, *emptied)
    unit.record_for([(one.trace, one.events) for one in done])
