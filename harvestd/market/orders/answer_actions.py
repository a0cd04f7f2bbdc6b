"""Use cases of what a buyer is asked about the lines of their order: they answer, the time is over, or the goods leave their farm."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from harvestd.kernel.errors import Forbidden, IllegalTransition
from harvestd.kernel.sentences import worded
from harvestd.market.carts.selling import Terms, terms
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.orders import answer_rows, answering, changing, fulfilment_rows
from harvestd.market.orders.change_telling import By
from harvestd.market.orders.changes import Changed
from harvestd.market.orders.fulfilment import Actor, Standing
from harvestd.market.orders.order import OVER
from harvestd.market.orders.parties import Party
from harvestd.market.orders.questions import ANSWERABLE
from harvestd.market.orders.rows import Order
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.market_day import zone_of


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
        yes=given.yes, at=unit.now, zone=zone_of(unit.parts.settings), said=said, expected_total=given.expected_total,
        named=given.named, first_asked=first,
    )  # fmt: skip
    change = answering.answer(order, line_id, answered, row.placed_at, terms)
    await _store(unit, order, change, order.buyer_id, terms)


async def lapse(unit: UnitOfWork, order_id: str, terms: Terms) -> None:
    """Settle what nobody answered in time, all of a farm's at once: without an answer it is a no."""
    for line_ids in await _waiting(unit, order_id):
        found = await fulfilment_rows.lock(unit.tx, order_id)
        if found is not None:
            row, order = found
            by = By(actor="clock", reason=answering.IN_TIME)
            await _store(unit, order, answering.unanswered(order, line_ids, by, row.placed_at), None, terms)


async def _waiting(unit: UnitOfWork, order_id: str) -> list[list[str]]:
    found = await fulfilment_rows.lock(unit.tx, order_id)
    return [] if found is None else [*answering.waiting(found[1], unit.now).values()]


async def leave(unit: UnitOfWork, row: Order, order: Standing, farm_id: str, to: str, actor: Actor, actor_id: str | None) -> Standing:  # fmt: skip
    """Settle what is asked about a part that is about to become ``to``, if nothing of it can be answered then; returns the order as it is then. Raises :class:`IllegalTransition` for a part of which
    nothing would be left."""
    asked = answering.asked_of(order, farm_id)
    if to in ANSWERABLE or to in OVER or not asked:
        return order
    by = By(actor=actor, reason=answering.LEFT, farms=[farm_id] if actor == "farm" else ())
    change = answering.unanswered(order, asked, by, row.placed_at)
    if change is not None and change.cancelled:
        farm = order.part(farm_id).farm_name
        raise IllegalTransition(
            worded(
                "the part of {farm} is nothing but what its buyer is asked about; wait for the answer, or cancel it",
                farm=farm,
            )
        )
    await _store(unit, order, change, actor_id, terms(unit.parts.settings))
    found = await fulfilment_rows.lock(unit.tx, order.id)
    assert found is not None
    return found[1]


async def _store(unit: UnitOfWork, order: Standing, change: Changed | None, actor_id: str | None, terms: Terms) -> None:
    if change is None:
        return
    held = await stock.held(unit.tx, [order.id])
    gone = {*change.removed, *(h.line_id for h in held if h.farm_id in {part.farm_id for part in change.cancelled})}
    goods = await shelf_rows.lock(unit.tx, [h.product_id for h in held if h.line_id in gone])
    await changing.store(unit, order, change, changing.Concerned(held, goods, {}), actor_id, terms)
