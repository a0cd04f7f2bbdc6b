"""Placing an order. Its later life cycle is in ``fulfilment.py``, its effect on stock in ``catalogue/stock_rules.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel import families
from harvestd.kernel.errors import FieldError
from harvestd.kernel.events import Event
from harvestd.kernel.quantities import ONE, PLACES, shown
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.fact_rules import told
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.catalogue.product_events import happened
from harvestd.market.days.load_rules import load
from harvestd.market.orders.order import Line, Part, Placed, Totals
from harvestd.market.orders.placing_rules import Asked, Wanted, acceptable, check_stock, check_terms

NOTHING_SEEN: Mapping[str, Agreed] = {}


def place(
    wanted: Sequence[Wanted], shelf: Mapping[str, OnSale], terms: Terms, *, order_id: str, number: str, buyer_id: str,
    line_ids: Sequence[str], now: datetime, today: date, expected_total: int | None, seen: Mapping[str, Agreed] = NOTHING_SEEN,
    of_cart: bool = False, also: Sequence[FieldError] = (),
) -> Placed:  # fmt: skip
    """Decide on an order. Lines of one product are merged into one, and so are those of one of its pack sizes.

    ``shelf`` has each wanted product that exists, by id, and each wanted pack by :func:`variant_rules.key`; ``line_ids`` an id for each possible line; ``seen`` the terms agreed to, by
    the same keys, where known; ``of_cart`` whether a cart is being ordered; ``also`` the faults found elsewhere. Raises :class:`Invalid` for
    lines that can never be ordered like this (each line with all its faults), :class:`OutOfStock` with one error a line and the
    quantity left, and :class:`PriceChanged` if a quantity was agreed to in another unit or, if the buyer states an expected total,
    if the total differs or any term that they agreed to has changed.
    """
    asked = acceptable(wanted, shelf, terms, today, of_cart, also)
    check_stock(asked, shelf)
    farms = list(dict.fromkeys(shelf[a.product_id].farm_id for a in asked))
    lines = tuple(_line(i, a, shelf[a.key], line_ids[i], today, terms) for i, a in enumerate(asked))
    parts = tuple(_part(farm_id, i, lines, shelf) for i, farm_id in enumerate(farms))
    totals = Totals(sum(part.subtotal for part in parts))
    check_terms(asked, shelf, seen, terms, expected_total, totals.total)
    taken: dict[str, Decimal] = {}
    for line in lines:
        taken[line.product_id] = taken.get(line.product_id, Decimal(0)) + line.taken
    ran_out = frozenset(p for p, quantity in taken.items() if shelf[p].available == quantity)
    placed = Placed(
        id=order_id, number=number, buyer_id=buyer_id, parts=parts, lines=lines, totals=totals, taken=taken, ran_out=ran_out,
        hold_until=now + terms.hold if terms.hold is not None else None, placed_at=now, events=(),
    )  # fmt: skip
    return attrs.evolve(placed, events=_created(placed, shelf))


def _line(i: int, asked: Asked, product: OnSale, line_id: str, today: date, terms: Terms) -> Line:
    quantity = asked.quantity.quantize(PLACES)
    return Line(
        id=line_id, farm_id=product.farm_id, position=i, product_id=product.id, title=product.own_title or product.title, quantity=quantity,
        unit=product.unit, unit_price=product.price, price_per=product.price_per, total=product.total(quantity),
        facts=told(product.facts, today), title_seen=None if product.own_title in ("", product.title) else product.title, each=product.each,
        variant_id=product.variant_id, takes=product.pack.takes if product.pack else ONE,
        load=load(quantity, product.unit, product.each, None if product.pack is None else product.pack.content, terms.load),
    )  # fmt: skip


def _part(farm_id: str, i: int, lines: Sequence[Line], shelf: Mapping[str, OnSale]) -> Part:
    own = [line for line in lines if line.farm_id == farm_id]
    return Part(farm_id, shelf[own[0].product_id].farm_name, i, "placed", sum(line.total for line in own))


def _more(line: Line) -> dict[str, Any]:
    """What an event says of a line of a pack size, or of pieces that are priced by weight, besides what it says of each."""
    pack = {} if line.variant_id is None else {"variant_id": line.variant_id, "takes": shown(line.takes)}
    return pack if line.each is None else pack | {"estimated_weight": shown(line.each.quantity)}


def _created(order: Placed, shelf: Mapping[str, OnSale]) -> tuple[Event, ...]:
    known = [shelf[p].known for p in order.taken]
    data = {
        "order_id": order.id,
        "number": order.number,
        "buyer_id": order.buyer_id,
        "placed_at": order.placed_at.isoformat(),
        "parts": [
            {
                "farm_id": part.farm_id,
                "subtotal": part.subtotal,
                "lines": [
                    {
                        "product_id": line.product_id,
                        "quantity": shown(line.quantity),
                        "unit_price": line.unit_price,
                        "price_per": shown(line.price_per),
                        **_more(line),
                    }
                    for line in order.lines
                    if line.farm_id == part.farm_id
                ],
            }
            for part in order.parts
        ],
        "totals": attrs.asdict(order.totals) | {"total": order.totals.total},
        "families": families.merged(
            families.product(k.id, k.slug, k.farm_id, k.farm_slug, ["available"]) for k in known
        ),
    }
    sold_out = [
        happened("updated", shelf[p].known, shelf[p].revision + 1, ["available"]) for p in sorted(order.ran_out)
    ]
    return (Event("order.created", f"order:{order.id}", 1, data), *sold_out)
