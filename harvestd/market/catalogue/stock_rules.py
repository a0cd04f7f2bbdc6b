"""Stock reservation: a reservation becomes a sale, or its quantity is given back. Pure.

``available`` is ``stock`` less ``reserved``. Placing an order reserves; a sale subtracts the same quantity from both; a
release gives back a reserved quantity, a return a sold one. Each reservation takes one of these paths, once::

    live -> sold -> returned        live -> released        live -> expired
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """A reservation in its current, locked state; ``awaits_farm`` is whether it becomes a sale only once its farm confirms it."""

    line_id: str
    order_id: str
    farm_id: str
    product_id: str
    quantity: Decimal
    state: str
    awaits_farm: bool = False


@attrs.frozen
class Entry:
    """A row of the stock ledger; ``level`` is the stock after it."""

    product_id: str
    kind: Literal["sale", "return"]
    change: Decimal
    level: Decimal
    line_id: str


@attrs.frozen(kw_only=True)
class Effect:
    """The changes: reservations by line, deltas of products as (stock, reserved, sales), ledger rows, and the events of products
    that are available again."""

    states: dict[str, str]
    products: dict[str, tuple[Decimal, Decimal, int]]
    entries: tuple[Entry, ...]
    revised: frozenset[str] = frozenset()
    events: tuple[Event, ...] = ()
    families: tuple[str, ...] = ()


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
