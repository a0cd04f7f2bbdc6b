"""Orders: checkout, reading, cancellation, and the status steps of a farm's part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import attrs

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.names import told
from harvestd.kernel.permissions import FARMER, Permission, may, may_everywhere, may_for_farm
from harvestd.market.accounts import audit
from harvestd.market.accounts import rows as accounts
from harvestd.market.carts.selling import terms
from harvestd.market.farms import rows as farm_rows
from harvestd.market.farms.actions import no_farm
from harvestd.market.orders import actions, farm_list_rows, following_lists, list_rows, order_keys, placing_actions
from harvestd.market.orders import rows as store
from harvestd.market.orders.capabilities import NEEDED, Viewer
from harvestd.market.orders.order import MAX_REASON
from harvestd.market.orders.ordering import placed_for
from harvestd.market.orders.parties import Party
from harvestd.market.orders.placing_routes import placed
from harvestd.market.orders.placing_rows import Accepted
from harvestd.market.orders.placing_shapes import OrderKeyQuery, PlaceOrder
from harvestd.market.orders.shapes import Order, OrdersQuery
from harvestd.market.orders.step_shapes import CancelOrder, MovePart
from harvestd.market.orders.views import seen
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.market_day import today
from harvestd.web.paging import Keyset

_NONE: frozenset[str] = frozenset()
_NOTHING: Mapping[Permission, frozenset[str]] = {}


def reason_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the reason of a step, whichever step it is."""
    return errors.faults(lambda: told("reason", given.get("reason", ""), MAX_REASON))


async def place(request: RequestContext, body: PlaceOrder) -> Result:
    """Place an order of the lines given or, without them, of the cart."""
    rules = terms(request.parts.settings)
    ordering = await placed_for(request, body)
    order, chosen = await placing_actions.place(request.work, ordering, rules, today(request))
    own = placed(Accepted(order, chosen, ordering.note), rules.currency)
    if ordering.buyer.placed_by is None:
        return own
    found = await store.find(request.tx, order.id)
    assert found is not None
    (view,) = await _views(request, [found])  # as whoever it is not for sees it
    await audit.note(request, request.work, "order.placed_for_another", ordering.buyer.user_id, f"order:{order.id}")
    return attrs.evolve(own, value=view)


async def listed(request: RequestContext, query: OrdersQuery) -> CountedPage[Order]:
    """The caller's orders, newest first: a buyer's own, those of a farmer's farms and their own, all for staff; or as they change; or by their ids."""
    if query.ids is not None or query.updated_since is not None:
        found, following, total = await following_lists.page(request, query)
        views = await _views(request, found)
        return CountedPage(views, following, len(views) if query.ids is not None and query.count else total)
    order = Keyset(query, f"orders {query.market_day or ''}".strip(), (UUID,), lambda row: (row.id,))
    (after,) = order.after or (None,)
    if query.farm is not None:
        return await _of_farm(request, query, query.farm, order, after)
    list_, count = _LISTS[request.user.role]
    page, following = order.page(await list_(request, after, query))
    total = await count(request, query) if query.count else None
    return CountedPage(await _views(request, page), following, total)


async def _of_farm(
    request: RequestContext, query: OrdersQuery, token: str, order: Keyset, after: str | None
) -> CountedPage[Order]:
    """The orders with a part of a farm, by its id or slug: all, for those who see its orders, of others their own; of a farm that there is not, none."""
    farm, mine = await farm_rows.find(request.reader, token), await farms_of(request)
    if farm is None:
        return CountedPage([], None, 0 if query.count else None)
    sees = may_everywhere(request.user.role, Permission.SEE_ORDERS) or farm.id in _acting_for(
        request, mine, Permission.SEE_ORDERS
    )
    buyer = None if sees else request.user.user_id
    wanted = farm_list_rows.Wanted(farm.id, buyer, query.status, query.market_day)
    page, following = order.page(await farm_list_rows.of_farm(request.reader, wanted, after, query.limit + 1))
    total = await farm_list_rows.count(request.reader, wanted) if query.count else None
    return CountedPage(await _views(request, page, mine), following, total)


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


