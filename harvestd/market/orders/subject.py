"""Orders: checkout, and the life cycle of each farm's part."""

from __future__ import annotations

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.kernel.topology import Queue
from harvestd.market.accounts.closing_actions import Closed, Leaving
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.catalogue import fact_shapes
from harvestd.market.orders import (
    buying,
    change_routes,
    change_shapes,
    closing,
    events,
    expiry,
    fulfilment_shapes,
    handlers,
    history_routes,
    history_shapes,
    moved_windows,
    ordering,
    placing_routes,
    placing_shapes,
    quote_routes,
    quote_shapes,
    quoting,
    retention,
    routes,
    shapes,
    step_shapes,
    weighing_routes,
)
from harvestd.market.subject import Subject
from harvestd.queue.work import Due, QueueHandlers
from harvestd.web.context import CountedPage
from harvestd.web.routes import LONG_BODY, MANY_BODY, Mode, Route, Section, Shared, Strangers

_WORDS = {
    **fact_shapes.WORDS,
    **shapes.WORDS,
    **placing_shapes.WORDS,
    **quote_shapes.WORDS,
    **fulfilment_shapes.WORDS,
    **step_shapes.WORDS,
    **change_shapes.WORDS,
    **history_shapes.WORDS,
}
_ORDERS = Section("orders", "Placing orders, and the progress of each farm's part.", _WORDS)

#: Who comes without an account: to order, guests; to an order, whoever has the key of a mail about it.
_GUESTS = Strangers(
    let_in=buying.let_guests_in,
    who="guests, where `guests` of `GET /api/market` is true",
    limit="rate_guest",
    holder=buying.key_holder,
    cart=True,
)
_KEYS = Strangers(
    let_in=lambda settings, query: "token=" in query, who="whoever has the key of a mail about the order, as `token`",
    holder=lambda request, *arguments: f"key {arguments[-1].token}",
)  # fmt: skip

_STEP = (errors.NotFound, errors.IllegalTransition)

