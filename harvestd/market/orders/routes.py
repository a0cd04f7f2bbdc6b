"""Orders: checkout, reading, cancellation, and the status steps of a farm's part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.names import told
from harvestd.kernel.permissions import FARMER, Permission, may, may_everywhere, may_for_farm
from harvestd.kernel.quantities import MAX_TOTAL
from harvestd.market.accounts import rows as accounts
from harvestd.market.carts.selling import quantity_faults, terms
from harvestd.market.farms.actions import no_farm
from harvestd.market.orders import actions, following_lists, list_rows
from harvestd.market.orders import delivery as ways
from harvestd.market.orders import rows as store
from harvestd.market.orders.order import MAX_NOTE, MAX_REASON
from harvestd.market.orders.placing_rules import Wanted
from harvestd.market.orders.placing_shapes import PlaceOrder
from harvestd.market.orders.shapes import Order, OrdersQuery
from harvestd.market.orders.step_shapes import CancelOrder, MovePart
from harvestd.market.orders.views import placed_view, seen
from harvestd.web import sound
from harvestd.web import type_structure as structure
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.market_day import today
from harvestd.web.money import given_faults
from harvestd.web.paging import Keyset
from harvestd.web.translated import other


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in an order's fields that can be found without its products, cart or farms."""
    note = errors.faults(lambda: told("note", given.get("note", ""), MAX_NOTE))
    total = given_faults("expected_total", given, terms(request.parts.settings).currency, MAX_TOTAL)
    lines = quantity_faults(sound.elements(given, "lines"))
    return [*note, *total, *lines.values(), *ways.faults(given)]


def reason_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the reason of a step, whichever step it is."""
    return errors.faults(lambda: told("reason", given.get("reason", ""), MAX_REASON))


async def place(request: RequestContext, body: PlaceOrder) -> Result:
    """Place an order of the lines given or, without them, of the cart."""
    rules = terms(request.parts.settings)
    order, chosen = await actions.place(request.work, _ordering(request, body), rules, today(request))
    location = ("Location", f"/api/orders/{order.id}")
    note = told("note", body.note, MAX_NOTE)
    return Result(placed_view(order, rules.currency, chosen, note), headers=(location,), version=1)


def _ordering(request: RequestContext, body: PlaceOrder) -> actions.Ordering:
    """The checkout request; its lines are validated later with the products, everything else here."""
    given = {
        field.encode_name: getattr(body, field.name)
        for field in structure.fields_of(type(body))
        if field.name != "lines"
    }
    wrong = faults(request, given)
    expected = body.expected_total
    return actions.Ordering(
        buyer_id=request.user.user_id,
        lines=None if body.lines is None else [Wanted(line.product_id, line.quantity, line.variant_id) for line in body.lines],
        ways=[] if wrong else ways.asked(body), note="" if wrong else told("note", body.note, MAX_NOTE),
        expected_total=expected if expected is None or isinstance(expected, int) else expected.amount, wrong=wrong, language=other(request),
        staff=may_everywhere(request.user.role, Permission.CHANGE_PRODUCTS) and request.user.has_scope(Permission.CHANGE_PRODUCTS),
    )  # fmt: skip


async def listed(request: RequestContext, query: OrdersQuery) -> CountedPage[Order]:
    """The caller's orders, newest first: a buyer's own, those of a farmer's farms and their own, all for staff; or as they change; or by their ids."""
    if query.ids is not None or query.updated_since is not None:
        found, following, total = await following_lists.page(request, query)
        views = await _views(request, found)
        return CountedPage(views, following, len(views) if query.ids is not None and query.count else total)
    order = Keyset(query, f"orders {query.market_day or ''}".strip(), (UUID,), lambda row: (row.id,))
    (after,) = order.after or (None,)
    list_, count = _LISTS[request.user.role]
    page, following = order.page(await list_(request, after, query))
    total = await count(request, query) if query.count else None
    return CountedPage(await _views(request, page), following, total)


async def _own(request: RequestContext, after: str | None, query: OrdersQuery) -> list[store.Order]:
    return await list_rows.of_buyer(
        request.reader, request.user.user_id, after, query.status, query.limit + 1, query.market_day
    )


