"""What a product is sold by and what it is priced by: the piece, its weight or its volume. Pure.

It is sold by what its unit counts or measures, and priced by the same. What is sold by the piece may be priced by weight instead: then its price is
for a quantity of a unit of weight, and each piece has an estimated weight in that unit; what a line comes to is an estimate until it is weighed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.quantities import GRAMS, MAX_PRICE, ONE, line_total, positive
from harvestd.kernel.units import UNITS, Amount, weighed
from harvestd.market.catalogue import price_rules

Measure = Literal["weight", "volume", "piece"]
WeightUnit = Literal["kg", "g", "lb", "oz"]
WEIGHT = "weight"
_WEIGHTS = tuple(unit for unit, kind in UNITS.items() if kind.kind == WEIGHT)
#: What a price is for unless said, by the unit of the estimated weight: nobody prices by the gram.
_USUAL = {"kg": "kg", "g": "kg", "lb": "lb", "oz": "lb"}


@attrs.frozen(kw_only=True)
class Measures:
    """What a price is for: ``price_per`` of the product's unit or, with ``priced_by`` (None: as it is sold), of that of the estimated weight."""

    price_per: Decimal = ONE
    priced_by: str | None = None
    estimated_weight: Amount | None = None

    @property
    def each(self) -> Amount | None:
        """What a piece is taken to weigh until it is weighed; None if it has a price of its own."""
        return self.estimated_weight if self.priced_by else None


def sold_by(unit: str) -> str:
    """What is counted or measured when it is sold."""
    return UNITS[unit].kind


def price_unit(unit: str, each: Amount | None) -> str:
    """The unit of what a price is for: the product's own, unless a piece is priced by its estimated weight."""
    return unit if each is None else each.unit


def decided(unit: str, given: Mapping[str, Any], before: Measures | None = None) -> tuple[Measures, list[FieldError]]:
    """The measures of a product sold in ``unit``, from the fields ``sold_by``, ``priced_by``, ``price_per`` and ``estimated_weight`` that are given,
    and what it had ``before`` (None: it is new, or had another unit); and the faults."""
    wrong = [*_other_measure(unit, given.get("sold_by")), *_no_price(unit, given.get("priced_by"))]
    weight = given.get("estimated_weight", before and before.estimated_weight)
    if weight is not None and not UNITS[unit].pieces:
        message = "is of what is sold by the piece; leave it out, or choose a unit that is counted"
        wrong.append(FieldError("estimated_weight", message, code="not-accepted", params={"reason": "no-piece"}))
    if not wrong:
        found = _by_weight if _weighed(unit, given, before, weight) else _as_sold
        measures, wrong = found(unit, given, before, weight)
    if not wrong:
        return measures, []
    alone = faults({name: given.get(name) for name in ("price_per", "estimated_weight")})
    return before or Measures(), list(dict.fromkeys([*wrong, *alone]))


