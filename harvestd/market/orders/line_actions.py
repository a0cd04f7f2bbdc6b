"""Use cases of an order's lines as they are packed: what is short, what comes in its place, and what it weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import attrs

from harvestd.kernel.errors import Forbidden, MarketError, NotFound
from harvestd.kernel.units import Amount
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.orders import changing, shortage, weighing
from harvestd.market.orders.change_telling import By
from harvestd.market.orders.fulfilment import Actor, Standing
from harvestd.market.orders.parties import ROLE, Party
from harvestd.market.orders.rows import Order
from harvestd.unit_of_work import UnitOfWork


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
    row, order = await changing.locked(unit, party, order_id)
    by = _of_farm(party, order, farm_id, said.reason)
    line = shortage.line_in(order, farm_id, line_id)
    held = await stock.held(unit.tx, [order.id])
    replaced = [x.product_id for x in order.lines if x.replaces == line_id]
    more = [] if said.substitute is None else [said.substitute[0]]
    goods = await shelf_rows.lock(unit.tx, [line.product_id, *replaced, *more])
    substitute: shortage.Substitute | None = None
    shelf: Mapping[str, OnSale] = {}
    if said.substitute is not None:
        product_id, variant_id, quantity = said.substitute
        shelf = await changing.seen(unit, order, [(product_id, variant_id)])
        substitute = shortage.Substitute(shelf.get(key(product_id, variant_id)), quantity, unit.new_id())
    charges = await changing.billed_by(unit, order, shelf, today)
    shorting = shortage.Shorting(
        by=by, terms=terms, now=unit.now, today=today, placed_at=row.placed_at, billing=charges
    )
    change = shortage.short(order, farm_id, line_id, said.quantity, substitute, shorting)
    if change is not None:
        places = {} if said.substitute is None else {"substitute": said.substitute[0]}
        await changing.store(
            unit, order, change, changing.Concerned(held, goods, places, written_off=True), party.user_id, terms
        )


async def weigh(
    unit: UnitOfWork, party: Party, order_id: str, farm_id: str, weights: Mapping[str, Amount], terms: Terms
) -> None:
    """Note what lines of a farm's part weigh. Raises what :func:`weighing.weigh` does."""
    row, order, by = await _of_part(unit, party, order_id, farm_id)
    await _weigh(unit, row, order, farm_id, weights, by, party, terms)


async def _of_part(unit: UnitOfWork, party: Party, order_id: str, farm_id: str) -> tuple[Order, Standing, By]:
    row, order = await changing.locked(unit, party, order_id)
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
    await changing.store(unit, order, change, None, party.user_id, terms)
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


def _of_farm(party: Party, order: Standing, farm_id: str, reason: str) -> By:
    """The farm, or the market's staff in its stead; raises :class:`NotFound` for a part that is not theirs to see."""
    mine = farm_id in party.farms
    if farm_id not in {part.farm_id for part in order.parts} or not (farm_id in party.sees or party.staff):
        raise NotFound("this order has no such part of yours")
    if not (mine or party.staff):
        raise Forbidden(ROLE)
    actor: Actor = "farm" if mine else "admin"
    return By(actor=actor, reason=reason, farms=[farm_id] if mine else ())
