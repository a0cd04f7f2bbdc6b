"""Use cases of orders that are placed, one function each, for every caller: cancellation, a farm's status step, and the end of a hold."""

from __future__ import annotations

from harvestd.kernel.errors import Forbidden, NotFound
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.stock_rules import give_back
from harvestd.market.orders import (
    answer_actions,
    changing,
    cut_offs,
    fulfilment,
    fulfilment_rows,
    stepping,
    windows,
)
from harvestd.market.orders.fulfilment import Actor, Standing
from harvestd.market.orders.order import OVER
from harvestd.market.orders.parties import ROLE, Party
from harvestd.market.orders.stepping import Moved, told
from harvestd.market.pricing import coupon_rows as coupons
from harvestd.runtime.failpoints import failpoint
from harvestd.unit_of_work import UnitOfWork


async def cancel(unit: UnitOfWork, party: Party, order_id: str, reason: str) -> None:
    """Cancel an order: a buyer the whole, a farm its part, staff the whole."""
    _, order = await changing.locked(unit, party, order_id)
    if not (party.staff or party.bought(order) or any(part.farm_id in party.farms for part in order.parts)):
        raise Forbidden(ROLE)
    actor, whose = fulfilment.acting(order, buyer=party.bought(order), staff=party.staff, farms=party.farms)
    open_days = await cut_offs.open_days(unit.tx, order, unit.now) if actor == "buyer" else fulfilment.NO_DAYS
    await _step(unit, order, stepping.cancel(order, whose, actor, reason, open_days), party.user_id)


async def move(unit: UnitOfWork, party: Party, order_id: str, farm_id: str, to: str, reason: str) -> None:
    """Move a farm's part to its next status."""
    row, order = await changing.locked(unit, party, order_id)
    mine, seen = farm_id in party.farms, farm_id in party.sees
    if farm_id not in {part.farm_id for part in order.parts} or not (seen or party.staff):
        raise NotFound("this order has no such part of yours")
    if not (mine or party.staff):
        raise Forbidden(ROLE)
    actor: Actor = "farm" if mine else "admin"
    fulfilment.require_step(order, farm_id, to)
    order = await answer_actions.leave(unit, row, order, farm_id, to, actor, party.user_id)
    await _step(unit, order, stepping.move(order, farm_id, to, actor, reason), party.user_id)


async def withdraw(unit: UnitOfWork, order_id: str, reason: str) -> None:
    """Cancel an order in its buyer's stead, as far as it can still be cancelled."""
    found = await fulfilment_rows.lock(unit.tx, order_id)
    if found is not None and fulfilment.can_cancel(found[1], None, "buyer"):
        await _step(unit, found[1], stepping.cancel(found[1], None, "buyer", reason), found[1].buyer_id)


async def call_off(unit: UnitOfWork, order_id: str, day_id: str, day: str, reason: str) -> None:
    """Cancel the parts of an order that are for a market day, as far as they can still be cancelled."""
    found = await fulfilment_rows.lock(unit.tx, order_id)
    if found is None:
        return
    at = await windows.of_day(unit, day_id)
    farms = [part.farm_id for part in found[1].parts if part.window_id in at and part.status in fulfilment.CANCELLABLE]
    if farms:
        await _step(unit, found[1], stepping.call_off(found[1], farms, reason, day_id, day), None)


async def expire(unit: UnitOfWork, order_id: str) -> None:
    """Expire the parts that no farm has confirmed, if there still are any."""
    found = await fulfilment_rows.lock(unit.tx, order_id)
    moved = stepping.expire(found[1]) if found else None
    if found is not None and moved is not None:
        await _step(unit, found[1], moved, None)


async def _step(unit: UnitOfWork, before: Standing, moved: Moved, actor_id: str | None) -> None:
    """Store a step of a locked order; if it ends parts, the stock that they reserved or bought goes back on sale."""
    await failpoint("order.before_step")
    await fulfilment_rows.move(unit.tx, before, moved, actor_id, unit.now)
    if moved.to not in OVER:
        unit.record(*told(moved))
        return
    held = [h for h in await stock.held(unit.tx, [before.id]) if h.farm_id in moved.farms]
    shelf = await shelf_rows.lock(unit.tx, [h.product_id for h in held])
    effect = give_back(held, shelf, expired=moved.to == "expired")
    await stock.apply(unit.tx, effect, unit.new_id, unit.now)
    if stepping.gives_coupon_back(before, moved.status):
        await coupons.give_back(unit.tx, before.id, unit.now)
    if any(part.window_id is not None for part in before.parts):
        live = {part.farm_id for part in before.parts if part.status not in OVER} - {*moved.farms}
        await windows.settle(unit, before.id, live)
    unit.record(*told(moved, effect.families), *effect.events)
