"""Orders of several requests that are placed in one transaction, and the answer to any that is placed."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.kernel.errors import MarketError
from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.market.carts.selling import terms
from harvestd.market.orders import placing_together
from harvestd.market.orders.ordering import placed_for
from harvestd.market.orders.placing_rows import Accepted
from harvestd.market.orders.placing_shapes import PlaceOrder
from harvestd.market.orders.views import placed_view
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result
from harvestd.web.market_day import day_of


def placed(accepted: Accepted, currency: str) -> Result:
    """A new order, as its buyer is answered."""
    order = accepted.order
    headers = (("Location", f"/api/orders/{order.id}"),)
    return Result(placed_view(order, currency, accepted.ways, accepted.note), headers=headers, version=1)


async def may_share(request: RequestContext, body: PlaceOrder) -> bool:
    """Whether an order may be placed together with others: a simple one, of a buyer for themselves or of a guest, in a market that lets its farms buy of themselves."""
    caller = request.caller
    if (caller is None) is (body.guest is None):
        return False
    plain = caller is None or not (caller.actor or may_everywhere(caller.role, Permission.CHANGE_PRODUCTS))
    return plain and request.parts.settings.own_products and placing_together.simple(body)


async def place_together(
    unit: UnitOfWork, requests: Sequence[tuple[RequestContext, PlaceOrder]]
) -> list[Result | MarketError | None]:
    """Place the orders of several requests, each of which may share; what one of them is refused for is its own answer, and None is that of one which
    has to be placed alone after all."""
    rules = terms(unit.parts.settings)
    orderings = [await placed_for(request, body) for request, body in requests]
    traces = [request.trace for request, _ in requests]
    found = await placing_together.place(unit, orderings, traces, rules, day_of(unit.parts.settings, unit.now))
    return [placed(one, rules.currency) if isinstance(one, Accepted) else one for one in found]
