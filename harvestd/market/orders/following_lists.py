"""The lists of orders that other systems ask for: those of some ids, and what has changed since."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from harvestd.kernel.errors import Invalid
from harvestd.market.orders import following_rows as store
from harvestd.market.orders.rows import Order
from harvestd.market.orders.shapes import OrdersQuery
from harvestd.web.context import RequestContext
from harvestd.web.paging import Keyset


async def page(request: RequestContext, query: OrdersQuery) -> tuple[list[Order], str | None, int | None]:
    """The orders of a page, the cursor of the next one, and how many there are if that is asked for. Of ``ids``, all that there are, whoever may
    see them. Raises :class:`Invalid` for ``ids`` beside anything else, and for
    ``farm`` or ``market_day`` beside ``updated_since``."""
    if query.ids is not None:
        if query != OrdersQuery(ids=query.ids, limit=query.limit, count=query.count):
            message = "goes alone; leave out the other filters, and after"
            raise Invalid.of("ids", message, "not-accepted", reason="ids-alone")
        return await store.by_ids(request.reader, query.ids.split(",")), None, None
    assert query.updated_since is not None
    for name in ("farm", "market_day"):
        if getattr(query, name) is not None:
            message = "goes not with updated_since; leave one of them out"
            raise Invalid.of(name, message, "not-accepted", reason="with-updated-since")
    return await _changes(request, query, query.updated_since)


async def _changes(
    request: RequestContext, query: OrdersQuery, since: datetime
) -> tuple[list[Order], str | None, int | None]:
    who = request.user.role, request.user.user_id
    order = Keyset(query, "changed", (int, UUID), lambda row: row.key)
    after = order.after
    found = await store.changes(
        request.reader, *who, since, query.status, None if after is None else (after[0], after[1]), order.ask
    )
    shown, following = order.page(found)
    total = await store.count(request.reader, *who, since, query.status) if query.count else None
    return [row.order for row in shown], following, total