async def page(request: RequestContext, query: OrderKeyQuery) -> Result:
    """One order, as far as the caller may see it, or whoever has its key."""
    key_to = await key_of(request, query.token)
    order = await store.find(request.reader, request.id("id"))
    views = await _views(request, [order], key_to=key_to) if order else []
    if not views or order is None:
        raise NotFound("there is no such order")
    return Result(views[0], version=order.version)


async def _views(
    request: RequestContext, orders: list[store.Order], farms: list[accounts.Membership] | None = None,
    key_to: str | None = None,
) -> list[Order]:  # fmt: skip
    """The orders that the caller may see, each in the caller's view; ``farms`` are theirs, where known; or the one that whoever asks has the key to."""
    if not orders:
        return []
    parts, lines = await store.parts_and_lines(request.reader, [order.id for order in orders])
    if key_to is not None:
        viewer, mine, may_do = Viewer(None, key_to=key_to), _NONE, _NOTHING
    else:
        user = request.user
        viewer = Viewer(user.user_id, user.role, frozenset(one for one in NEEDED if user.has_scope(one)))
        farms = await farms_of(request) if farms is None else farms
        mine = _acting_for(request, farms, Permission.SEE_ORDERS)
        may_do = {permission: _acting_for(request, farms, permission) for permission in NEEDED}
    included = request.parts.settings.tax_included
    views = [seen(order.taxed_by(included), parts, lines, viewer, mine, may_do, request.now) for order in orders]
    return [view for view in views if view is not None]


async def key_of(request: RequestContext, token: str | None) -> str | None:
    """The id of the order that the path names, if the token opens it; None without a token. Raises :class:`NotFound`."""
    if token is None:
        return None
    if not await order_keys.opens(request.reader, request.id("id"), token):
        raise NotFound("there is no such order")
    return request.id("id")


async def farms_of(request: RequestContext) -> list[accounts.Membership]:
    """The farms that the caller belongs to; none for a caller who does not sell."""
    if not may(request.user.role, Permission.FULFIL_ORDERS):
        return []
    return await accounts.farms_of(request.reader, request.user.user_id)


def _acting_for(request: RequestContext, farms: list[accounts.Membership], permission: Permission) -> frozenset[str]:
    return frozenset(f.farm_id for f in farms if may_for_farm(request.user.role, f.role, permission))


async def cancel(request: RequestContext, body: CancelOrder, query: OrderKeyQuery) -> Result:
    """Cancel an order, or a farm's part of it; whoever has its key is its buyer."""
    key_to, reason = await key_of(request, query.token), told("reason", body.reason, MAX_REASON)
    if key_to is not None:
        await actions.cancel(request.work, Party(None, key_to=key_to), key_to, reason)
        return await stepped(request, [], key_to)
    farms = await farms_of(request)
    await actions.cancel(request.work, party_of(request, farms, Permission.CANCEL_ORDERS), request.id("id"), reason)
    return await stepped(request, farms)


async def move(request: RequestContext, body: MovePart) -> Result:
    """Move a farm's part to its next status."""
    farms, reason = await farms_of(request), told("reason", body.reason, MAX_REASON)
    permission = Permission.CANCEL_ORDERS if body.to == "cancelled" else Permission.FULFIL_ORDERS
    request.user.require_scope(permission)
    if not farms and request.user.role == FARMER:
        raise no_farm()
    await actions.move(
        request.work, party_of(request, farms, permission), request.id("id"), request.path["farm_id"], body.to, reason
    )
    return await stepped(request, farms)


def party_of(request: RequestContext, farms: list[accounts.Membership], permission: Permission) -> Party:
    """The caller as they act on orders with a permission."""
    staff = may_everywhere(request.user.role, permission)
    acts, sees = (_acting_for(request, farms, p) for p in (permission, Permission.SEE_ORDERS))
    return Party(request.user.user_id, staff, acts, sees)


async def stepped(request: RequestContext, farms: list[accounts.Membership], key_to: str | None = None) -> Result:
    """The order as it is after a change of it, in the caller's view."""
    order = await store.find(request.tx, request.id("id"))
    assert order is not None
    (view,) = await _views(request, [order], farms, key_to)
    return Result(view, version=order.version)
