"""What a product is sold by and priced by, and what a piece of it weighs."""

from __future__ import annotations

from typing import Annotated, TypedDict, get_args

from harvestd.kernel.quantities import shown
from harvestd.kernel.units import Amount
from harvestd.market.catalogue.measure_rules import WEIGHT, Measure, WeightUnit, sold_by
from harvestd.web.shapes import In, Out, Quantity
from harvestd.web.vocabulary import closed

_MEASURE = closed("UnitKind", get_args(Measure), "What a unit measures; pieces are never sold in fractions.")
_WEIGHT_UNIT = closed("WeightUnit", get_args(WeightUnit), "Units of weight.")
MeasureIn = Annotated[Measure, _MEASURE]
MeasureOut = Annotated[str, _MEASURE]


class WeightIn(In, kw_only=True, frozen=True):
    """A weight. That of what is priced by weight is stored and shown in the unit of its price."""

    quantity: Quantity
    unit: Annotated[WeightUnit, _WEIGHT_UNIT]


class Weight(Out, kw_only=True, frozen=True):
    """A weight."""

    quantity: str
    unit: Annotated[str, _WEIGHT_UNIT]


class PricedBy(TypedDict):
    """What lines of carts and orders say of what they are priced by."""

    priced_by: str
    estimated: bool
    estimated_weight: Weight | None


def priced_by(unit: str, each: Amount | None) -> PricedBy:
    """It of what is sold in ``unit``, with ``each`` the estimated weight of a piece that is priced by weight."""
    if each is None:
        return PricedBy(priced_by=sold_by(unit), estimated=False, estimated_weight=None)
    weight = Weight(quantity=shown(each.quantity), unit=each.unit)
    return PricedBy(priced_by=WEIGHT, estimated=True, estimated_weight=weight)


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "sold_by": "What is counted or measured when it is sold; follows from the unit.",
    "priced_by": "What its price is by: the same, or the weight of what is sold by the piece. Follows from the unit, and from that of `price_per`, if null or omitted.",
    "Product.priced_by": "What its price is by: the same, or the weight of what is sold by the piece.",
    "estimated_weight": "What a piece is estimated to weigh; null if that is not known.",
    "Weight.quantity": "How much it weighs, in `unit`.",
    "Weight.unit": "A unit of weight.",
    "WeightIn.quantity": "How much it weighs, in `unit`.",
    "WeightIn.unit": "A unit of weight.",
    "variants": "The pack sizes that it is offered in, too, in order.",
    "takes": "How much of the product's unit a pack takes out of its stock.",
    "Variant.title": "What the pack is called, such as `5 kg sack`.",
    "Variant.unit": "What packs are counted in.",
    "Variant.price": "The price of a pack.",
    "Variant.available": "How many packs are left in what can still be ordered of the product.",
    "Variant.sku": "The farm's own number of the pack.",
    "Variant.external_id": "The id that another system has for it, unique in the product; null for none.",
}  # fmt: skip
