"""Orders: placing them, reading them, withdrawing them, and the steps of a farm's part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from harvestd.failpoints import failpoint
from harvestd.market import fulfilment
from harvestd.market import orders as market
from harvestd.market.errors import NotFound
from harvestd.store import accounts, carts, order_steps, outbox, stock
from harvestd.store import orders as store
from harvestd.web import cursors, ways
from harvestd.web.call import Answer, Call, Page
from harvestd.web.days import today
from harvestd.web.money import minor_units
from harvestd.web.order_views import placed_view, seen
from harvestd.web.shapes.orders import CancelOrder, MovePart, Order, OrdersQuery, PlaceOrder


def terms(call: Call) -> market.Terms:
    """The market's rules for orders, from the settings."""
    settings = call.parts.settings
    hold = timedelta(seconds=settings.reservation_ttl) if settings.order_confirmation == "farm" else None
    return market.Terms(currency=settings.market_currency, lines_most=settings.order_lines_most, hold=hold)


async def place(call: Call, body: PlaceOrder) -> Answer:
    """Place an order of the lines given or, without them, of the cart."""
    rules = terms(call)
    cart_id, wanted = await _wanted(call, body)
    known = [w.product_id for w in wanted]
    number, shelf = await stock.lock_for_order(call.tx, known)
    way = await ways.checked(call, body.fulfilment, shelf.values())
    expected = body.expected_total
    order = market.place(
        wanted, shelf, rules, order_id=call.new_id(), number=number, buyer_id=call.user.user_id,
        line_ids=[call.new_id() for _ in wanted], now=call.now, today=today(call),
        expected_total=None if expected is None else minor_units("expected_total", expected, rules.currency),
    )  # fmt: skip
    store.insert(call.tx, order, rules.currency, way, body.note, cart_id)
    if cart_id is not None:
        carts.delete(call.tx, cart_id)
    outbox.record(call.tx, order.events, call.new_id, call.now)
    await failpoint("order.before_commit")
    location = ("Location", f"/api/orders/{order.id}")
    return Answer(placed_view(order, rules.currency, way, body.note), headers=(location,), version=1)


async def _wanted(call: Call, body: PlaceOrder) -> tuple[str | None, list[market.Wanted]]:
    if body.lines is not None:
        return None, [market.Wanted(line.product_id, line.quantity) for line in body.lines]
    cart_id = await carts.lock(call.tx, call.user.user_id, None)
    items = await carts.items(call.tx, cart_id) if cart_id is not None else []
    return cart_id, [market.Wanted(item.product_id, item.quantity) for item in items]


async def listed(call: Call, query: OrdersQuery) -> Page[Order]:
    """The caller's orders from the newest on: a buyer's own, those of a farmer's farms and their own, all for staff."""
    after = cursors.decode(query.after, "orders", UUID)[0] if query.after else None
    rows = await _LISTS[call.user.role](call, after, query)
    page = rows[: query.limit]
    following = cursors.encode("orders", page[-1].id) if len(rows) > query.limit else None
    return Page(items=await _views(call, page), next=following)


async def _own(call: Call, after: str | None, query: OrdersQuery) -> list[store.Order]:
    return await store.of_buyer(call.reader, call.user.user_id, after, query.status, query.limit + 1)


async def _own_and_farms(call: Call, after: str | None, query: OrdersQuery) -> list[store.Order]:
    own = await _own(call, after, query)
    farms = await store.of_farms(call.reader, call.user.user_id, after, query.status, query.limit + 1)
    both = {order.id: order for order in [*own, *farms]}
    return sorted(both.values(), key=lambda order: order.id, reverse=True)[: query.limit + 1]


async def _every(call: Call, after: str | None, query: OrdersQuery) -> list[store.Order]:
    return await store.every(call.reader, after, query.status, query.limit + 1)


_LISTS: dict[str, Any] = {"buyer": _own, "farmer": _own_and_farms, "admin": _every}


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
    actor: fulfilment.Actor = "admin" if call.user.role == "admin" else "farm"
    if standing.buyer_id == call.user.user_id:
        actor = "buyer"
    whose = [part.farm_id for part in standing.parts if part.farm_id in farms] if actor == "farm" else None
    return await _stepped(call, standing, fulfilment.cancel(standing, whose, actor, body.reason), body.reason)


async def move(call: Call, body: MovePart) -> Answer:
    """A farm takes its part a step further."""
    standing, farms = await _standing(call)
    farm_id = call.path["farm_id"]
    if farm_id not in {part.farm_id for part in standing.parts} or not (farm_id in farms or call.user.role == "admin"):
        raise NotFound("this order has no part of a farm of yours by that id")
    return await _stepped(call, standing, fulfilment.move(standing, farm_id, body.to), body.reason)


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


async def _stepped(call: Call, before: fulfilment.Standing, moved: fulfilment.Moved, reason: str) -> Answer:
    await order_steps.take_step(
        call.tx, before, moved, actor_id=call.user.user_id, reason=reason, new_id=call.new_id, now=call.now
    )
    order = await store.find(call.tx, before.id)
    assert order is not None
    (view,) = await _views(call, [order])
    return Answer(view, version=order.version)
