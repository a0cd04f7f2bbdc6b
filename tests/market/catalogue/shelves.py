"""Products, orders and their pieces for the tests of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import attrs

from harvestd.market.carts.line_wishes import NO_WISH, LineWish
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.on_sale import Agreed, OnSale
from harvestd.market.orders.buyers import Buyer
from harvestd.market.orders.fulfilment import Standing, status_of
from harvestd.market.orders.order import Line, Part, Placed, Totals
from harvestd.market.orders.placing import place
from harvestd.market.orders.placing_rules import Wanted
from harvestd.market.pricing.terms import PLAIN, Pricing

NOW = datetime(2026, 7, 3, 12, 0, tzinfo=UTC)
TODAY = date(2026, 7, 3)
_AMOUNTS = ("price_per", "stock", "reserved", "quantity_step", "min_quantity")
TERMS = Terms(currency="EUR", lines_most=100, hold=None)


def product(id: str = "carrots", farm: str = "acres", **fields: Any) -> OnSale:
    """2.5 kg of carrots at 3.90 in steps of 50 g, unless told otherwise."""
    known: dict[str, Any] = {
        "id": id, "slug": f"{id}-slug", "farm_id": farm, "farm_slug": f"{farm}-slug", "farm_name": farm.title(),
        "order_minimum": 0, "staffed": True, "title": id.title(), "unit": "kg", "price": 390, "price_per": Decimal(1), "stock": Decimal("2.5"),
        "reserved": Decimal(0), "quantity_step": Decimal("0.05"), "min_quantity": Decimal("0.05"), "season_from": None,
        "season_to": None, "status": "published", "revision": 7,
    }  # fmt: skip
    for name, value in fields.items():
        known[name] = Decimal(value) if name in _AMOUNTS else value
    return OnSale(**known)


def placed(
    wanted: Sequence[tuple[str, str]], *shelf: OnSale, terms: Terms = TERMS, expected_total: int | None = None,
    seen: Mapping[str, Agreed] | None = None, of_cart: bool = False, wish: LineWish = NO_WISH,
) -> Placed:  # fmt: skip
    """The decision for lines of (product, quantity)."""
    return place(
        [Wanted(p, Decimal(q), None, wish) for p, q in wanted], {p.id: p for p in shelf}, terms, order_id="order", number="H000001",
        buyer=Buyer(user_id="buyer"), line_ids=[f"line-{i}" for i in range(len(wanted))], now=NOW, today=TODAY,
        expected_total=expected_total, seen=seen or {}, of_cart=of_cart,
    )  # fmt: skip


def standing(*statuses: str, version: int = 1, pricing: Pricing = PLAIN) -> Standing:
    """An order with a part of one line of 10.00 in each of the statuses, of the farms farm-0, farm-1, …"""
    parts = tuple(Part(f"farm-{i}", f"Farm {i}", i, status, 1000) for i, status in enumerate(statuses))
    lines = tuple(
        Line(
            id=f"line-{i}", farm_id=f"farm-{i}", position=i, product_id=f"product-{i}", title=f"Product {i}", quantity=Decimal(1), unit="kg",
            unit_price=1000, price_per=Decimal(1), total=1000,
        )
        for i in range(len(statuses))
    )  # fmt: skip
    return Standing(
        id="order", number="H000001", buyer_id="buyer", status=status_of(parts), version=version, parts=parts,
        totals=Totals(1000 * len(parts)), lines=lines, pricing=pricing,
    )  # fmt: skip


def standing_of(order: Placed, status: str = "placed") -> Standing:
    """A new order as its rows have it, with all its parts in a status."""
    parts = tuple(attrs.evolve(part, status=status) for part in order.parts)
    return Standing(
        id=order.id, number=order.number, buyer_id=order.buyer.user_id, status=status, version=1, parts=parts, totals=order.totals, lines=order.lines,
    )  # fmt: skip
