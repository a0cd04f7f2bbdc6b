"""Use cases that change an order's lines: amending it, shorts with what comes in their place, answers about these, and weighing.

All take their locks in the order in which every write about orders takes them: the order, its reservations, then products by id, then its coupon.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import attrs

from harvestd.kernel.errors import FieldError, Forbidden, Invalid, MarketError, NotFound, OutOfStock
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.quantities import shown
from harvestd.kernel.units import Amount
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as carts
from harvestd.market.carts.rules import Item
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.group_rules import Buyer
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.stock_rules import Held, Reshaping, demand, reshape
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.orders import (
    billing,
    change_rows,
    cut_offs,
    fulfilment,
    fulfilment_rows,
    shortage,
    weighing,
    windows,
)
from harvestd.market.orders.amending import Amending, Edit, amend
from harvestd.market.orders.changes import By, Changed
from harvestd.market.orders.fulfilment import Actor, Standing
from harvestd.market.orders.order import OVER
from harvestd.market.orders.parties import ROLE, Party, sees
from harvestd.market.orders.placing_rules import Asked, check_terms
from harvestd.market.orders.rows import Order
from harvestd.market.pricing import coupon_rows as coupons
from harvestd.market.pricing.billing_rules import Billing
from harvestd.runtime.failpoints import failpoint
from harvestd.unit_of_work import UnitOfWork


@attrs.frozen(kw_only=True)
class Amendment:
    """What a request says of an order: its ``edits`` or, with ``of_cart``, what its buyer has in the cart besides; ``version`` is the one that it is about,
    which ``check`` compares with the present one."""

    edits: Sequence[Edit]
    of_cart: bool
    expected_total: int | None
    reason: str
    language: str
    staff_sight: bool
    check: Callable[[int], None]


async def amend_order(
    unit: UnitOfWork, party: Party, order_id: str, wanted: Amendment, terms: Terms, today: date
) -> None:
    """Add, change and take out lines of an order. Raises what :func:`amend` does, :class:`Stale`, :class:`OutOfStock` and :class:`PriceChanged`."""
    row, order = await _locked(unit, party, order_id)
    wanted.check(order.version)
    by, whose = _by(party, order, wanted.reason)
    cart_id, items = await _cart(unit, order, by, wanted)
    edits = [*wanted.edits, *(_of_item(i, item) for i, item in enumerate(items))]
    open_days = await cut_offs.open_days(unit.tx, order, unit.now)
    held = await stock.held(unit.tx, [order.id])
    goods, shelf = await _shelves(unit, order, edits, wanted)
    amending = Amending(
        by=by, whose=whose, shelf=shelf, terms=terms, today=today, placed_at=row.placed_at, billing=await _billing(unit, order, shelf, today), open_days=open_days
    )  # fmt: skip
    change = amend(order, edits, amending, [unit.new_id() for _ in edits])
    asked = [Asked(item.product_id, item.quantity, (i,), item.variant_id) for i, item in enumerate(items)]
    total = (order if change is None else change).totals.total
    check_terms(asked, shelf, {item.key: item.seen for item in items}, terms, wanted.expected_total, total)
    if change is None:
        return
    places = {edit.path: _product(order, edit) for edit in edits}
    await _store(unit, order, change, _Stock(held, goods, places), party.user_id, terms)
    if cart_id is not None:
        carts.delete(unit.tx, cart_id)


def _product(order: Standing, edit: Edit) -> str:
    return edit.product_id or next((line.product_id for line in order.lines if line.id == edit.line_id), "")


async def _cart(unit: UnitOfWork, order: Standing, by: By, wanted: Amendment) -> tuple[str | None, Sequence[Item]]:
    """The buyer's cart, locked, if it is to be added."""
    if not wanted.of_cart:
        return None, ()
    if by.actor != "buyer":
        raise Invalid.of("cart", "is only for the buyer of the order", "not-accepted", reason="buyers-own")
    cart = await carts.lock(unit.tx, order.buyer_id, None)
    items = [] if cart is None else await item_rows.items(unit.tx, cart.id)
    if cart is None or not items:
        raise Invalid.of("cart", "is empty; put products in, or name them in lines", "required", reason="cart-empty")
    return cart.id, items


def _of_item(i: int, item: Item) -> Edit:
    return Edit(
        path=f"lines[{i}]", product_id=item.product_id, variant_id=item.variant_id, quantity=item.quantity,
        substitution=item.wish.substitution, note=item.wish.note,
    )  # fmt: skip


