"""Creating and changing many products of a farm at once, by the rules and with the events and ledger rows of single changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Literal

import attrs

from harvestd.kernel.errors import AlreadyTaken, FieldError, Invalid
from harvestd.kernel.events import Event
from harvestd.kernel.slugs import distinct
from harvestd.market.catalogue import many_rows as store
from harvestd.market.catalogue import variant_rows
from harvestd.market.catalogue.actions import Farm
from harvestd.market.catalogue.finding import Shelf, lacking_category
from harvestd.market.catalogue.group_choice import Groups, look
from harvestd.market.catalogue.group_rules import among_groups
from harvestd.market.catalogue.many_rows import Entry, Written
from harvestd.market.catalogue.many_rules import PACKS, Decision, Present, Row, changes_of, decided, placed
from harvestd.market.catalogue.product_events import Known, happened
from harvestd.market.catalogue.rows import Product
from harvestd.market.catalogue.variant_rows import Kept
from harvestd.unit_of_work import UnitOfWork

#: How often a new product is tried under another slug, or is found to be another's new one.
TRIES = 3
Status = Literal["created", "updated", "unchanged", "failed"]


@attrs.frozen
class Outcome:
    """What came of a row: the product's ``id`` (None: there is none), and why nothing did."""

    index: int
    status: Status
    id: str | None = None
    errors: tuple[FieldError, ...] = ()


@attrs.frozen
class _Plan:
    row: Row
    before: Product | None
    after: Decision
    changed: list[str]


@attrs.frozen(kw_only=True)
class Writing:
    """How rows are written: for which farm, with which right; ``dry`` writes nothing; ``look`` is called with each row and its product (None:
    a new one), and may refuse it."""

    farm: Farm
    may_restock: bool = True
    dry: bool = False
    look: Callable[[Row, Product | None], None] = lambda row, before: None


async def write(unit: UnitOfWork, writing: Writing, rows: Sequence[Row]) -> list[Outcome]:
    """Write the rows, some hundred at most since all their products are locked; returns what came of each, in their order. One that is
    refused stops no other."""
    outcomes: dict[int, Outcome] = {}
    shelf, waiting = Shelf(), list(rows)
    for attempt in range(TRIES):
        if not waiting:
            break
        await shelf.look(unit.tx, writing.farm.id, waiting)
        plans = await _plans(unit, writing, shelf, waiting, outcomes)
        if writing.dry:
            outcomes |= {plan.row.index: _outcome(plan) for plan in plans}
            break
        await _update(unit, [plan for plan in plans if plan.before is not None and plan.changed])
        for plan in plans:
            if plan.before is not None:
                outcomes[plan.row.index] = _outcome(plan)
        waiting = await _insert(unit, writing.farm, [plan for plan in plans if plan.before is None], outcomes, attempt)
        shelf.forget(waiting)
    if waiting and not writing.dry:
        raise AlreadyTaken("others are creating the same products at this moment; send it again")
    return [outcomes[row.index] for row in rows]


async def _plans(
    unit: UnitOfWork, writing: Writing, shelf: Shelf, rows: Sequence[Row], outcomes: dict[int, Outcome]
) -> list[_Plan]:
    """What becomes of the rows that are not refused; the others have their outcome."""
    units = [p.id for row in rows if (p := shelf.product(row)) and row.given.get("unit", p.unit) != p.unit]
    held = await store.held(unit.tx, units) if units else {}
    sized = [p.id for row in rows if row.packs is not None and (p := shelf.product(row)) is not None]
    packs = await variant_rows.of_products(unit.tx, sized)
    groups = await look(unit.tx, [row.given for row in rows])
    plans: list[_Plan] = []
    for row in rows:
        try:
            plans.append(_plan(writing, shelf, _named(groups, shelf, row), held, packs))
        except Invalid as refused:
            outcomes[row.index] = _failed(row, shelf, refused.errors)
    unknown = await lacking_category(unit.tx, [(plan.after.offer, plan.before) for plan in plans])
    for plan in plans:
        if plan.after.offer.category_id in unknown:
            outcomes[plan.row.index] = _failed(plan.row, shelf, (unknown[plan.after.offer.category_id],))
    return [plan for plan in plans if plan.row.index not in outcomes]


def _named(groups: Groups, shelf: Shelf, row: Row) -> Row:
    """The row, with ids for the groups that it names."""
    before = shelf.product(row)
    given, unknown = groups.named(row.given, None if before is None else before.offer)
    return attrs.evolve(row, given=given, wrong=(*row.wrong, *unknown))


