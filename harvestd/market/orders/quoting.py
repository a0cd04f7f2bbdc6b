"""Use cases of quotes: what an order would be, without its effects; and, where it is held, its prices, its stock and its places for whoever asked, for some minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import attrs

from harvestd.kernel import families
from harvestd.kernel.errors import FieldError, MarketClosed, MarketError
from harvestd.kernel.families import stale
from harvestd.market.carts.own_products import marked
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue import shelf_rows
from harvestd.market.catalogue.group_rules import Buyer
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.product_events import happened
from harvestd.market.catalogue.variant_rows import with_packs
from harvestd.market.days.slots import Slot
from harvestd.market.orders import billing, held_places, placing, placing_actions, quote_rows, quote_rules, windows
from harvestd.market.orders.placing import Decided
from harvestd.market.orders.placing_rules import Wanted
from harvestd.market.orders.quote_rows import Quote
from harvestd.market.orders.quote_rules import Content, Held, Shift
from harvestd.market.orders.quote_use import Holder
from harvestd.market.pricing.billing_rules import Billing
from harvestd.parts import Parts
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import UnitOfWork, change

#: The name of the periodic task that ends quotes; and those that end in one run, the rest wait for the next.
TASK, BATCH = "holds", 200


@attrs.frozen(kw_only=True)
class Quoted:
    """What an order would be; ``held`` is the quote, if it is held, and until when."""

    decided: Decided
    shelf: Mapping[str, OnSale]
    ways: Mapping[str, dict[str, Any]]
    held: Quote | None


async def quote(
    unit: UnitOfWork, ordering: placing_actions.Ordering, terms: Terms, today: date, buyer: Buyer, holder: Holder, hold: bool
) -> Quoted:  # fmt: skip
    """What the order would be. To hold it, whatever the holder has held before is given back, in the same moment, unless anything speaks against it."""
    cart, wanted, seen = await placing_actions.wanted_of(unit, ordering, lock=False)
    ids, before, old = [one.product_id for one in wanted], Held(), list[Quote]()
    if hold:
        old = await quote_rows.lock_holder(unit.tx, holder.user_id, None if holder.user_id else holder.token_hash)
        before = await quote_rows.held(unit.tx, [one.id for one in old])
    booking = await windows.begin(unit, ordering.ways)
    locked = await shelf_rows.lock(unit.tx, [*ids, *before.stock]) if hold else {}
    shown = await shelf_rows.see(unit.tx, ids, buyer, ordering.language)
    shelf = await with_packs(
        unit.tx, quote_rules.without(shown, before.stock), [(one.product_id, one.variant_id) for one in wanted]
    )
    shelf = await marked(unit.tx, unit.parts.settings, ordering.buyer.user_id, shelf)
    ways, charged, wrong, closed = await _terms(unit, ordering, wanted, shelf, today, booking)
    if ordering.coupon and not ordering.wrong:
        discount, unusable = await billing.see(unit.tx, ordering.coupon, ordering.buyer.user_id, today)
        charged, wrong = attrs.evolve(charged, discount=discount), [*wrong, *([unusable] if unusable else [])]
    decided = placing.decide(
        wanted, shelf, terms, line_ids=[unit.new_id() for _ in wanted], today=today, expected_total=ordering.expected_total,
        seen=seen, of_cart=ordering.lines is None, also=wrong, billing=charged,
    )  # fmt: skip
    refusals = (*closed, *decided.refusals)
    if booking is not None:
        refusals += await held_places.room(
            unit, booking, decided.lines, before.places if hold and not refusals else None
        )
    decided, held = attrs.evolve(decided, refusals=refusals), None
    if hold and not refusals:
        content = quote_rules.content(decided, shelf, ways, ordering.coupon, cart)
        held = _held(
            unit, holder, content, today, [] if booking is None else [one.slot for one in booking.parts.values()]
        )
        await _shift(unit, locked, quote_rules.shift(locked, before.stock, decided.taken), held.id)
        await held_places.hold(unit, held.id, booking, decided.lines, before.places)
        await quote_rows.delete(unit.tx, [one.id for one in old])
        await quote_rows.insert(unit.tx, held, decided.taken, unit.now)
    return Quoted(decided=decided, shelf=shelf, ways=ways, held=held)


async def _terms(
    unit: UnitOfWork, ordering: placing_actions.Ordering, wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], today: date,
    booking: windows.Booking | None,
) -> tuple[dict[str, dict[str, Any]], Billing, list[FieldError], tuple[MarketError, ...]]:  # fmt: skip
    """What :func:`placing_actions.terms_of` has; and its refusal, while no day is open."""
    try:
        return *await placing_actions.terms_of(unit, ordering, wanted, shelf, today, booking), ()
    except MarketClosed as closed:
        return {}, await billing.of(unit, {}, today), [], (closed,)


def _held(unit: UnitOfWork, holder: Holder, content: Content, day: date, slots: Sequence[Slot]) -> Quote:
    """The quote, held as long as the market day of each of its windows lets it, and not longer than these last; without any, as long as the settings say."""
    minutes = min((one.holds_minutes for one in slots), default=unit.parts.settings.holds_minutes)
    until: datetime = min([unit.now + timedelta(minutes=minutes), *(one.ends_at for one in slots)])
    token = None if holder.user_id else holder.token_hash
    return Quote(unit.new_id(), holder.user_id, token, content.kept(), day, until)


async def _shift(unit: UnitOfWork, locked: Mapping[str, OnSale], shift: Shift, quote_id: str) -> None:
    """Reserve, or give back, and tell what that makes of the products."""
    await quote_rows.reserve(unit.tx, shift)
    products = [locked[id] for id in shift.reserved]
    if products:
        shown = (families.product(p.id, p.slug, p.farm_id, p.farm_slug, ["available"]) for p in products)
        unit.record(stale(f"quote:{quote_id}", 1, *families.merged(shown)))
    unit.record(*(happened("updated", locked[id].known, locked[id].revision + 1, ["available"]) for id in shift.turned))


async def end(unit: UnitOfWork, quote_id: str) -> None:
    """Give back what a quote holds, if it is still there."""
    found = await quote_rows.lock(unit.tx, quote_id)
    if found is None:
        return
    before = await quote_rows.held(unit.tx, [found.id])
    locked = await shelf_rows.lock(unit.tx, list(before.stock))
    await _shift(unit, locked, quote_rules.shift(locked, before.stock, {}), found.id)
    await held_places.give_back(unit, found.id, before.places)
    await quote_rows.delete(unit.tx, [found.id])


async def let_go(unit: UnitOfWork, day_id: str) -> None:
    """Have the time of the quotes be over that hold places in the windows of a market day: it is cancelled, and no order can be of them. Each ends then as it does otherwise."""
    if await quote_rows.cut_short(unit.tx, day_id, unit.now):
        unit.on_commit(lambda: unit.parts.due(TASK))


async def next_due(parts: Parts) -> datetime | None:
    """When the first quote is over."""
    return await quote_rows.next_due(parts.database)


async def end_all(parts: Parts, going_on: GoingOn = always) -> None:
    """End the quotes whose time is over, each in its own unit of work."""
    for quote_id in await quote_rows.due(parts.database, parts.now(), BATCH):
        if not await going_on():
            break
        await change(parts, partial(end, quote_id=quote_id))
