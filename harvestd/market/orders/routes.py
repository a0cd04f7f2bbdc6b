"""Orders: placing them, reading them, withdrawing them, and the steps of a farm's part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.names import told
from harvestd.kernel.permissions import Permission, may, may_everywhere, may_for_farm
from harvestd.kernel.quantities import TOTAL_MOST
from harvestd.market.accounts import rows as accounts
from harvestd.market.carts.selling import quantity_faults, terms
from harvestd.market.orders import actions
from harvestd.market.orders import delivery as ways
from harvestd.market.orders import placing as market
from harvestd.market.orders import rows as store
from harvestd.market.orders.shapes import CancelOrder, MovePart, Order, OrdersQuery, PlaceOrder
from harvestd.market.orders.views import placed_view, seen
from harvestd.web import sound
from harvestd.web import validation as fields
from harvestd.web.context import Answer, Call, CountedPage
from harvestd.web.market_day import today
from harvestd.web.money import given_faults
from harvestd.web.paging import Keyset


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
    order, chosen = await actions.place(call.work, _ordering(call, body), rules, today(call))
    location = ("Location", f"/api/orders/{order.id}")
    note = told("note", body.note, market.NOTE_MOST)
    return Answer(placed_view(order, rules.currency, chosen, note), headers=(location,), version=1)


def _ordering(call: Call, body: PlaceOrder) -> actions.Ordering:
    """What the body asks for; its lines are judged with the products, all else of it here."""
    given = {field.encode_name: getattr(body, field.name) for field in fields.of(type(body)) if field.name != "lines"}
    wrong = faults(call, given)
    expected = body.expected_total
    return actions.Ordering(
        buyer_id=call.user.user_id,
        lines=None if body.lines is None else [market.Wanted(line.product_id, line.quantity) for line in body.lines],
        ways=[] if wrong else ways.asked(body), note="" if wrong else told("note", body.note, market.NOTE_MOST),
        expected_total=expected if expected is None or isinstance(expected, int) else expected.amount, wrong=wrong,
    )  # fmt: skip


async def listed(call: Call, query: OrdersQuery) -> CountedPage[Order]:
    """The caller's orders from the newest on: a buyer's own, those of a farmer's farms and their own, all for staff."""
    order = Keyset(query, "orders", (UUID,), lambda row: (row.id,))
    (after,) = order.after or (None,)
    list_, count = _LISTS[call.user.role]
    page, following = order.page(await list_(call, after, query))
    total = await count(call, query.status) if query.count else None
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


async def _views(call: Call, orders: list[store.Order], farms: list[accounts.Membership] | None = None) -> list[Order]:
    """The orders that the caller may see, each as they may see it; ``farms`` are theirs, where that is known."""
    if not orders:
        return []
    parts, lines = await store.parts_and_lines(call.reader, [order.id for order in orders])
    farms = await _farms(call) if farms is None else farms
    mine, may_end = (_acting_for(call, farms, p) for p in (Permission.SEE_ORDERS, Permission.CANCEL_ORDERS))
    views = [seen(order, parts, lines, call.user, mine, may_end) for order in orders]
    return [view for view in views if view is not None]


async def _farms(call: Call) -> list[accounts.Membership]:
    """Those that the caller belongs to; who sells nothing has none."""
    if not may(call.user.role, Permission.FULFIL_ORDERS):
        return []
    return await accounts.farms_of(call.reader, call.user.user_id)


def _acting_for(call: Call, farms: list[accounts.Membership], permission: Permission) -> frozenset[str]:
    return frozenset(f.farm_id for f in farms if may_for_farm(call.user.role, f.role, permission))


async def cancel(call: Call, body: CancelOrder) -> Answer:
    """Withdraw an order, or a farm's part."""
    farms, reason = await _farms(call), told("reason", body.reason, market.REASON_MOST)
    await actions.cancel(call.work, _party(call, farms, Permission.CANCEL_ORDERS), call.id("id"), reason)
    return await _stepped(call, farms)


async def move(call: Call, body: MovePart) -> Answer:
    """A farm takes its part a step further."""
    farms, reason = await _farms(call), told("reason", body.reason, market.REASON_MOST)
    party = _party(call, farms, Permission.CANCEL_ORDERS if body.to == "cancelled" else Permission.FULFIL_ORDERS)
    await actions.move(call.work, party, call.id("id"), call.path["farm_id"], body.to, reason)
    return await _stepped(call, farms)


def _party(call: Call, farms: list[accounts.Membership], permission: Permission) -> actions.Party:
    staff = may_everywhere(call.user.role, permission)
    acts, sees = (_acting_for(call, farms, p) for p in (permission, Permission.SEE_ORDERS))
    return actions.Party(call.user.user_id, staff, acts, sees)


async def _stepped(call: Call, farms: list[accounts.Membership]) -> Answer:
    order = await store.find(call.tx, call.id("id"))
    assert order is not None
    (view,) = await _views(call, [order], farms)
    return Answer(view, version=order.version)