async def _shelves(
    unit: UnitOfWork, order: Standing, edits: Sequence[Edit], wanted: Amendment
) -> tuple[dict[str, OnSale], Mapping[str, OnSale]]:
    """The products that a change may concern, locked; and what of them its buyer sees, at their prices."""
    named = {edit.line_id for edit in edits}
    lines = [x for x in order.lines if x.id in named or x.replaces in named or x.proposed]
    keys = [
        *((x.product_id, x.variant_id) for x in lines),
        *((e.product_id, e.variant_id) for e in edits if e.product_id),
    ]
    goods = await stock.lock(unit.tx, [product_id for product_id, _ in keys])
    return goods, await _seen(unit, order, keys, wanted.language, wanted.staff_sight)


async def _seen(
    unit: UnitOfWork, order: Standing, keys: Sequence[tuple[str, str | None]], language: str = "", staff: bool = False
) -> Mapping[str, OnSale]:
    """Locked products, and packs of them, as the order's buyer sees them: at their prices."""
    found = await stock.see(unit.tx, [p for p, _ in keys], Buyer(viewer=order.buyer_id, staff=staff), language)
    return await with_packs(unit.tx, found, keys)


@attrs.frozen(kw_only=True)
class Short:
    """What a farm says is short of a line, and what is to come in its place: product, pack size and quantity."""

    quantity: Decimal
    substitute: tuple[str, str | None, Decimal] | None = None
    reason: str = ""


async def short(
    unit: UnitOfWork, party: Party, order_id: str, farm_id: str, line_id: str, said: Short, terms: Terms, today: date
) -> None:  # fmt: skip
    """Note that a line is short. Raises what :func:`shortage.short` does, and :class:`OutOfStock` for what is to come in its place."""
    row, order = await _locked(unit, party, order_id)
    by = _of_farm(party, order, farm_id, said.reason)
    line = shortage.line_in(order, farm_id, line_id)
    held = await stock.held(unit.tx, [order.id])
    replaced = [x.product_id for x in order.lines if x.replaces == line_id]
    more = [] if said.substitute is None else [said.substitute[0]]
    goods = await stock.lock(unit.tx, [line.product_id, *replaced, *more])
    substitute: shortage.Substitute | None = None
    shelf: Mapping[str, OnSale] = {}
    if said.substitute is not None:
        product_id, variant_id, quantity = said.substitute
        shelf = await _seen(unit, order, [(product_id, variant_id)])
        substitute = shortage.Substitute(shelf.get(key(product_id, variant_id)), quantity, unit.new_id())
    charges = await _billing(unit, order, shelf, today)
    shorting = shortage.Shorting(
        by=by, terms=terms, now=unit.now, today=today, placed_at=row.placed_at, billing=charges
    )
    change = shortage.short(order, farm_id, line_id, said.quantity, substitute, shorting)
    if change is not None:
        places = {} if said.substitute is None else {"substitute": said.substitute[0]}
        await _store(unit, order, change, _Stock(held, goods, places, written_off=True), party.user_id, terms)


async def _billing(unit: UnitOfWork, order: Standing, shelf: Mapping[str, OnSale], today: date) -> Billing:
    """What is charged today for what may be added; a farm that is new in the order delivers as the first of it does."""
    new = {product.farm_id for product in shelf.values()} - {part.farm_id for part in order.parts}
    way = (await fulfilment_rows.way(unit.tx, order.id)) if new else {}
    return await billing.of(unit, dict.fromkeys(sorted(new), way), today)


async def weigh(
    unit: UnitOfWork, party: Party, order_id: str, farm_id: str, weights: Mapping[str, Amount], terms: Terms
) -> None:
    """Note what lines of a farm's part weigh. Raises what :func:`weighing.weigh` does."""
    row, order, by = await _of_part(unit, party, order_id, farm_id)
    await _weigh(unit, row, order, farm_id, weights, by, party, terms)


async def _of_part(unit: UnitOfWork, party: Party, order_id: str, farm_id: str) -> tuple[Order, Standing, By]:
    row, order = await _locked(unit, party, order_id)
    return row, order, _of_farm(party, order, farm_id, "")


async def _weigh(
    unit: UnitOfWork, row: Order, order: Standing, farm_id: str, weights: Mapping[str, Amount], by: By, party: Party, terms: Terms
) -> frozenset[str]:  # fmt: skip
    """Weigh lines of a locked order; returns those whose weight was another."""
    change = weighing.weigh(
        order, farm_id, weights, weighing.Weighing(by=by, terms=terms, now=unit.now, placed_at=row.placed_at)
    )
    if change is None:
        return frozenset()
    await _store(unit, order, change, None, party.user_id, terms)
    return frozenset(change.wants)


@attrs.frozen
class Weighed:
    """What came of a row: whether the line has another weight by it, and why it has not."""

    changed: bool = False
    refused: MarketError | None = None


