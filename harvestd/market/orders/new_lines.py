"""Lines of an order at the terms of the moment in which they are ordered, and the most that may ever be owed for them. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from harvestd.kernel.quantities import ONE, PLACES
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.fact_rules import told
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.orders.order import Line
from harvestd.market.pricing.amounts import WHOLE, rounded


def line_of(
    position: int, product: OnSale, quantity: Decimal, line_id: str, today: date, wish: LineWish, terms: Terms
) -> Line:
    """So much of a product, or of a pack size of it, at what it costs its buyer now."""
    quantity = quantity.quantize(PLACES)
    total = product.total(quantity)
    return Line(
        id=line_id, farm_id=product.farm_id, position=position, product_id=product.id, title=product.own_title or product.title, quantity=quantity,
        unit=product.unit, unit_price=product.price, price_per=product.price_per, total=total, facts=told(product.facts, today),
        title_seen=None if product.own_title in ("", product.title) else product.title, each=product.each, variant_id=product.variant_id,
        takes=product.pack.takes if product.pack else ONE, wish=wish, agreed_total=_most(total, product.each is not None, terms),
    )  # fmt: skip


def agreed_total(line: Line, terms: Terms) -> int:
    """The most that may be owed for what is left of a line: what it comes to or, of an estimate, the market's tolerance above that."""
    return _most(line.estimate, line.each is not None, terms)


def _most(total: int, estimated: bool, terms: Terms) -> int:
    return rounded(total * (WHOLE + terms.weight_tolerance), WHOLE) if estimated else total
