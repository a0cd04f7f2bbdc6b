"""Orders: placing them, reading them, withdrawing them, and the steps of a farm's part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from harvestd.kernel import cursors, errors
from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.names import told
from harvestd.kernel.quantities import TOTAL_MOST
from harvestd.market.accounts import rows as accounts
from harvestd.market.carts import rows as carts
from harvestd.market.carts.selling import quantity_faults, terms
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.orders import actions as order_steps
from harvestd.market.orders import delivery as ways
from harvestd.market.orders import fulfilment
from harvestd.market.orders import placing as market
from harvestd.market.orders import rows as store
from harvestd.market.orders.shapes import CancelOrder, MovePart, Order, OrdersQuery, PlaceOrder
from harvestd.market.orders.views import acting, placed_view, seen
from harvestd.runtime.failpoints import failpoint
from harvestd.store import outbox
from harvestd.web import sound
from harvestd.web import validation as fields
from harvestd.web.context import Answer, Call, CountedPage
from harvestd.web.market_day import today
from harvestd.web.money import given_faults


def faults(call: Call, given: Mapping[str, Any]) -> list[FieldError]:
    """What the market has against fields of an order that no product, cart or farm is needed to judge."""
    note = errors.faults(lambda: told("note", given.get("note", ""), market.NOTE_MOST))
    total = given_faults("expected_total", given, terms(call.parts.settings).currency, TOTAL_MOST)
    lines = quantity_faults(sound.elements(given, "lines"))
    return [*note, *total, *lines.values(), *ways.faults(given)]


def reason_faults(call: Call, given: Mapping[str, Any]) -> list[FieldError]:
    """What the market has against the reason of a step, whatever the step is."""
    return errors.faults(lambda: told("reason", given.get("reason", ""), market.REASON_MOST))


async def place(call: Call, body: PlaceOrder) -> Answer:
    """Place an order of the lines given or, without them, of the cart."""
    rules = terms(call.parts.settings)
    cart_id, wanted, seen = await _wanted(call, body)
    known = [w.product_id for w in wanted]
    number, shelf = await stock.lock_for_order(call.tx, known)
    chosen, wrong = await _ways(call, body, [shelf.get(product_id) for product_id in known])
    expected = body.expected_total
    order = market.place(
        wanted, shelf, rules, order_id=call.new_id(), number=number, buyer_id=call.user.user_id,
        line_ids=[call.new_id() for _ in wanted], now=call.now, today=today(call),
        expected_total=expected if expected is None or isinstance(expected, int) else expected.amount, seen=seen,
        of_cart=body.lines is None, also=wrong,
    )  # fmt: skip
    note = told("note", body.note, market.NOTE_MOST)
    store.insert(call.tx, order, rules.currency, chosen, note, cart_id)
    if cart_id is not None:
        carts.delete(call.tx, cart_id)
    outbox.record(call.tx, order.events, call.new_id, call.now)
    await failpoint("order.before_commit")
    location = ("Location", f"/api/orders/{order.id}")
    return Answer(placed_view(order, rules.currency, chosen, note), headers=(location,), version=1)


async def _ways(
    call: Call, body: PlaceOrder, shelf: Sequence[OnSale | None]
) -> tuple[dict[str, dict[str, Any]], list[FieldError]]:
    """The way of each farm's part, and what is wrong with the body beside its lines. Of a product that is not there it is not known
    whose it would be."""
    chosen: dict[str, dict[str, Any]] = {}
    wrong = faults(
        call,
        {field.encode_name: getattr(body, field.name) for field in fields.of(type(body)) if field.name != "lines"},
    )
    there = [product for product in shelf if product is not None]
    if not wrong and there and len(there) == len(shelf):
        try:
            chosen = await ways.checked(call, body, there)
        except Invalid as refused:
            wrong += refused.errors
    return chosen, wrong


async def _wanted(call: Call, body: PlaceOrder) -> tuple[str | None, list[market.Wanted], dict[str, Agreed]]:
    """The cart, if it is what is ordered; what is wanted; and what was agreed to, by product, where that is known."""
    if body.lines is not None:
        return None, [market.Wanted(line.product_id, line.quantity) for line in body.lines], {}
    cart = await carts.lock(call.tx, call.user.user_id, None)
    if cart is None:
        return None, [], {}
    items = await carts.items(call.tx, cart.id)
    wanted = [market.Wanted(item.product_id, item.quantity) for item in items]
    return cart.id, wanted, {item.product_id: item.seen for item in items}


async def listed(call: Call, query: OrdersQuery) -> CountedPage[Order]:
    """The caller's orders from the newest on: a buyer's own, those of a farmer's farms and their own, all for staff."""
    after = cursors.decode(query.after, "orders", UUID)[0] if query.after else None
    list_, count = _LISTS[call.user.role]
    rows = await list_(call, after, query)
    total = await count(call, query.status) if query.count else None
    page = rows[: query.limit]
    following = cursors.encode("orders", page[-1].id) if len(rows) > query.limit else None
    return CountedPage(await _views(call, page), following, total)


