"""Orders: checkout, and the life cycle of each farm's part."""

from __future__ import annotations

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.kernel.topology import Queue
from harvestd.market.accounts.closing_actions import Closed, Leaving
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.catalogue import fact_shapes
from harvestd.market.orders import (
    closing,
    events,
    expiry,
    fulfilment_shapes,
    handlers,
    placing_shapes,
    retention,
    routes,
    shapes,
    step_shapes,
)
from harvestd.market.subject import Subject
from harvestd.queue.work import Due, QueueHandlers
from harvestd.web.context import CountedPage
from harvestd.web.routes import LONG_BODY, Mode, Route, Section

_WORDS = {
    **fact_shapes.WORDS,
    **shapes.WORDS,
    **placing_shapes.WORDS,
    **fulfilment_shapes.WORDS,
    **step_shapes.WORDS,
}
_ORDERS = Section("orders", "Placing orders, and the progress of each farm's part.", _WORDS)

_STEP = (errors.NotFound, errors.IllegalTransition)

SUBJECT = Subject(
    name="orders",
    events={
        "order.created": events.OrderCreated, "order.updated": events.OrderUpdated, "order.completed": events.OrderEnded,
        "order.cancelled": events.OrderEnded, "order.expired": events.OrderEnded,
    },
    listeners={Leaving: closing.refuse, Closed: closing.forget, Exported: closing.export},
    routes=(
        Route(method="POST", path="/api/orders", operation="placeOrder", spoken=True, handler=routes.place, permission=Permission.PLACE_ORDERS, mode=Mode.WRITE, section=_ORDERS,
              summary="Place an order, from lines or from the cart", body=placing_shapes.PlaceOrder, rules=routes.faults, answer=shapes.Order, status=201,
              key="required", body_limit=LONG_BODY, errors=(errors.OutOfStock, errors.PriceChanged, errors.MarketClosed, errors.WindowFull)),
        Route(method="GET", path="/api/orders", operation="listOrders", handler=routes.listed, permission=Permission.SEE_ORDERS, mode=Mode.FRESH, section=_ORDERS,
              summary="The orders that the caller may see", query=shapes.OrdersQuery, answer=CountedPage[shapes.Order], limit="rate_read"),
        Route(method="GET", path="/api/orders/{id}", operation="getOrder", handler=routes.page, permission=Permission.SEE_ORDERS, mode=Mode.FRESH, section=_ORDERS,
              summary="An order, as far as the caller may see it", answer=shapes.Order, limit="rate_read", errors=(errors.NotFound,)),
        Route(method="POST", path="/api/orders/{id}/cancel", operation="cancelOrder", handler=routes.cancel, permission=Permission.CANCEL_ORDERS, mode=Mode.WRITE, section=_ORDERS,
              summary="Cancel an order, or a farm's part of it", body=step_shapes.CancelOrder, rules=routes.reason_faults, answer=shapes.Order, key="optional", errors=_STEP),
        Route(method="POST", path="/api/orders/{id}/parts/{farm_id}/status", operation="moveOrderPart", handler=routes.move, permission=Permission.FULFIL_ORDERS, mode=Mode.WRITE,
              section=_ORDERS, summary="Move a farm's part to its next status", body=step_shapes.MovePart, rules=routes.reason_faults, answer=shapes.Order, key="optional",
              errors=_STEP),
    ),
    handlers={Queue("harvest.orders", ("order.created", "order.updated", "order.cancelled", "order.expired", "account.deleted", "market_day.cancelled"), 50): QueueHandlers(
        each={"account.deleted": closing.sweep, "market_day.cancelled": closing.call_off}, bulk=handlers.sell)},
    periodic=(Due("expiry", 1.0, expiry.release, next_due=expiry.next_due),
              Due("order details", 3600.0, retention.erase_old, next_due=retention.next_due)),
)  # fmt: skip
