"""Use cases of orders, one function each, for every caller: checkout, cancellation, a farm's status step, and the end of a hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Forbidden, Invalid, NotFound
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as carts
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.catalogue.stock_rules import give_back
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.market.farms import rows as farms
from harvestd.market.orders import (
    billing,
    delivery_rules,
    fulfilment,
    fulfilment_rows,
    placing,
    placing_rows,
    quote_rows,
    quote_rules,
    quote_use,
)
from harvestd.market.orders.fulfilment import Moved, Standing, told
from harvestd.market.orders.order import OVER, Placed
from harvestd.market.orders.parties import ROLE, Party, sees
from harvestd.market.orders.placing_rules import Wanted
from harvestd.market.pricing import coupon_rows as coupons
from harvestd.market.pricing.amounts import Discount
from harvestd.market.pricing.billing_rules import Billing
from harvestd.runtime.failpoints import failpoint
from harvestd.unit_of_work import UnitOfWork

NOTHING_HELD: Mapping[str, Decimal] = {}


@attrs.frozen(kw_only=True)
class Ordering:
    """A buyer's checkout request. ``lines`` is None for those of their cart; ``ways`` are the fulfilment methods; ``wrong`` are faults
    already found in the rest of the request, to be reported together with all others; ``staff`` may order what not everybody sees; ``language`` is that
    in which its buyer sees titles; ``coupon`` is the code of one, empty for none; ``quote_id`` is what it is of instead of lines.
    ``buyer_id`` is empty for a guest who asks what an order would be, whose cart has the token with this hash."""

    buyer_id: str
    lines: Sequence[Wanted] | None
    ways: Sequence[delivery_rules.Way]
    note: str
    expected_total: int | None
    wrong: Sequence[FieldError] = ()
    language: str = ""
    staff: bool = False
    coupon: str = ""
    quote_id: str | None = None
    token_hash: bytes | None = None

    @property
    def holder(self) -> quote_use.Holder:
        """Whose cart and whose quotes they are: the buyer's, or, before they sign in, those of whoever has the token."""
        return quote_use.Holder(self.buyer_id or None, self.token_hash)


async def place(
    unit: UnitOfWork, ordering: Ordering, terms: Terms, today: date
) -> tuple[Placed, dict[str, dict[str, Any]]]:
    """Place an order; returns it, with the fulfilment of each farm's part. Raises what :func:`placing.place` does."""
    if ordering.quote_id is not None:
        return await place_quoted(unit, ordering, await quote_use.lock(unit, ordering.quote_id, ordering.holder), terms)
    cart, wanted, seen = await wanted_of(unit, ordering)
    number, shelf = await _locked(unit, ordering, wanted)
    ways, charged, wrong = await terms_of(unit, ordering, wanted, shelf, today)
    if ordering.coupon and not ordering.wrong:
        discount, unusable = await billing.take(unit, ordering.coupon, ordering.buyer_id, today)
        charged, wrong = attrs.evolve(charged, discount=discount), [*wrong, *([unusable] if unusable else [])]
    order = placing.place(
        wanted, shelf, terms, order_id=unit.new_id(), number=number, buyer_id=ordering.buyer_id,
        line_ids=[unit.new_id() for _ in wanted], now=unit.now, today=today, expected_total=ordering.expected_total, seen=seen,
        of_cart=ordering.lines is None, also=wrong, billing=charged,
    )  # fmt: skip
    return await _stored(unit, ordering, terms, order, ways, charged.discount, cart.id if cart is not None else None)


async def place_quoted(
    unit: UnitOfWork, ordering: Ordering, quote: quote_use.Used, terms: Terms
) -> tuple[Placed, dict[str, dict[str, Any]]]:
    """Place an order of a locked quote: what it holds, at its prices and charges, as of the day on which it was asked for."""
    content, wanted, wrong = quote.content, [one.wanted for one in quote.content.lines], [*ordering.wrong]
    number, shelf = await _locked(unit, ordering, wanted, quote.held)
    discount = None
    if content.coupon:
        discount, unusable = await billing.take(unit, content.coupon, ordering.buyer_id, quote.day)
        wrong += [unusable] if unusable else []
    order = placing.place(
        wanted, quote_rules.as_quoted(shelf, content), terms, order_id=unit.new_id(), number=number, buyer_id=ordering.buyer_id,
        line_ids=[unit.new_id() for _ in wanted], now=unit.now, today=quote.day, expected_total=ordering.expected_total,
        seen=content.seen, also=wrong, billing=content.billing,
    )  # fmt: skip
    quote_rows.use_up(unit.tx, quote.id, quote.held)
    return await _stored(unit, ordering, terms, order, content.ways, discount, quote.cart_id)


async def _locked(
    unit: UnitOfWork, ordering: Ordering, wanted: Sequence[Wanted], held: Mapping[str, Decimal] = NOTHING_HELD
) -> tuple[str, Mapping[str, OnSale]]:
    """An order number, and what is wanted, locked; what is ``held`` for this order is there for it."""
    ids = [one.product_id for one in wanted]
    number, locked = await stock.lock_for_order(unit.tx, ids, ordering.buyer_id, ordering.staff, ordering.language)
    there = quote_rules.without(locked, held) if held else locked
    return number, await with_packs(unit.tx, there, [(one.product_id, one.variant_id) for one in wanted])


async def _stored(
    unit: UnitOfWork, ordering: Ordering, terms: Terms, order: Placed, ways: dict[str, dict[str, Any]], discount: Discount | None,
    cart_id: str | None,
) -> tuple[Placed, dict[str, dict[str, Any]]]:  # fmt: skip
    placing_rows.insert(unit.tx, order, terms.currency, ways, ordering.note, cart_id)
    if discount is not None:
        coupons.used(unit.tx, order.id, discount.coupon_id, ordering.buyer_id)
    if cart_id is not None:
        carts.delete(unit.tx, cart_id)
    unit.record(*order.events)
    await failpoint("order.before_commit")
    return order, ways


