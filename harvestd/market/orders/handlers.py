"""Orders: reservations become sales."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.kernel.families import stale
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.stock_rules import settle
from harvestd.queue.envelope import Envelope
from harvestd.unit_of_work import UnitOfWork


async def sell(unit: UnitOfWork, events: Sequence[Envelope]) -> None:
    """Make sales of what these orders reserved: as soon as they are placed or, where they were placed to be confirmed by their farms
    (``order_confirmation = farm`` at that time), of the parts that their farm confirmed.

    All orders of a batch at once, so that their products are locked in one go and in id order, as everyone locks them. An
    order that was cancelled before has nothing live left, so nothing is sold.
    """
    ready = set(filter(None, map(_ready, events)))
    if not ready:
        return
    held = await stock.held(unit.tx, sorted({order_id for order_id, _ in ready}))
    due = [h for h in held if h.state == "live" and (h.order_id, h.farm_id if h.awaits_farm else None) in ready]
    shelf = await stock.lock(unit.tx, [h.product_id for h in due])
    effect = settle(due, shelf)
    await stock.apply(unit.tx, effect, unit.new_id, unit.now)
    if effect.families:  # the amount on hand and the number of sales are shown, too
        unit.record(stale(f"order:{due[0].order_id}", 1, *effect.families))


def _ready(event: Envelope) -> tuple[str, str | None] | None:
    """The order, and the farm where its part alone is meant, that an event may make ready to be sold."""
    if event.type == "order.created":
        return event.data["order_id"], None
    if event.type == "order.updated" and event.data["to"] == "confirmed":
        return event.data["order_id"], event.data["farm_id"]
    return None
