"""What every change of an order stands on: its lock, its products as its buyer sees them, what is charged; and how it is stored with all that follows of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import attrs

from harvestd.kernel.errors import FieldError, NotFound, OutOfStock
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.quantities import shown
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.group_rules import Buyer
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.stock_rules import Held, Reshaping, demand, reshape
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.market.orders import (
    billing,
    change_rows,
    fulfilment_rows,
    stepping,
    windows,
)
from harvestd.market.orders.changes import Changed
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.order import OVER
from harvestd.market.orders.parties import Party, sees
from harvestd.market.orders.rows import Order
from harvestd.market.pricing import coupon_rows as coupons
from harvestd.market.pricing.billing_rules import Billing
from harvestd.runtime.failpoints import failpoint
from harvestd.unit_of_work import UnitOfWork


async def locked(unit: UnitOfWork, party: Party, order_id: str) -> tuple[Order, Standing]:
    """An order, locked; raises :class:`NotFound` for accounts that may not see it."""
    found = await fulfilment_rows.lock(unit.tx, order_id)
    if found is None or not sees(party, found[1]):
        raise NotFound("there is no such order")
    return found


async def seen(
    unit: UnitOfWork, order: Standing, keys: Sequence[tuple[str, str | None]], language: str = "", staff: bool = False
) -> Mapping[str, OnSale]:
    """Locked products, and packs of them, as the order's buyer sees them: at their prices."""
    found = await shelf_rows.see(unit.tx, [p for p, _ in keys], Buyer(viewer=order.buyer_id, staff=staff), language)
    return await with_packs(unit.tx, found, keys)


async def billed_by(unit: UnitOfWork, order: Standing, shelf: Mapping[str, OnSale], today: date) -> Billing:
    """What is charged today for what may be added; a farm that is new in the order delivers as the first of it does."""
    new = {product.farm_id for product in shelf.values()} - {part.farm_id for part in order.parts}
    way = (await fulfilment_rows.way(unit.tx, order.id)) if new else {}
    return await billing.of(unit, dict.fromkeys(sorted(new), way), today)


@attrs.frozen
class Concerned:
    """The locked reservations and products of an order that a change concerns; ``places`` are the products by where the request names them."""

    held: Sequence[Held]
    goods: Mapping[str, OnSale]
    places: Mapping[str, str]
    written_off: bool = False


async def store(
    unit: UnitOfWork, order: Standing, change: Changed, concerned: Concerned | None, actor_id: str | None, terms: Terms
) -> None:
    """Store a change with all that follows of it. Raises :class:`OutOfStock`, with an error for each place."""
    await failpoint("order.before_change")
    events = change.events
    holds: dict[str, datetime | None] = {}
    if concerned is not None:
        over = {part.farm_id for part in change.cancelled}
        ended = {*change.removed, *(h.line_id for h in concerned.held if h.farm_id in over)}
        to = Reshaping(wants=change.wants, ended=ended, added=_sums(change), written_off=concerned.written_off)
        _check(demand(concerned.held, to), concerned)
        effect = reshape(concerned.held, to, concerned.goods)
        await stock.apply(unit.tx, effect, unit.new_id, unit.now)
        events = (*stepping.with_families(events, effect.families), *effect.events)
        holds = _holds(order, change, concerned.held, unit.now, terms)
    await change_rows.store(unit.tx, order.id, change, holds, actor_id, unit.now)
    if stepping.gives_coupon_back(order, change.status):
        await coupons.give_back(unit.tx, order.id, unit.now)
    if any(part.window_id is not None for part in order.parts):
        await windows.settle(unit, order.id, _live(order, change))
    unit.record(*events)


def _live(order: Standing, change: Changed) -> set[str]:
    """The farms whose parts are not over after a change."""
    before = {part.farm_id for part in (*order.parts, *change.opened) if part.status not in OVER}
    return before - {part.farm_id for part in change.cancelled}


def _sums(change: Changed) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in change.added:
        found[line.product_id] += line.taken
    return dict(found)


def _check(needed: Mapping[str, Decimal], concerned: Concerned) -> None:
    """Raise :class:`OutOfStock` if more is needed of a product than is left."""
    lacking = {p: concerned.goods[p] for p, more in needed.items() if more > 0 and more > concerned.goods[p].pool}
    errors = tuple(_short(path, lacking[p]) for path, p in concerned.places.items() if p in lacking)
    if lacking:
        raise OutOfStock("less is left than you asked for; nothing was taken", errors)


def _short(path: str, product: OnSale) -> FieldError:
    left = max(product.pool, Decimal(0))
    message = f"only {said(left, product.unit)} of {product.title} left" if left else f"{product.title} is sold out"
    params = {"available": shown(left), "unit": product.unit, "product_id": product.id, "title": product.title}
    return FieldError(f"{path}.quantity", message, left, code="out-of-stock", params=params)


def _holds(order: Standing, change: Changed, held: Iterable[Held], now: datetime, terms: Terms) -> dict[str, datetime | None]:  # fmt: skip
    """Until when what is added is held for its farm to confirm it: as long as the rest of its part, or as of a new order; of a part that is confirmed, or waits for
    nothing, it is a sale as soon as that is processed."""
    found: dict[str, datetime | None] = {
        part.farm_id: now + terms.hold if terms.hold else None for part in change.opened
    }
    waiting = {part.farm_id for part in order.parts if part.status == "placed"}
    for one in held:
        if one.farm_id in waiting and one.state == "live" and one.until is not None:
            found[one.farm_id] = one.until
    return found
