"""Short lines: how much of a line its farm does not have, and what comes in its place as its buyer lets it. Pure.

A short says what is so now: the whole quantity that is missing, and the substitute, if any. The same short again changes nothing; another one takes the place of
it. A line and its substitute together never come to more than was agreed on for the line. What is short is nowhere: it does not go back on sale.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import Conflict, FieldError, Invalid, NotFound
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.names import accept
from harvestd.kernel.quantities import PLACES, not_negative, positive, shown
from harvestd.kernel.units import in_pieces
from harvestd.market.carts.line_wishes import NO_WISH
from harvestd.market.carts.selling import Terms
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.catalogue.withheld import withheld
from harvestd.market.orders import questions
from harvestd.market.orders.change_telling import By
from harvestd.market.orders.changes import Changed, changed
from harvestd.market.orders.consent import kept, require_within
from harvestd.market.orders.fulfilment import Actor, Standing, require
from harvestd.market.orders.new_lines import charged, line_of, of_quantity
from harvestd.market.orders.order import Line, Part
from harvestd.market.orders.recomputing import goods_of, recomputed
from harvestd.market.pricing.billing_rules import GOODS_ALONE, Billing


@attrs.frozen
class Substitute:
    """So much of a product, or of a pack size of it, as it is on sale (None: there is none) under an id for its line."""

    product: OnSale | None
    quantity: Decimal
    line_id: str


@attrs.frozen(kw_only=True)
class Shorting:
    """Who says that a line is short, in which circumstances: the ``now`` of the market, its day, and what is charged on it."""

    by: By
    terms: Terms
    now: datetime
    today: date
    placed_at: datetime
    billing: Billing = GOODS_ALONE


def line_in(order: Standing, farm_id: str, line_id: str) -> Line:
    """A line of a farm's part; raises :class:`NotFound` unless it counts."""
    found = next((line for line in order.lines if line.id == line_id and line.farm_id == farm_id and line.counts), None)
    if found is None:
        raise NotFound("this part of the order has no such line")
    return found


def short(order: Standing, farm_id: str, line_id: str, quantity: Decimal, substitute: Substitute | None, shorting: Shorting) -> Changed | None:  # fmt: skip
    """Decide on a short; None if it is so already. Raises :class:`Invalid` for quantities that cannot be, :class:`Conflict` for a substitute that the buyer's
    consent does not cover, or that makes the order dearer, and :class:`IllegalTransition` for a part that has left its farm."""
    line = line_in(order, farm_id, line_id)
    require(order, farm_id, "short", shorting.by.actor)
    missing = _missing(line, quantity)
    replaced = order.in_place_of(line.id)
    before = next(iter(replaced), None)
    if missing == line.short_of and _same(before, substitute):
        return None
    after = _reduced(line, missing, shorting.terms)
    lines = [after if one.id == line.id else one for one in order.lines if one not in replaced]
    opened: tuple[Part, ...] = ()
    new: list[Line] = []
    if substitute is not None:
        freed = attrs.evolve(line, short_of=Decimal(0)).estimate - after.estimate
        new = [_replacing(order, line, missing, substitute, freed, shorting)]
        opened = _opened(order, substitute.product, shorting.by.actor)
    pricing = charged(order.pricing, shorting.billing, [part.farm_id for part in opened], new)
    change = changed(
        order, [*lines, *new], "short", shorting.by, placed_at=shorting.placed_at, about=(line.id,), opened=opened, pricing=pricing, more=_told([*lines, *new], line)
    )  # fmt: skip
    if change is not None and any(one.counts for one in new):
        require_within(change.totals.total, _as_ordered(order, line, lines, missing, shorting.terms), shorting.terms)
    return change


def _as_ordered(order: Standing, line: Line, lines: Sequence[Line], missing: Decimal, terms: Terms) -> int:
    """What an order comes to with what is missing of a line, at its price, instead of anything in its place; ``lines`` are the others, and what is left of it."""
    whole = [*lines, attrs.evolve(of_quantity(line, missing, terms), id=f"{line.id} missing")]
    lost = goods_of(order.parts, order.lines)
    return recomputed(order.parts, whole, order.pricing, order.totals, lost=lost).totals.total