def faults(given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given fields, whatever the product has besides; without its unit, those of quantities alone."""
    unit, per, weight = given.get("unit"), given.get("price_per"), given.get("estimated_weight")
    if unit is not None:
        yield from (*_other_measure(unit, given.get("sold_by")), *_no_price(unit, given.get("priced_by")))
    if weight is not None:
        yield from price_rules.per_faults({"quantity": weight.quantity}, "estimated_weight")
    if per is not None:
        if not (unit and UNITS[unit].pieces and per.unit in _WEIGHTS and (weight or given.get("priced_by"))):
            fault = price_rules.price_per(per, unit or per.unit)
            yield from [fault] if isinstance(fault, FieldError) else []
        yield from price_rules.per_faults({"quantity": per.quantity})


def price_faults(price: int, measures: Measures, unit: str) -> Iterator[FieldError]:
    """Faults of a price: neither one of the unit, nor a piece of the estimated weight, costs more than the most."""
    each = measures.each
    if each is None:
        yield from price_rules.price_faults(price, measures.price_per, unit)
        return
    yield from price_rules.alone_faults(price)
    most = int(MAX_PRICE * measures.price_per / each.quantity)
    if most < price <= MAX_PRICE:
        message = f"must be at most {most} for {said(measures.price_per, each.unit)}, in minor units of the currency"
        yield FieldError("price", message, code="above-maximum", params={"maximum": str(most)})


def final_total(price: int, price_per: Amount, scale: Amount) -> int | FieldError:
    """What a line comes to once it is weighed, all of its pieces together, in any unit of weight, at ``price`` for ``price_per``: in minor units, rounded half
    up, once; or the fault of the weight, of the field ``quantity`` or ``unit``."""
    if scale.unit not in GRAMS:
        message = f"must be a unit of weight: {', '.join(GRAMS)}"
        return FieldError("unit", message, code="not-one-of", params={"allowed": ", ".join(GRAMS)})
    weight = positive("quantity", scale.quantity)
    if isinstance(weight, FieldError):
        return weight
    return line_total(price, weight * GRAMS[scale.unit], price_per.quantity * GRAMS[price_per.unit])


def _other_measure(unit: str, said_by: str | None) -> Iterator[FieldError]:
    kind = sold_by(unit)
    if said_by not in (None, kind):
        message = f"must be {kind}, as the unit is {unit}; leave it out, or choose another unit"
        yield FieldError("sold_by", message, code="not-one-of", params={"allowed": kind, "reason": "by-unit"})


def _no_price(unit: str, by: str | None) -> Iterator[FieldError]:
    allowed = (sold_by(unit), WEIGHT) if UNITS[unit].pieces else (sold_by(unit),)
    if by is not None and by not in allowed:
        message = f"must be {' or '.join(allowed)}, as the unit is {unit}"
        yield FieldError("priced_by", message, code="not-one-of", params={"allowed": ", ".join(allowed)})


def _weighed(unit: str, given: Mapping[str, Any], before: Measures | None, weight: Amount | None) -> bool:
    """Whether what is sold by the piece is priced by weight: as said, else as before, else as the price's own unit says."""
    if not UNITS[unit].pieces:
        return False
    by = given["priced_by"] if "priced_by" in given else before and before.priced_by
    if by is not None:
        return bool(by == WEIGHT)
    per = given.get("price_per")
    return weight is not None and per is not None and per.unit in _WEIGHTS


Decided = tuple[Measures, list[FieldError]]


def _as_sold(unit: str, given: Mapping[str, Any], before: Measures | None, weight: Amount | None) -> Decided:
    kept = before.price_per if before and not before.priced_by and "price_per" not in given else ONE
    per = price_rules.price_per(given["price_per"], unit) if given.get("price_per") else kept
    amount = None if weight is None else positive("estimated_weight.quantity", weight.quantity)
    wrong = [one for one in (per, amount) if isinstance(one, FieldError)]
    if isinstance(per, FieldError) or isinstance(amount, FieldError):
        return Measures(), wrong
    return Measures(price_per=per, estimated_weight=weight), wrong


def _by_weight(unit: str, given: Mapping[str, Any], before: Measures | None, weight: Amount | None) -> Decided:
    if weight is None:
        message = "is missing; what is sold by the piece and priced by weight needs the weight of a piece"
        return Measures(), [FieldError("estimated_weight", message, code="required", params={"reason": "weighed"})]
    per: Amount = given.get("price_per") or _unless_said(given, before, weight)
    if per.unit not in _WEIGHTS:
        message = f"must be a unit of weight, as the price is by weight: {', '.join(_WEIGHTS)}"
        return Measures(), [
            FieldError("price_per.unit", message, code="not-one-of", params={"allowed": ", ".join(_WEIGHTS)})
        ]
    quantity, each = (
        positive("price_per.quantity", per.quantity),
        weighed("estimated_weight", weight, per.unit),
    )
    if isinstance(quantity, FieldError) or isinstance(each, FieldError):
        return Measures(), [one for one in (quantity, each) if isinstance(one, FieldError)]
    return Measures(price_per=quantity, priced_by=WEIGHT, estimated_weight=Amount(each, per.unit)), []


def _unless_said(given: Mapping[str, Any], before: Measures | None, weight: Amount) -> Amount:
    """What the price is for: as before, unless it is said to be for one again, of a kilogram or a pound."""
    if before and before.each and "price_per" not in given:
        return Amount(before.price_per, before.each.unit)
    return Amount(ONE, _USUAL[weight.unit])