async def _own_and_farms(request: RequestContext, after: str | None, query: OrdersQuery) -> list[store.Order]:
    own = await _own(request, after, query)
    farms = await list_rows.of_farms(
        request.reader, request.user.user_id, after, query.status, query.limit + 1, query.market_day
    )
    both = {order.id: order for order in [*own, *farms]}
    return sorted(both.values(), key=lambda order: order.id, reverse=True)[: query.limit + 1]


async def _every(request: RequestContext, after: str | None, query: OrdersQuery) -> list[store.Order]:
    return await list_rows.every(request.reader, after, query.status, query.limit + 1, query.market_day)


#: The list and the count of orders for each role.
_LISTS: dict[str, Any] = {
    "buyer": (
        _own,
        lambda request, query: list_rows.count_own(
            request.reader, request.user.user_id, query.status, query.market_day
        ),
    ),
    "farmer": (
        _own_and_farms,
        lambda request, query: list_rows.count_own_and_farms(
            request.reader, request.user.user_id, query.status, query.market_day
        ),
    ),
    "manager": (_every, lambda request, query: list_rows.count_every(request.reader, query.status, query.market_day)),
    "admin": (_every, lambda request, query: list_rows.count_every(request.reader, query.status, query.market_day)),
}


async def page(request: RequestContext) -> Result:
    """One order, as far as the caller may see it."""
    order = await store.find(request.reader, request.id("id"))
    views = await _views(request, [order]) if order else []
    if not views or order is None:
        raise NotFound("there is no such order")
    return Result(views[0], version=order.version)


async def _views(
    request: RequestContext, orders: list[store.Order], farms: list[accounts.Membership] | None = None
) -> list[Order]:
    """The orders that the caller may see, each in the caller's view; ``farms`` are theirs, where known."""
    if not orders:
        return []
    parts, lines = await store.parts_and_lines(request.reader, [order.id for order in orders])
    farms = await _farms(request) if farms is None else farms
    mine, may_end = (_acting_for(request, farms, p) for p in (Permission.SEE_ORDERS, Permission.CANCEL_ORDERS))
    views = [seen(order, parts, lines, request.user, mine, may_end) for order in orders]
    return [view for view in views if view is not None]


async def _farms(request: RequestContext) -> list[accounts.Membership]:
    """The farms that the caller belongs to; none for a caller who does not sell."""
    if not may(request.user.role, Permission.FULFIL_ORDERS):
        return []
    return await accounts.farms_of(request.reader, request.user.user_id)


def _acting_for(request: RequestContext, farms: list[accounts.Membership], permission: Permission) -> frozenset[str]:
    return frozenset(f.farm_id for f in farms if may_for_farm(request.user.role, f.role, permission))


async def cancel(request: RequestContext, body: CancelOrder) -> Result:
    """Cancel an order, or a farm's part of it."""
    farms, reason = await _farms(request), told("reason", body.reason, MAX_REASON)
    await actions.cancel(request.work, _party(request, farms, Permission.CANCEL_ORDERS), request.id("id"), reason)
    return await _stepped(request, farms)


async def move(request: RequestContext, body: MovePart) -> Result:
    """Move a farm's part to its next status."""
    farms, reason = await _farms(request), told("reason", body.reason, MAX_REASON)
    permission = Permission.CANCEL_ORDERS if body.to == "cancelled" else Permission.FULFIL_ORDERS
    request.user.require_scope(permission)
    if not farms and request.user.role == FARMER:
        raise no_farm()
    await actions.move(
        request.work, _party(request, farms, permission), request.id("id"), request.path["farm_id"], body.to, reason
    )
    return await _stepped(request, farms)


def _party(request: RequestContext, farms: list[accounts.Membership], permission: Permission) -> actions.Party:
    staff = may_everywhere(request.user.role, permission)
    acts, sees = (_acting_for(request, farms, p) for p in (permission, Permission.SEE_ORDERS))
    return actions.Party(request.user.user_id, staff, acts, sees)


async def _stepped(request: RequestContext, farms: list[accounts.Membership]) -> Result:
    order = await store.find(request.tx, request.id("id"))
    assert order is not None
    (view,) = await _views(request, [order], farms)
    return Result(view, version=order.version)
