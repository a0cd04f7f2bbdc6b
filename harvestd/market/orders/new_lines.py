"""Lines of an order at the terms of the moment in which they are ordered, and the most that may ever be owed for them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal

import attrs

from harvestd.kernel.quantities import ONE, PLACES
from harvestd.kernel.units import Amount
from harvestd.market.carts.line_wishes import LineWish
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.fact_rules import told
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.days.load_rules import load, scaled
from harvestd.market.orders.order import Line
from harvestd.market.pricing.billing_rules import Billing, grams
from harvestd.market.pricing.charging_rules import fees_of
from harvestd.market.pricing.shares import WHOLE, rounded
from harvestd.market.pricing.terms import PLAIN, LineBill, Pricing


def line_of(
    position: int, product: OnSale, quantity: Decimal, line_id: str, today: date, wish: LineWish, terms: Terms, *, rate: int = 0
) -> Line:  # fmt: skip
    """So much of a product, or of a pack size of it, at what it costs its buyer now, and taxed at that ``rate``."""
    quantity = quantity.quantize(PLACES)
    total = product.total(quantity)
    return Line(
        id=line_id, farm_id=product.farm_id, position=position, product_id=product.id, title=product.own_title or product.title, quantity=quantity,
        unit=product.unit, unit_price=product.price, price_per=product.price_per, total=total, facts=told(product.facts, today),
        title_seen=None if product.own_title in ("", product.title) else product.title, each=product.each, variant_id=product.variant_id,
        takes=product.pack.takes if product.pack else ONE, wish=wish, agreed_total=_most(total, product.each is not None, terms), tax_rate=rate,
        grams=grams(product, quantity), load=load(quantity, product.unit, product.each, product.pack.content if product.pack else None, terms.load),
    )  # fmt: skip


def billed(line: Line, own: LineBill) -> Line:
    """The line with what it is billed for; most are for what they come to, and a copy costs as much as the line did."""
    if (own.total, own.discount, own.tax) == (line.total, line.discount, line.tax):
        return line
    return attrs.evolve(line, total=own.total, discount=own.discount, tax=own.tax)


def of_quantity(line: Line, quantity: Decimal, terms: Terms) -> Line:
    """The line with another quantity: what has become of the one before is over."""
    weight = rounded(int(line.grams * quantity * 1000), int(line.quantity * 1000))
    line = attrs.evolve(
        line,
        load=scaled(line.load, line.quantity, quantity, line.unit),
        quantity=quantity.quantize(PLACES),
        grams=weight,
        short_of=Decimal(0),
        weighed=None,
        answer_by=None,
    )
    return attrs.evolve(line, agreed_total=agreed_total(line, terms))


def charged(pricing: Pricing, billing: Billing, opened: Collection[str], lines: Iterable[Line]) -> Pricing:
    """The rules of an order to which lines are added: those that were kept with it, and what the farms that are new in it charge themselves."""
    ways = {farm_id: billing.ways[farm_id] for farm_id in opened if farm_id in billing.ways}
    fees = tuple(rule for rule in fees_of(billing.charges, billing.day, ways) if rule.farm_id in ways)
    if pricing == PLAIN and (fees or any(line.tax_rate for line in lines)):
        pricing = attrs.evolve(pricing, tax_included=billing.tax_included)
    return attrs.evolve(pricing, fees=(*pricing.fees, *(rule for rule in fees if rule not in pricing.fees)))


def agreed_total(line: Line, terms: Terms) -> int:
    """The most that may be owed for what is left of a line: what it comes to or, of an estimate, the market's tolerance above that."""
    return _most(line.estimate, line.each is not None, terms)


def _most(total: int, estimated: bool, terms: Terms) -> int:
    return rounded(total * (WHOLE + terms.weight_tolerance), WHOLE) if estimated else total


def same_terms(line: Line, product: OnSale) -> bool:
    """Whether what a line was ordered at is what its product is sold at."""
    pack = None if product.pack is None else product.pack.takes
    return (
        product.unit == line.unit
        and product.price * line.price_per == line.unit_price * product.price_per
        and _alike(product.each, line.each)
        and (pack is None or pack == line.takes)
    )


def _alike(one: Amount | None, other: Amount | None) -> bool:
    return (one and (one.unit, one.quantity)) == (other and (other.unit, other.quantity))