def _missing(line: Line, quantity: Decimal) -> Decimal:
    (missing,) = accept(not_negative("quantity", quantity))
    if missing > line.quantity:
        message = f"is more than was ordered: {said(line.quantity, line.unit)}"
        params = {"maximum": shown(line.quantity), "unit": line.unit}
        raise Invalid(f"quantity: {message}", (FieldError("quantity", message, code="above-maximum", params=params),))
    accept(*([fault] if (fault := in_pieces("quantity", line.unit, missing)) else []))
    return missing.quantize(PLACES)


def _same(before: Line | None, substitute: Substitute | None) -> bool:
    if before is None or substitute is None:
        return before is None and substitute is None
    product = substitute.product
    return product is not None and (before.product_id, before.variant_id, before.quantity) == (
        product.id, product.variant_id, substitute.quantity,
    )  # fmt: skip


def _reduced(line: Line, missing: Decimal, terms: Terms) -> Line:
    """The line with so much missing. What was weighed was another quantity of it."""
    after = attrs.evolve(
        line, short_of=missing, weighed=line.weighed if missing == line.short_of else None, answer_by=None
    )
    most = kept(line, after, terms)
    if line.replaces is not None and line.agreed_total is not None:
        most = min(most, line.agreed_total)
    return attrs.evolve(after, agreed_total=most)


def _replacing(order: Standing, line: Line, missing: Decimal, substitute: Substitute, freed: int, shorting: Shorting) -> Line:  # fmt: skip
    """The line that comes in the place of what is missing: at its price, and for no more than what is missing would have cost."""
    product = substitute.product
    fault = withheld("substitute.product_id", product, shorting.today)
    amount = positive("substitute.quantity", substitute.quantity)
    wrong = [one for one in (fault, amount) if isinstance(one, FieldError)]
    if (
        product is not None
        and not isinstance(amount, FieldError)
        and (odd := in_pieces("substitute.quantity", product.unit, amount))
    ):
        wrong.append(odd)
    accept(*wrong)
    assert product is not None
    _consented(order, line, product)
    if not missing:
        message = "is only for a line that is short; say by how much"
        raise Invalid.of("substitute", message, "not-accepted", reason="not-short")
    position = 1 + max(one.position for one in order.lines)
    found = line_of(
        position,
        product,
        substitute.quantity,
        substitute.line_id,
        shorting.today,
        NO_WISH,
        shorting.terms,
        rate=shorting.billing.rate(product),
    )
    asked = line.wish.substitution == "ask"
    return attrs.evolve(
        found, replaces=line.id, agreed_total=min(found.agreed_total or 0, freed), proposed=asked,
        answer_by=questions.until(order.part(product.farm_id), shorting.now, shorting.terms) if asked else None,
    )  # fmt: skip


def _consented(order: Standing, line: Line, product: OnSale) -> None:
    """Raise :class:`Conflict` unless the buyer lets this come in the line's place."""
    if line.replaces is not None:
        raise Conflict("this line is in the place of another one already; nothing can come in its own place")
    if product.id == line.product_id and product.variant_id == line.variant_id:
        raise Invalid.of(
            "substitute.product_id", "is what is short; name something else", "not-accepted", reason="the-same"
        )
    consent = line.wish.substitution
    if consent == "none":
        raise Conflict("the buyer wants nothing in the place of what is short of this line")
    if consent == "same_farm" and product.farm_id != line.farm_id:
        raise Conflict("the buyer wants only goods of the same farm in the place of what is short of this line")
    if consent == "ask" and not any(part.farm_id == product.farm_id for part in order.parts):
        raise Conflict("the buyer can only be asked about goods of the farms that this order is of")


def _opened(order: Standing, product: OnSale | None, actor: Actor) -> tuple[Part, ...]:
    """The part of another farm that a substitute is of, if it is new in the order."""
    if product is None:
        return ()
    if any(part.farm_id == product.farm_id for part in order.parts):
        require(order, product.farm_id, "short", actor)
        return ()
    return (Part(product.farm_id, product.farm_name, len(order.parts), "placed", 0, method=order.parts[0].method),)


def _told(lines: Collection[Line], line: Line) -> dict[str, Any]:
    """What the event says of the substitute."""
    found = next((one for one in lines if one.replaces == line.id), None)
    if found is None:
        return {}
    return {
        "substitute": {
            "line_id": found.id,
            "farm_id": found.farm_id,
            "product_id": found.product_id,
            "quantity": shown(found.quantity),
            "total": found.owed,
        },
    }
