"""Placing several orders in one transaction: their products are locked once, each is decided by what those before it have left, and all are stored in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import attrs

from harvestd.kernel.errors import MarketError
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.stock_rows import Shelves
from harvestd.market.days import day_actions
from harvestd.market.orders import placing, placing_rows
from harvestd.market.orders.order import Placed
from harvestd.market.orders.placing_actions import Ordering, terms_of
from harvestd.market.orders.placing_rows import Accepted
from harvestd.market.orders.placing_shapes import PlaceOrder
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.tracing import Trace
from harvestd.unit_of_work import UnitOfWork

#: How many lines an order has at most that is placed with others: a long one would keep them waiting.
MANY_LINES = 20


class NotTogether(Exception):
    """What these orders need is known for one at a time."""


@attrs.define
class _Left:
    """What the accepted orders of a group leave of products."""

    taken: dict[str, Decimal] = attrs.field(factory=dict)
    ran_out: set[str] = attrs.field(factory=set)

    def of(self, shelf: Mapping[str, OnSale]) -> Mapping[str, OnSale]:
        """The products as the next order finds them."""
        fewer = {
            id: attrs.evolve(one, reserved=one.reserved + self.taken[id], revision=one.revision + (id in self.ran_out))
            for id, one in shelf.items()
            if id in self.taken
        }
        return {**shelf, **fewer} if fewer else shelf

    def less(self, order: Placed) -> None:
        """An order is accepted."""
        for id, quantity in order.taken.items():
            self.taken[id] = self.taken.get(id, Decimal(0)) + quantity
        self.ran_out |= order.ran_out


def simple(body: PlaceOrder) -> bool:
    """Whether an order needs nothing but its buyer, its products and what is charged by the market: lines of products themselves, each part picked up at its farm."""
    ways = [*(body.fulfilments or ()), *([] if body.fulfilment is None else [body.fulfilment])]
    return (
        body.lines is not None and 0 < len(body.lines) <= MANY_LINES and all(line.variant_id is None for line in body.lines)
        and body.quote_id is None and body.buyer_id is None and body.guest is None and not body.coupon
        and all(way.method == "pickup" and way.pickup_point_id is None and way.window_id is None for way in ways)
    )  # fmt: skip


async def place(
    unit: UnitOfWork, orderings: Sequence[Ordering], traces: Sequence[Trace], terms: Terms, today: date
) -> list[Accepted | MarketError]:
    """Place orders that are :func:`simple`, in this order; returns for each what is stored, or its refusal. Raises :class:`NotTogether` in a market with days."""
    if await day_actions.any_days(unit):
        raise NotTogether("the market sells by days")
    asked = [Shelves([w.product_id for w in one.lines or ()], one.buyer.user_id, one.language) for one in orderings]
    left = _Left()
    found: list[Accepted | MarketError] = []
    for one, (number, shelf) in zip(orderings, await stock.lock_for_orders(unit.tx, asked), strict=True):
        try:
            decided = await _decided(unit, one, number, left.of(shelf), terms, today)
        except MarketError as refused:
            found.append(refused)
            continue
        left.less(decided.order)
        found.append(decided)
    accepted = [(one, trace) for one, trace in zip(found, traces, strict=True) if isinstance(one, Accepted)]
    placing_rows.insert(unit.tx, [one for one, _ in accepted], terms.currency)
    unit.record_for([(trace, one.order.events) for one, trace in accepted])
    await failpoint("order.before_commit")
    return found


async def _decided(
    unit: UnitOfWork, ordering: Ordering, number: str, shelf: Mapping[str, OnSale], terms: Terms, today: date
) -> Accepted:
    wanted = ordering.lines or ()
    ways, charged, wrong = await terms_of(unit, ordering, wanted, shelf, today, None)
    order = placing.place(
        wanted, shelf, terms, order_id=unit.new_id(), number=number, buyer=ordering.buyer, line_ids=[unit.new_id() for _ in wanted],
        now=unit.now, today=today, expected_total=ordering.expected_total, also=wrong, billing=charged,
    )  # fmt: skip
    return Accepted(order, ways, ordering.note)
