"""The use case of amending an order: lines added, changed and taken out, by its buyer or for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import attrs

from harvestd.kernel.errors import Forbidden, Invalid
from harvestd.kernel.names import accept
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as carts
from harvestd.market.carts.rules import Item
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.orders import (
    changing,
    consent,
    cut_offs,
    fulfilment,
    minimum_rows,
    minimum_rules,
    windows,
)
from harvestd.market.orders.amending import amend
from harvestd.market.orders.amount_rules import check_terms
from harvestd.market.orders.change_telling import By
from harvestd.market.orders.changes import Changed
from harvestd.market.orders.edits import Amending, Edit
from harvestd.market.orders.fulfilment import Standing
from harvestd.market.orders.minimum_rules import Least
from harvestd.market.orders.parties import ROLE, Party
from harvestd.market.orders.placing_rules import Asked
from harvestd.market.pricing.charging_rules import least_orders
from harvestd.unit_of_work import UnitOfWork


@attrs.frozen(kw_only=True)
class Amendment:
    """What a request says of an order: its ``edits`` or, with ``of_cart``, what its buyer has in the cart besides; ``version`` is the one that it is about,
    which ``check`` compares with the present one. ``for_others`` is whether who asks may order for others."""

    edits: Sequence[Edit]
    of_cart: bool
    expected_total: int | None
    reason: str
    language: str
    staff_sight: bool
    check: Callable[[int], None]
    for_others: bool = False


@attrs.frozen
class ForBuyer:
    """That somebody else than the buyer had them agree to more: what the order came to before and after."""

    buyer_id: str | None
    before: int
    after: int


async def amend_order(
    unit: UnitOfWork, party: Party, order_id: str, wanted: Amendment, terms: Terms, today: date
) -> ForBuyer | None:
    """Add, change and take out lines of an order; returns what is for the audit, if anything is. Raises what :func:`amend` does, :class:`Stale`, :class:`OutOfStock` and :class:`PriceChanged`."""
    row, order = await changing.locked(unit, party, order_id)
    wanted.check(order.version)
    by, whose = _by(party, order, wanted.reason)
    cart_id, items = await _cart(unit, order, by, wanted)
    edits = [*wanted.edits, *(_of_item(i, item) for i, item in enumerate(items))]
    open_days = await cut_offs.open_days(unit.tx, order, unit.now)
    held = await stock.held(unit.tx, [order.id])
    goods, shelf = await _shelves(unit, order, edits, wanted)
    amending = Amending(
        by=by, whose=whose, shelf=shelf, terms=terms, now=unit.now, today=today, placed_at=row.placed_at, open_days=open_days,
        billing=await changing.billed_by(unit, order, shelf, today), for_buyer=by.actor == "admin" and wanted.for_others,
    )  # fmt: skip
    change = amend(order, edits, amending, [unit.new_id() for _ in edits])
    await _refuse_too_little(unit, order, change, amending, edits)
    _check_terms(order, change, items, shelf, terms, wanted.expected_total)
    if change is None:
        return None
    await windows.join(unit, order, change.opened, in_time=by.actor == "buyer")
    places = {edit.path: _product(order, edit) for edit in edits}
    await changing.store(unit, order, change, changing.Concerned(held, goods, places), party.user_id, terms)
    if cart_id is not None:
        carts.delete(unit.tx, cart_id)
    raised = amending.for_buyer and consent.raised(change.pairs)
    return ForBuyer(order.buyer_id, order.totals.total, change.totals.total) if raised else None


def _check_terms(
    order: Standing, change: Changed | None, items: Sequence[Item], shelf: Mapping[str, OnSale], terms: Terms, expected: int | None
) -> None:  # fmt: skip
    """Raise :class:`PriceChanged` if what is in the cart, or the total, is not what the buyer expects."""
    asked = [Asked(item.product_id, item.quantity, (i,), item.variant_id) for i, item in enumerate(items)]
    total = (order if change is None else change).totals.total
    check_terms(asked, shelf, {item.key: item.seen for item in items}, terms, expected, total)


async def _refuse_too_little(
    unit: UnitOfWork, order: Standing, change: Changed | None, amending: Amending, edits: Sequence[Edit]
) -> None:
    """Raise ``Invalid`` for a change that leaves what nobody could have ordered."""
    if change is None:
        return
    paths = {edit.line_id: edit.path for edit in edits if edit.line_id is not None}
    faults = [*minimum_rules.left_of_nothing(change, paths)]
    goods = minimum_rules.lessened(order, change) if amending.by.actor == "buyer" else {}
    if goods:
        least = await minimum_rows.of_order(unit.tx, order.id) | _of_opened(change, amending)
        faults += minimum_rules.left_too_little(goods, change.opened, least, amending.terms.currency)
    accept(*faults)


def _of_opened(change: Changed, amending: Amending) -> dict[str, Least]:
    """The least order of each farm that is new in an order."""
    farms, areas = {one.farm_id: one for one in amending.shelf.values()}, least_orders(amending.billing.ways)
    return {
        part.farm_id: Least(
            part.farm_id, part.farm_name, max(farms[part.farm_id].order_minimum, areas.get(part.farm_id, 0)),
            outside=part.farm_id in amending.billing.ways and amending.billing.ways[part.farm_id].outside,
        )
        for part in change.opened
    }  # fmt: skip


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
    goods = await shelf_rows.lock(unit.tx, [product_id for product_id, _ in keys])
    return goods, await changing.seen(unit, order, keys, wanted.language, wanted.staff_sight)


def _by(party: Party, order: Standing, reason: str) -> tuple[By, Sequence[str] | None]:
    """Who amends an order, and which parts of it; whoever is not its buyer says why."""
    actor, whose = fulfilment.acting(order, buyer=party.bought(order), staff=party.staff, farms=party.farms)
    if actor == "farm" and not whose:
        raise Forbidden(ROLE)
    if actor != "buyer" and not reason:
        raise Invalid.of("reason", "is needed, since the order is somebody else's", "required", reason="not-the-buyer")
    return By(actor=actor, reason=reason, farms=list(whose or ())), whose
