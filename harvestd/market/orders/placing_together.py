"""Placing several orders in one transaction: their carts, quotes and products are locked once, each is decided by what those before it have left, and all are stored in
one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from harvestd.kernel.errors import MarketError
from harvestd.market.carts import rows as carts
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.stock_rows import Shelves
from harvestd.market.catalogue.variant_rows import Kept, beside_packs, kept_of
from harvestd.market.days import day_actions
from harvestd.market.orders import baskets, placing, placing_rows, quote_rows, quote_rules
from harvestd.market.orders.baskets import MANY_LINES, Basket
from harvestd.market.orders.farms_read import FarmsRead
from harvestd.market.orders.left_over import LeftOver
from harvestd.market.orders.placing_actions import Ordering, of_quote, terms_of
from harvestd.market.orders.placing_rows import Accepted
from harvestd.market.orders.placing_shapes import PlaceOrder
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.tracing import Trace
from harvestd.unit_of_work import UnitOfWork


class NotTogether(Exception):
    """What these orders need is known for one at a time."""


def simple(body: PlaceOrder) -> bool:
    """Whether an order needs nothing but its buyer, its products, and what farms and the market say of themselves: lines, a cart or a quote, without a coupon or a window."""
    ways = [*(body.fulfilments or ()), *([] if body.fulfilment is None else [body.fulfilment])]
    few = body.lines is None or 0 < len(body.lines) <= MANY_LINES
    of_quote_alone = body.quote_id is None or (body.lines is None and not ways)
    return (
        few and of_quote_alone and body.buyer_id is None and body.guest is None and not body.coupon
        and all(way.window_id is None for way in ways)
    )  # fmt: skip


async def place(
    unit: UnitOfWork, orderings: Sequence[Ordering], traces: Sequence[Trace], terms: Terms, today: date
) -> list[Accepted | MarketError | None]:
    """Place orders that are :func:`simple`, in this order; returns for each what is stored, or its refusal, or None for one that is to be placed alone. Raises
    :class:`NotTogether` in a market with days."""
    if await day_actions.any_days(unit):
        raise NotTogether("the market sells by days")
    asked = await baskets.of(unit, orderings)
    outcomes: list[Accepted | MarketError | None] = [one if isinstance(one, MarketError) else None for one in asked]
    whole = [(n, orderings[n], one) for n, one in enumerate(asked) if isinstance(one, Basket)]
    shelves = await stock.lock_for_orders(
        unit.tx, [Shelves([id for id, _ in b.named], one.buyer.user_id, one.language) for _, one, b in whole]
    )
    kept = await kept_of(unit.tx, [name for *_, basket in whole for name in basket.named])
    read = await _read(unit, [(one, shelf) for (_, one, _), (_, shelf) in zip(whole, shelves, strict=True)])
    left, used = LeftOver(), list[Basket]()
    for (n, one, basket), (number, shelf) in zip(whole, shelves, strict=True):
        try:
            now = left.basket(basket)
            found = await _decided(unit, one, now, number, _shelf(left.shelf(shelf), now, kept), terms, today, read)
        except MarketError as refused:
            outcomes[n] = refused
            continue
        left.less(found.order, now)
        used.append(now)
        outcomes[n] = found
    _store(
        unit,
        [(one, trace) for one, trace in zip(outcomes, traces, strict=True) if isinstance(one, Accepted)],
        used,
        terms,
    )
    await failpoint("order.before_commit")
    return outcomes


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


def _shelf(shelf: Mapping[str, OnSale], basket: Basket, kept: Sequence[Kept]) -> Mapping[str, OnSale]:
    """The products and pack sizes for an order; what its quote holds is there for it."""
    there = shelf if basket.quote is None else quote_rules.without(shelf, basket.quote.held.stock)
    return beside_packs(there, kept, basket.named) if basket.wanted else {}


async def _decided(
    unit: UnitOfWork, ordering: Ordering, basket: Basket, number: str, shelf: Mapping[str, OnSale], terms: Terms, today: date,
    read: FarmsRead,
) -> Accepted:  # fmt: skip
    wanted, quote = basket.wanted, basket.quote
    if quote is not None:
        order = of_quote(unit, ordering, quote, number, shelf, terms, ordering.wrong)
        return Accepted(order, quote.content.ways, ordering.note, basket.cart_id)
    ways, charged, wrong = await terms_of(unit, ordering, wanted, shelf, today, None, read)
    order = placing.place(
        wanted, shelf, terms, order_id=unit.new_id(), number=number, buyer=ordering.buyer, line_ids=[unit.new_id() for _ in wanted],
        now=unit.now, today=today, expected_total=ordering.expected_total, seen=basket.seen, of_cart=ordering.lines is None, also=wrong,
        billing=charged,
    )  # fmt: skip
    return Accepted(order, ways, ordering.note, basket.cart_id)


def _store(unit: UnitOfWork, accepted: Sequence[tuple[Accepted, Trace]], used: Sequence[Basket], terms: Terms) -> None:
    """Store what is accepted, without the carts and quotes that were ``used`` for it, with the commit at the latest."""
    if held := {one.quote.id: one.quote.held.stock for one in used if one.quote is not None}:
        quote_rows.use_up(unit.tx, held)
    placing_rows.insert(unit.tx, [one for one, _ in accepted], terms.currency)
    if emptied := [one.cart_id for one in used if one.cart_id is not None]:
        carts.delete(unit.tx, *emptied)
    unit.record_for([(trace, one.order.events) for one, trace in accepted])