async def weigh_some(
    unit: UnitOfWork, party: Party, order_id: str, farm_id: str, rows: Sequence[tuple[str, Amount]], terms: Terms
) -> list[Weighed]:
    """Note what some lines of one order weigh, all that can be in one change; returns what came of each row."""
    try:
        row, order, by = await _of_part(unit, party, order_id, farm_id)
    except MarketError as refused:
        return [Weighed(refused=refused)] * len(rows)
    tried = weighing.Weighing(by=by, terms=terms, now=unit.now, placed_at=row.placed_at)
    found = [weighing.refusal(order, farm_id, line_id, scale, tried) for line_id, scale in rows]
    weights = {line_id: scale for (line_id, scale), no in zip(rows, found, strict=True) if no is None}
    changed = await _weigh(unit, row, order, farm_id, weights, by, party, terms) if weights else frozenset()
    return [Weighed(line_id in changed, no) for (line_id, _), no in zip(rows, found, strict=True)]


async def answer(unit: UnitOfWork, party: Party, order_id: str, line_id: str, accepted: bool, terms: Terms) -> None:
    """Settle what the buyer is asked about a line, by their answer."""
    row, order = await _locked(unit, party, order_id)
    if not party.bought(order):
        raise Forbidden("only the buyer of this order answers")
    await _settle(unit, row, order, line_id, accepted, By(actor="buyer"), terms)


async def lapse(unit: UnitOfWork, order_id: str, terms: Terms) -> None:
    """Settle what nobody answered in time: without an answer it is a no."""
    for line_id in await _unanswered(unit, order_id):
        found = await fulfilment_rows.lock(unit.tx, order_id)
        if found is not None:
            await _settle(unit, *found, line_id, False, By(actor="clock", reason="nobody answered in time"), terms)


async def _unanswered(unit: UnitOfWork, order_id: str) -> list[str]:
    found = await fulfilment_rows.lock(unit.tx, order_id)
    return [] if found is None else shortage.waiting(found[1], unit.now)


async def _settle(unit: UnitOfWork, row: Order, order: Standing, line_id: str, accepted: bool, by: By, terms: Terms) -> None:  # fmt: skip
    change = shortage.answer(order, line_id, accepted, by, row.placed_at)
    if change is None:
        return
    held = await stock.held(unit.tx, [order.id])
    gone = {*change.removed, *(h.line_id for h in held if h.farm_id in {part.farm_id for part in change.cancelled})}
    goods = await stock.lock(unit.tx, [h.product_id for h in held if h.line_id in gone])
    await _store(unit, order, change, _Stock(held, goods, {}), order.buyer_id if by.actor == "buyer" else None, terms)


async def _locked(unit: UnitOfWork, party: Party, order_id: str) -> tuple[Order, Standing]:
    """An order, locked; raises :class:`NotFound` for accounts that may not see it."""
    found = await fulfilment_rows.lock(unit.tx, order_id)
    if found is None or not sees(party, found[1]):
        raise NotFound("there is no such order")
    return found


def _by(party: Party, order: Standing, reason: str) -> tuple[By, Sequence[str] | None]:
    """Who amends an order, and which parts of it; whoever is not its buyer says why."""
    actor, whose = fulfilment.acting(order, buyer=party.bought(order), staff=party.staff, farms=party.farms)
    if actor == "farm" and not whose:
        raise Forbidden(ROLE)
    if actor != "buyer" and not reason:
        raise Invalid.of("reason", "is needed, since the order is somebody else's", "required", reason="not-the-buyer")
    return By(actor=actor, reason=reason, farms=list(whose or ())), whose


def _of_farm(party: Party, order: Standing, farm_id: str, reason: str) -> By:
    """The farm, or the market's staff in its stead; raises :class:`NotFound` for a part that is not theirs to see."""
    mine = farm_id in party.farms
    if farm_id not in {part.farm_id for part in order.parts} or not (farm_id in party.sees or party.staff):
        raise NotFound("this order has no such part of yours")
    if not (mine or party.staff):
        raise Forbidden(ROLE)
    actor: Actor = "farm" if mine else "admin"
    return By(actor=actor, reason=reason, farms=[farm_id] if mine else ())


@attrs.frozen
class _Stock:
    """The locked reservations and products of an order that a change concerns; ``places`` are the products by where the request names them."""

    held: Sequence[Held]
    goods: Mapping[str, OnSale]
    places: Mapping[str, str]
    written_off: bool = False


async def _store(
    unit: UnitOfWork, order: Standing, change: Changed, concerned: _Stock | None, actor_id: str | None, terms: Terms
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
        events = (*fulfilment.with_families(events, effect.families), *effect.events)
        holds = _holds(order, change, concerned.held, unit.now, terms)
    await change_rows.store(unit.tx, order.id, change, holds, actor_id, unit.now)
    if fulfilment.gives_coupon_back(order, change.status):
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


def _check(needed: Mapping[str, Decimal], concerned: _Stock) -> None:
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