async def _own(call: Call, after: str | None, query: OrdersQuery) -> list[store.Order]:
    return await store.of_buyer(call.reader, call.user.user_id, after, query.status, query.limit + 1)


async def _own_and_farms(call: Call, after: str | None, query: OrdersQuery) -> list[store.Order]:
    own = await _own(call, after, query)
    farms = await store.of_farms(call.reader, call.user.user_id, after, query.status, query.limit + 1)
    both = {order.id: order for order in [*own, *farms]}
    return sorted(both.values(), key=lambda order: order.id, reverse=True)[: query.limit + 1]


async def _every(call: Call, after: str | None, query: OrdersQuery) -> list[store.Order]:
    return await store.every(call.reader, after, query.status, query.limit + 1)


#: What each role has listed, and what counts that.
_LISTS: dict[str, Any] = {
    "buyer": (_own, lambda call, status: store.count_own(call.reader, call.user.user_id, status)),
    "farmer": (_own_and_farms, lambda call, status: store.count_own_and_farms(call.reader, call.user.user_id, status)),
    "admin": (_every, lambda call, status: store.count_every(call.reader, status)),
}


async def page(call: Call) -> Answer:
    """One order, as far as the caller may see it."""
    order = await store.find(call.reader, call.id("id"))
    views = await _views(call, [order]) if order else []
    if not views or order is None:
        raise NotFound("there is no such order")
    return Answer(views[0], version=order.version)


async def _views(call: Call, orders: list[store.Order]) -> list[Order]:
    """The orders that the caller may see, each as they may see it."""
    if not orders:
        return []
    reader = call.transaction or call.reader
    parts, lines = await store.parts_and_lines(reader, [order.id for order in orders])
    farms = await _farms(call)
    views = [seen(order, parts, lines, call.user, farms) for order in orders]
    return [view for view in views if view is not None]


async def _farms(call: Call) -> frozenset[str]:
    if call.user.role == "buyer":
        return frozenset()
    reader = call.transaction or call.reader
    return frozenset(f.farm_id for f in await accounts.farms_of(reader, call.user.user_id))


async def cancel(call: Call, body: CancelOrder) -> Answer:
    """Withdraw an order: a buyer the whole, a farm its part, staff the whole."""
    standing, farms = await _standing(call)
    reason = told("reason", body.reason, market.REASON_MOST)
    actor, whose = acting(call.user, standing.buyer_id, [part.farm_id for part in standing.parts], farms)
    return await _stepped(call, standing, fulfilment.cancel(standing, whose, actor, reason))


async def move(call: Call, body: MovePart) -> Answer:
    """A farm takes its part a step further."""
    standing, farms = await _standing(call)
    farm_id = call.path["farm_id"]
    if farm_id not in {part.farm_id for part in standing.parts} or not (farm_id in farms or call.user.role == "admin"):
        raise NotFound("this order has no such part of yours")
    reason = told("reason", body.reason, market.REASON_MOST)
    actor: fulfilment.Actor = "farm" if farm_id in farms else "admin"
    return await _stepped(call, standing, fulfilment.move(standing, farm_id, body.to, actor, reason))


async def _standing(call: Call) -> tuple[fulfilment.Standing, frozenset[str]]:
    """The order of the path, locked, and the caller's farms; raises :class:`NotFound` for whom it does not concern."""
    found = await store.lock(call.tx, call.id("id"))
    farms = await _farms(call)
    if found is None or not (
        found[1].buyer_id == call.user.user_id
        or call.user.role == "admin"
        or any(part.farm_id in farms for part in found[1].parts)
    ):
        raise NotFound("there is no such order")
    return found[1], farms


async def _stepped(call: Call, before: fulfilment.Standing, moved: fulfilment.Moved) -> Answer:
    await order_steps.take_step(
        call.tx, before, moved, actor_id=call.user.user_id, new_id=call.new_id, now=call.now
    )  # fmt: skip
    order = await store.find(call.tx, before.id)
    assert order is not None
    (view,) = await _views(call, [order])
    return Answer(view, version=order.version)