async def wanted_of(
    unit: UnitOfWork, ordering: Ordering, *, lock: bool = True
) -> tuple[carts.Found | None, Sequence[Wanted], dict[str, Agreed]]:
    """The cart, if it is being ordered; the wanted lines; and the terms agreed to, by what the line is of, where known."""
    if ordering.lines is not None:
        return None, ordering.lines, {}
    of = ordering.holder.user_id, ordering.holder.token_hash
    cart = await (carts.lock(unit.tx, *of) if lock else carts.find(unit.tx, *of))
    if cart is None:
        return None, [], {}
    items = await item_rows.items(unit.tx, cart.id)
    wanted = [Wanted(item.product_id, item.quantity, item.variant_id) for item in items]
    return cart, wanted, {item.key: item.seen for item in items}


async def terms_of(
    unit: UnitOfWork, ordering: Ordering, wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], today: date
) -> tuple[dict[str, dict[str, Any]], Billing, list[FieldError]]:
    """The fulfilment of each farm's part, what is charged for it and beside it, and the faults outside the lines."""
    ways, wrong = await _ways(unit, ordering, [shelf.get(one.product_id) for one in wanted])
    charged = await billing.of(unit, ways, today)
    return ways, charged, [*wrong, *billing.outside(charged, ordering.ways, [*shelf.values()])]


async def _ways(
    unit: UnitOfWork, ordering: Ordering, shelf: Sequence[OnSale | None]
) -> tuple[dict[str, dict[str, Any]], list[FieldError]]:
    """The fulfilment of each farm's part, and the faults outside the lines. For a product that does not exist, or is not
    shown, the farm is not disclosed."""
    there = [product for product in shelf if product is not None and product.status == "published"]
    if ordering.wrong or not there or len(there) < len(shelf):
        return {}, [*ordering.wrong]
    known = {product.farm_id: delivery_rules.Farm(product.farm_name) for product in there}
    if any(way.pickup_point_id is not None for way in ordering.ways):
        points = await farms.pickup_points(unit.tx, sorted(known))
        known = {farm_id: delivery_rules.Farm(farm.name, points.get(farm_id, ())) for farm_id, farm in known.items()}
    try:
        return delivery_rules.chosen(known, ordering.ways), []
    except Invalid as refused:
        return {}, [*refused.errors]


async def cancel(unit: UnitOfWork, party: Party, order_id: str, reason: str) -> None:
    """Cancel an order: a buyer the whole, a farm its part, staff the whole."""
    order = await _standing(unit, party, order_id)
    if not (party.staff or party.user_id == order.buyer_id or any(part.farm_id in party.farms for part in order.parts)):
        raise Forbidden(ROLE)
    actor, whose = fulfilment.acting(order, buyer=party.user_id == order.buyer_id, staff=party.staff, farms=party.farms)
    await _step(unit, order, fulfilment.cancel(order, whose, actor, reason), party.user_id)


async def move(unit: UnitOfWork, party: Party, order_id: str, farm_id: str, to: str, reason: str) -> None:
    """Move a farm's part to its next status."""
    order = await _standing(unit, party, order_id)
    mine, seen = farm_id in party.farms, farm_id in party.sees
    if farm_id not in {part.farm_id for part in order.parts} or not (seen or party.staff):
        raise NotFound("this order has no such part of yours")
    if not (mine or party.staff):
        raise Forbidden(ROLE)
    await _step(unit, order, fulfilment.move(order, farm_id, to, "farm" if mine else "admin", reason), party.user_id)


async def withdraw(unit: UnitOfWork, order_id: str, reason: str) -> None:
    """Cancel an order in its buyer's stead, as far as it can still be cancelled."""
    found = await fulfilment_rows.lock(unit.tx, order_id)
    if found is not None and fulfilment.can_cancel(found[1], None, "buyer"):
        await _step(unit, found[1], fulfilment.cancel(found[1], None, "buyer", reason), found[1].buyer_id)


async def expire(unit: UnitOfWork, order_id: str) -> None:
    """Expire the parts that no farm has confirmed, if there still are any."""
    found = await fulfilment_rows.lock(unit.tx, order_id)
    moved = fulfilment.expire(found[1]) if found else None
    if found is not None and moved is not None:
        await _step(unit, found[1], moved, None)


async def _standing(unit: UnitOfWork, party: Party, order_id: str) -> Standing:
    """The order, locked; raises :class:`NotFound` for accounts that may not see it."""
    found = await fulfilment_rows.lock(unit.tx, order_id)
    if found is None or not sees(party, found[1]):
        raise NotFound("there is no such order")
    return found[1]


async def _step(unit: UnitOfWork, before: Standing, moved: Moved, actor_id: str | None) -> None:
    """Store a step of a locked order; if it ends parts, the stock that they reserved or bought goes back on sale."""
    await failpoint("order.before_step")
    await fulfilment_rows.move(unit.tx, before, moved, actor_id, unit.now)
    if moved.to not in OVER:
        unit.record(*told(moved))
        return
    held = [h for h in await stock.held(unit.tx, [before.id]) if h.farm_id in moved.farms]
    shelf = await stock.lock(unit.tx, [h.product_id for h in held])
    effect = give_back(held, shelf, expired=moved.to == "expired")
    await stock.apply(unit.tx, effect, unit.new_id, unit.now)
    if fulfilment.gives_coupon_back(before, moved.status):
        await coupons.give_back(unit.tx, before.id, unit.now)
    unit.record(*told(moved, effect.families), *effect.events)