SUBJECT = Subject(
    name="orders",
    events={
        "order.created": events.OrderCreated, "order.updated": events.OrderUpdated, "order.completed": events.OrderEnded,
        "order.cancelled": events.OrderEnded, "order.expired": events.OrderEnded, "order.amended": events.OrderAmended, "order.line_short": events.LineChanged,
        "order.line_weighed": events.LineChanged, "order.moved": events.OrderMoved,
    },
    listeners={Leaving: closing.refuse, Closed: closing.forget, Exported: closing.export},
    routes=(
        Route(method="POST", path="/api/orders", operation="placeOrder", spoken=True, handler=routes.place, permission=Permission.PLACE_ORDERS, mode=Mode.WRITE, section=_ORDERS,
              shared=Shared(suits=placing_routes.may_share, work=placing_routes.place_together), summary="Place an order, from lines or from the cart", body=placing_shapes.PlaceOrder, rules=ordering.faults, guarded=ordering.guarded, answer=shapes.Order, status=201,
              key="required", body_limit=MANY_BODY, errors=(errors.Forbidden, errors.OutOfStock, errors.PriceChanged, errors.MarketClosed, errors.WindowFull), strangers=_GUESTS),
        Route(method="POST", path="/api/quotes", operation="askQuote", spoken=True, cart=True, handler=quote_routes.ask, permission=None, scope=Permission.PLACE_ORDERS, mode=Mode.WRITE, section=_ORDERS,
              summary="What an order would be; and keep its prices, stock and places for a while", body=quote_shapes.AskQuote, rules=ordering.faults, guarded=quote_routes.guarded,
              answer=quote_shapes.Quote, body_limit=MANY_BODY,
              description="All that an order would be refused for is in `refusals`, and the answer is 200. With `hold` nothing is held if there is any; else its prices, its stock and, in a market with days, its places in their windows are. `POST /api/orders` with `quote_id` orders what is held, once, until `expires_at`: also once the cut-off has come, and not if the market day is cancelled, when it is 409 `market-closed`."),
        Route(method="GET", path="/api/orders", operation="listOrders", handler=routes.listed, permission=Permission.SEE_ORDERS, mode=Mode.FRESH, section=_ORDERS,
              summary="The orders that the caller may see", query=shapes.OrdersQuery, answer=CountedPage[shapes.Order], limit="rate_read"),
        Route(method="GET", path="/api/orders/{id}", operation="getOrder", handler=routes.page, permission=Permission.SEE_ORDERS, mode=Mode.FRESH, section=_ORDERS,
              summary="An order, as far as the caller may see it", query=placing_shapes.OrderKeyQuery, strangers=_KEYS, answer=shapes.Order, limit="rate_read", errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/orders/{id}", operation="changeOrder", spoken=True, handler=change_routes.amend, permission=Permission.AMEND_ORDERS, mode=Mode.WRITE,
              section=_ORDERS, summary="Add, change and take out lines of an order", body=change_shapes.ChangeOrder, query=placing_shapes.OrderKeyQuery, strangers=_KEYS, rules=change_routes.faults, answer=shapes.Order, key="optional",
              if_match=True, body_limit=MANY_BODY, errors=(*_STEP, errors.OutOfStock, errors.PriceChanged, errors.Stale, errors.WindowFull)),
        Route(method="GET", path="/api/orders/{id}/changes", operation="listOrderChanges", handler=history_routes.listed, permission=Permission.SEE_ORDERS, mode=Mode.FRESH,
              section=_ORDERS, summary="What has become of an order's lines, as far as the caller may see it", query=history_shapes.OrderChangesQuery, strangers=_KEYS,
              answer=CountedPage[history_shapes.OrderChange], limit="rate_read", errors=(errors.NotFound,)),
        Route(method="POST", path="/api/orders/{id}/lines/{line_id}/answer", operation="answerOrderLine", handler=change_routes.answer, permission=Permission.PLACE_ORDERS,
              mode=Mode.WRITE, section=_ORDERS, summary="Say whether one wants what the farm asks about", body=change_shapes.AnswerLine, rules=change_routes.answer_faults, query=placing_shapes.OrderKeyQuery, strangers=_KEYS,
              answer=shapes.Order, key="optional", may_match=True, errors=(*_STEP, errors.PriceChanged, errors.Stale, errors.WindowFull),
              description="A yes is to what its sender has read: with `If-Match`, or with `expected_total`, it is refused once the farm has weighed the line again; with neither, once that comes to more than it was first asked about with. A yes after `answer_by`, or once the goods have left their farm, is refused (409), and so is another answer than the one that was given; the same again is no fault."),
        Route(method="POST", path="/api/orders/{id}/cancel", operation="cancelOrder", handler=routes.cancel, permission=Permission.CANCEL_ORDERS, mode=Mode.WRITE, section=_ORDERS,
              summary="Cancel an order, or a farm's part of it", body=step_shapes.CancelOrder, query=placing_shapes.OrderKeyQuery, strangers=_KEYS, rules=routes.reason_faults, answer=shapes.Order, key="optional", errors=_STEP),
        Route(method="POST", path="/api/orders/{id}/parts/{farm_id}/status", operation="moveOrderPart", handler=routes.move, permission=Permission.FULFIL_ORDERS, mode=Mode.WRITE,
              section=_ORDERS, summary="Move a farm's part to its next status", body=step_shapes.MovePart, rules=routes.reason_faults, answer=shapes.Order, key="optional",
              errors=_STEP, description="The step with which goods leave their farm (`out_for_delivery`, `completed`) is a no to what their buyer is still asked about them: what was agreed on stays. That is a change of its own, with a version."),
        Route(method="POST", path="/api/orders/{id}/parts/{farm_id}/lines/{line_id}/short", operation="shortOrderLine", handler=change_routes.short, permission=Permission.FULFIL_ORDERS,
              mode=Mode.WRITE, section=_ORDERS, summary="Say how much of a line is short, and what comes in its place", body=change_shapes.ShortLine, rules=change_routes.short_faults,
              answer=shapes.Order, key="optional", errors=(*_STEP, errors.OutOfStock, errors.Conflict)),
        Route(method="POST", path="/api/orders/{id}/parts/{farm_id}/lines/{line_id}/weigh", operation="weighOrderLine", handler=change_routes.weigh, permission=Permission.FULFIL_ORDERS,
              mode=Mode.WRITE, section=_ORDERS, summary="Say what a line weighs", body=change_shapes.WeighLine, rules=change_routes.weigh_faults, answer=shapes.Order, key="optional",
              errors=(*_STEP, errors.Conflict)),
        Route(method="POST", path="/api/farms/{id}/weighings", operation="weighOrderLines", spoken=True, handler=weighing_routes.weigh, permission=Permission.FULFIL_ORDERS, mode=Mode.OWN,
              section=_ORDERS, summary="Say what many lines weigh, of any number of orders", body=change_shapes.Weighings, by_row="weighings", answer=change_shapes.WeighingResults,
              key="optional", body_limit=LONG_BODY, errors=(errors.NotFound,)),
    ),
    handlers={Queue("harvest.orders", ("order.created", "order.updated", "order.amended", "order.line_short", "order.cancelled", "order.expired", "account.deleted", "market_day.cancelled", "market_day.changed"), 50): QueueHandlers(
        each={"account.deleted": closing.sweep, "market_day.cancelled": closing.call_off, "market_day.changed": moved_windows.follow}, bulk=handlers.sell)},
    periodic=(Due("expiry", 1.0, expiry.release, next_due=expiry.next_due), Due(quoting.TASK, 1.0, quoting.end_all, next_due=quoting.next_due),
              Due("order answers", 10.0, expiry.settle, next_due=expiry.next_answer_due), Due("order details", 3600.0, retention.erase_old, next_due=retention.next_due)),
)  # fmt: skip
