"""Stock reservation: a reservation becomes a sale, or its quantity is given back; and it may hold another quantity. Pure.

``available`` is ``stock`` less ``reserved``. Placing an order reserves; a sale subtracts the same quantity from both; a
release gives back a reserved quantity, a return a sold one. Each reservation takes one of these paths, once::

    live -> sold -> returned        live -> released        live -> expired

While it is live or sold, its quantity may change (:func:`reshape`): a live one reserves more or less, a sold one sells more or takes some back, by a
row of the ledger each. What is short of a line is written off: it does not go back on sale.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

import attrs

from harvestd.kernel import families
from harvestd.kernel.events import Event
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.product_events import happened

NOTHING = Decimal(0)


@attrs.frozen(kw_only=True)
class Held:
    """A reservation in its current, locked state; ``awaits_farm`` is whether it becomes a sale only once its farm confirms it, ``until`` when
    it is held for that."""

    line_id: str
    order_id: str
    farm_id: str
    product_id: str
    quantity: Decimal
    state: str
    awaits_farm: bool = False
    until: datetime | None = None


@attrs.frozen
class Entry:
    """A row of the stock ledger; ``level`` is the stock after it."""

    product_id: str
    kind: Literal["sale", "return", "amendment", "short"]
    change: Decimal
    level: Decimal
    line_id: str


@attrs.frozen(kw_only=True)
class Effect:
    """The changes: reservations by line (their states, and their ``quantities`` if these are others), deltas of products as (stock, reserved, sales), ledger
    rows, and the events of products that are available again, or no more."""

    states: dict[str, str]
    products: dict[str, tuple[Decimal, Decimal, int]]
    entries: tuple[Entry, ...]
    revised: frozenset[str] = frozenset()
    events: tuple[Event, ...] = ()
    families: tuple[str, ...] = ()
    quantities: Mapping[str, Decimal] = attrs.field(factory=dict)


def settle(held: Sequence[Held], shelf: Mapping[str, OnSale]) -> Effect:
    """Turn live reservations into sales; others are left unchanged."""
    effect = _effect([(h, "sold") for h in held if h.state == "live"], shelf)
    return attrs.evolve(effect, families=_families([shelf[p] for p in effect.products]))


def give_back(held: Sequence[Held], shelf: Mapping[str, OnSale], *, expired: bool = False) -> Effect:
    """Give back what the reservations hold or sold; those already given back are left unchanged."""
    ends = {"live": "expired" if expired else "released", "sold": "returned"}
    effect = _effect([(h, ends[h.state]) for h in held if h.state in ends], shelf)
    returned = [shelf[p] for p in effect.products]
    again = [product for product in returned if product.available <= 0]
    return attrs.evolve(
        effect,
        revised=frozenset(product.id for product in again),
        events=tuple(happened("updated", product.known, product.revision + 1, ["available"]) for product in again),
        families=_families(returned),
    )


@attrs.frozen(kw_only=True)
class Reshaping:
    """What reservations are to hold: ``wants`` by line, of its product; those that ``ended`` nothing; and what is ``added`` of each product, for lines that are
    new. ``written_off`` is whether what is held less of is lost, or goes back on sale."""

    wants: Mapping[str, Decimal]
    ended: Collection[str]
    added: Mapping[str, Decimal]
    written_off: bool = False


def reshape(held: Sequence[Held], to: Reshaping, shelf: Mapping[str, OnSale]) -> Effect:
    """Let reservations hold other quantities. Whether there is enough is for the caller to say (:func:`demand`)."""
    back = give_back([h for h in held if h.line_id in to.ended], shelf)
    states, entries, quantities, products = dict(back.states), list(back.entries), {}, dict(back.products)
    for one, more in _others(held, to):
        states[one.line_id], quantities[one.line_id] = one.state, one.quantity + more
        for kind, stock, reserved in _rows(one, more, to.written_off):
            products[one.product_id] = after = _plus(products.get(one.product_id), stock, reserved)
            if stock:
                entries.append(Entry(one.product_id, kind, stock, shelf[one.product_id].stock + after[0], one.line_id))
    for product_id, quantity in to.added.items():
        products[product_id] = _plus(products.get(product_id), NOTHING, quantity)
    turned = [shelf[p] for p, (stock, reserved, _) in products.items() if _turns(shelf[p], stock - reserved)]
    return Effect(
        states=states, products=products, entries=tuple(entries), quantities=quantities, revised=frozenset(product.id for product in turned),
        events=tuple(happened("updated", product.known, product.revision + 1, ["available"]) for product in turned),
        families=_families([shelf[p] for p in products]),
    )  # fmt: skip


def demand(held: Sequence[Held], to: Reshaping) -> dict[str, Decimal]:
    """How much less of each product would be available after :func:`reshape`; less than nothing: more."""
    found = dict(to.added)
    less = [(one, -one.quantity) for one in held if one.line_id in to.ended and one.state in ("live", "sold")]
    for one, more in [*less, *([] if to.written_off else _others(held, to))]:
        found[one.product_id] = found.get(one.product_id, NOTHING) + more
    return found


def _others(held: Sequence[Held], to: Reshaping) -> list[tuple[Held, Decimal]]:
    """The reservations that hold another quantity then, each with the difference."""
    going_on = [one for one in held if one.state in ("live", "sold") and one.line_id not in to.ended]
    found = [(one, to.wants.get(one.line_id, one.quantity) - one.quantity) for one in going_on]
    return [(one, more) for one, more in found if more]


def _rows(one: Held, more: Decimal, written_off: bool) -> list[tuple[Literal["amendment", "short"], Decimal, Decimal]]:
    """What a reservation that holds so much ``more`` does: kinds of rows of the ledger, with the deltas of stock and reserved."""
    found: list[tuple[Literal["amendment", "short"], Decimal, Decimal]] = [
        ("amendment", NOTHING, more) if one.state == "live" else ("amendment", -more, NOTHING)
    ]
    if written_off:  # what is there again after all is there before it is sold: no level is below nothing
        found.insert(0 if more > 0 else 1, ("short", more, NOTHING))
    return found


def _plus(before: tuple[Decimal, Decimal, int] | None, stock: Decimal, reserved: Decimal) -> tuple[Decimal, Decimal, int]:  # fmt: skip
    had, held, sales = before or (NOTHING, NOTHING, 0)
    return had + stock, held + reserved, sales


def _turns(product: OnSale, more: Decimal) -> bool:
    """Whether a product is available again, or no more, with so much more of it."""
    return (product.available > 0) != (product.available + more > 0)


def _families(products: Sequence[OnSale]) -> tuple[str, ...]:
    changed = ["stock", "available", "sales"]
    return tuple(families.merged(families.product(p.id, p.slug, p.farm_id, p.farm_slug, changed) for p in products))


#: The deltas of (stock, reserved) for each new state, as factors of the quantity, and of the number of sales.
_ADDS: dict[str, tuple[int, int, int]] = {
    "sold": (-1, -1, 1),
    "released": (0, -1, 0),
    "expired": (0, -1, 0),
    "returned": (1, 0, -1),
}
_LEDGER: dict[str, Literal["sale", "return"]] = {"sold": "sale", "returned": "return"}


def _effect(changes: Sequence[tuple[Held, str]], shelf: Mapping[str, OnSale]) -> Effect:
    states: dict[str, str] = {}
    products: dict[str, tuple[Decimal, Decimal, int]] = {}
    entries: list[Entry] = []
    for held, state in changes:
        states[held.line_id] = state
        stock, reserved, sales = _ADDS[state]
        before = products.get(held.product_id, (NOTHING, NOTHING, 0))
        after = (before[0] + stock * held.quantity, before[1] + reserved * held.quantity, before[2] + sales)
        products[held.product_id] = after
        if state in _LEDGER:
            level = shelf[held.product_id].stock + after[0]
            entries.append(Entry(held.product_id, _LEDGER[state], stock * held.quantity, level, held.line_id))
    return Effect(states=states, products=products, entries=tuple(entries))