def _plan(
    writing: Writing, shelf: Shelf, row: Row, held: Mapping[str, Decimal], packs: Mapping[str, Sequence[Kept]]
) -> _Plan:
    before = shelf.product(row)
    writing.look(row, before)
    shelf.check(row)
    if before is None:
        return _Plan(row, None, decided(row, None), [])
    present = Present(
        offer=before.offer,
        stock=before.stock,
        reserved=before.reserved,
        held=held.get(before.id, Decimal(0)),
        variants=before.variants,
        packs=tuple(one.variant for one in packs.get(before.id, ())),
    )
    after = decided(row, present, may_restock=writing.may_restock)
    return _Plan(row, before, after, changes_of(present, after))


def _failed(row: Row, shelf: Shelf, errors: Sequence[FieldError]) -> Outcome:
    found = shelf.product(row)
    return Outcome(row.index, "failed", None if found is None else found.id, tuple(placed(errors, row.index)))


def _outcome(plan: _Plan) -> Outcome:
    if plan.before is None:
        return Outcome(plan.row.index, "created")
    return Outcome(plan.row.index, "updated" if plan.changed else "unchanged", plan.before.id)


async def _update(unit: UnitOfWork, plans: Sequence[_Plan]) -> None:
    changed: list[Written] = []
    entries: list[Entry] = []
    events: list[Event] = []
    for plan in plans:
        before, after = plan.before, plan.after
        assert before is not None
        edited, quiet = plan.changed != ["stock"], PACKS not in plan.changed and among_groups(before.offer, after.offer)
        changed.append(Written(before.id, after.offer, after.stock, before.slug, edited, quiet))
        if after.stock != before.stock:
            kind = "restock" if after.stock > before.stock else "correction"
            entries.append(Entry(unit.new_id(), before.id, kind, after.stock - before.stock, after.stock))
        gone = after.offer.status == "archived" and before.status != "archived"
        known = before.known.since(bool(after.offer.visible_to)).among(quiet and after.stock == before.stock)
        within = [before.category_id, after.offer.category_id]
        events.append(happened("deleted" if gone else "updated", known, before.revision + 1, plan.changed, within))
    unit.record(*events)
    if changed:
        await store.update(unit.tx, changed, unit.now)
    if entries:
        store.enter(unit.tx, entries, "", unit.now)
    await _pack(
        unit, {plan.before.id: plan.after for plan in plans if plan.before is not None and PACKS in plan.changed}
    )


async def _pack(unit: UnitOfWork, decisions: Mapping[str, Decision]) -> None:
    """Store the pack sizes of locked or new products, by their ids, whose next version is stored already."""
    packs = {
        id: [one if one.id is not None else attrs.evolve(one, id=unit.new_id()) for one in decision.packs]
        for id, decision in decisions.items()
        if decision.packs is not None
    }
    if packs:
        await variant_rows.put(unit.tx, packs, unit.now, edited=False)


async def _insert(
    unit: UnitOfWork, farm: Farm, plans: Sequence[_Plan], outcomes: dict[int, Outcome], attempt: int
) -> list[Row]:
    """Store new products; returns the rows of those that are somebody's already, or whose slug is."""
    new: list[tuple[_Plan, Written]] = []
    for plan in plans:
        id = unit.new_id()
        slugs = list(islice(distinct(plan.after.offer.title, id), TRIES))
        new.append((plan, Written(id, plan.after.offer, plan.after.stock, slugs[min(attempt, len(slugs) - 1)])))
    made = await store.insert(unit.tx, farm.id, [one for _, one in new], unit.now) if new else set()
    entries: list[Entry] = []
    events: list[Event] = []
    for plan, one in new:
        if one.id in made:
            entries.append(Entry(unit.new_id(), one.id, "initial", one.stock, one.stock))
            known = Known(one.id, one.slug, farm.id, farm.slug, bool(one.offer.visible_to))
            events.append(happened("created", known, 1, [], [one.offer.category_id]))
            outcomes[plan.row.index] = Outcome(plan.row.index, "created", one.id)
    unit.record(*events)
    if entries:
        store.enter(unit.tx, entries, "", unit.now)
    await _pack(unit, {one.id: plan.after for plan, one in new if one.id in made})
    return [plan.row for plan, one in new if one.id not in made]
