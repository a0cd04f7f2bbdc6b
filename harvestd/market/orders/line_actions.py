"""Use cases of an order's lines as they are packed: what is short, what comes in its place, what it weighs, and what its buyer answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import attrs

from harvestd.kernel.errors import Forbidden, MarketError, NotFound
from harvestd.kernel.units import Amount
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.variant_rules import key
from harvestd.market.orders import (
    answer_rows,
    answering,
    changing,
    fulfilment_rows,
    shortage,
    weighing,
)
from harvestd.market.orders.changes import By
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
    goods = await stock.lock(unit.tx, [line.product_id, *replaced, *more])
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


@attrs.frozen(kw_only=True)
class Given:
    """What a request answers: yes or no, and what it comes to by it. ``named`` is whether it names the version that it is about, which ``check`` compares with
    the present one."""

    yes: bool
    expected_total: int | None
    named: bool
    check: Callable[[int], None]

    @property
    def names_nothing(self) -> bool:
        """Whether it is a yes that does not say to what."""
        return self.yes and not self.named and self.expected_total is None


async def answer(unit: UnitOfWork, party: Party, order_id: str, line_id: str, given: Given, terms: Terms) -> None:
    """Settle what the buyer is asked about a line, by their answer. Raises what :func:`answering.answer` does, and :class:`Stale`."""
    row, order = await changing.locked(unit, party, order_id)
    if not party.bought(order):
        raise Forbidden("only the buyer of this order answers")
    asked = any(line.id == line_id and line.answer_by is not None for line in order.lines)
    said = first = None
    if asked:
        given.check(order.version)
        if given.names_nothing:
            first = await answer_rows.first_asked(unit.tx, order.id, line_id)
    else:
        said = await answer_rows.said(unit.tx, order.id, line_id)
    answered = answering.Answer(
        yes=given.yes, said=said, expected_total=given.expected_total, named=given.named, first_asked=first
    )
    await _settle(unit, row, order, line_id, answered, By(actor="buyer"), terms)


async def lapse(unit: UnitOfWork, order_id: str, terms: Terms) -> None:
    """Settle what nobody answered in time: without an answer it is a no."""
    for line_id in await _unanswered(unit, order_id):
        found = await fulfilment_rows.lock(unit.tx, order_id)
        if found is not None:
            by = By(actor="clock", reason="nobody answered in time")
            await _settle(unit, *found, line_id, answering.NO, by, terms)


async def _unanswered(unit: UnitOfWork, order_id: str) -> list[str]:
    found = await fulfilment_rows.lock(unit.tx, order_id)
    return [] if found is None else answering.waiting(found[1], unit.now)


async def _settle(
    unit: UnitOfWork, row: Order, order: Standing, line_id: str, answered: answering.Answer, by: By, terms: Terms
) -> None:
    change = answering.answer(order, line_id, answered, by, row.placed_at, terms)
    if change is None:
        return
    held = await stock.held(unit.tx, [order.id])
    gone = {*change.removed, *(h.line_id for h in held if h.farm_id in {part.farm_id for part in change.cancelled})}
    goods = await stock.lock(unit.tx, [h.product_id for h in held if h.line_id in gone])
    await changing.store(
        unit, order, change, changing.Concerned(held, goods, {}), order.buyer_id if by.actor == "buyer" else None, terms
    )


def _of_farm(party: Party, order: Standing, farm_id: str, reason: str) -> By:
    """The farm, or the market's staff in its stead; raises :class:`NotFound` for a part that is not theirs to see."""
    mine = farm_id in party.farms
    if farm_id not in {part.farm_id for part in order.parts} or not (farm_id in party.sees or party.staff):
        raise NotFound("this order has no such part of yours")
    if not (mine or party.staff):
        raise Forbidden(ROLE)
    actor: Actor = "farm" if mine else "admin"
    return By(actor=actor, reason=reason, farms=[farm_id] if mine else ())
