"""Orders: turning stock reservations into sales."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.kernel.families import stale
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.stock_rules import settle
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork


async def sell(unit: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Turn these orders' reservations into sales: as soon as they are placed or, if ``order_confirmation`` was ``farm`` at that
    time, for each part once its farm has confirmed it. What is added to an order later is a sale at once, unless its part waits for its farm.

    A batch is processed as a whole, so that its products are locked at once and in id order, the order that every transaction uses.
    An order that was cancelled before has no live reservations left, so nothing is sold.
    """
    ready = set(filter(None, map(_ready, events)))
    if not ready:
        return
    held = await stock.held(unit.tx, sorted({order_id for order_id, _ in ready}))
    due = [h for h in held if h.state == "live" and (h.order_id, h.farm_id if h.awaits_farm else None) in ready]
    shelf = await shelf_rows.lock(unit.tx, [h.product_id for h in due])
    effect = settle(due, shelf)
    await stock.apply(unit.tx, effect, unit.new_id, unit.now)
    if effect.families:  # pages show the stock level and the number of sales, too
        unit.record(stale(f"order:{due[0].order_id}", 1, *effect.families))


def _ready(event: Envelope) -> tuple[str, str | None] | None:
    """The order, and the farm if only its part is meant, that an event may turn into a sale."""
    if event.type in ("order.created", "order.amended", "order.line_short"):  # which may have lines that are new
        return event.data["order_id"], None
    if event.type == "order.updated" and event.data["to"] == "confirmed":
        return event.data["order_id"], event.data["farm_id"]
    return None
