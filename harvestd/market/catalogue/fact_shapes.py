"""What the law has shown of food, and a product's numbers in other systems."""

from __future__ import annotations

import datetime
from typing import Annotated, get_args

from msgspec import Meta

from harvestd.kernel.units import UNITS
from harvestd.market.catalogue.fact_rules import (
    MAX_INGREDIENTS,
    MAX_LOT,
    MAX_ORIGIN,
    MAX_SKU,
    Allergen,
    DurabilityKind,
    Storage,
)
from harvestd.web import claim_shapes
from harvestd.web.claim_shapes import Certification
from harvestd.web.shapes import In, Out
from harvestd.web.vocabulary import closed

_ALLERGENS = closed(
    "Allergen",
    get_args(Allergen),
    "Substances that cause allergies or intolerances (Regulation (EU) 1169/2011, annex II).",
)
_STORAGE = closed("Storage", get_args(Storage), "How it is kept.")
_DURABILITY = closed("DurabilityKind", get_args(DurabilityKind), "What the day of a product's durability says.")
AllergenOut = Annotated[str, _ALLERGENS]
StorageOut = Annotated[str, _STORAGE]
DurabilityKindOut = Annotated[str, _DURABILITY]
UnitCodeOut = Annotated[
    str, closed("UnitCode", tuple(dict.fromkeys(kind.code for kind in UNITS.values())), "Units by UN/ECE Recommendation 20.")
]  # fmt: skip

Sku = Annotated[str, Meta(max_length=MAX_SKU)]
Gtin = Annotated[str, Meta(max_length=14, examples=["4006381333931"])]
Lot = Annotated[str, Meta(max_length=MAX_LOT)]
Allergens = Annotated[list[Annotated[Allergen, _ALLERGENS]], Meta(max_length=len(get_args(Allergen)))]
Ingredients = Annotated[str, Meta(max_length=MAX_INGREDIENTS)]
Origin = Annotated[str, Meta(max_length=MAX_ORIGIN)]
StorageIn = Annotated[Storage, _STORAGE]


class DurabilityIn(In, kw_only=True, frozen=True):
    """Until when food keeps its quality (``best_before``), or may be eaten at all (``use_by``)."""

    kind: Annotated[DurabilityKind, _DURABILITY]
    date: datetime.date


class Durability(Out, kw_only=True, frozen=True):
    """Until when food keeps its quality (``best_before``), or may be eaten at all (``use_by``)."""

    kind: DurabilityKindOut
    date: datetime.date


class Facts(Out, kw_only=True, frozen=True):
    """What the law has shown of food (Regulation (EU) 1169/2011), as it was when it was ordered."""

    lot: str = ""
    allergens: list[AllergenOut] = []
    ingredients: str = ""
    origin: str = ""
    storage: StorageOut | None = None
    durability: Durability | None = None
    certifications: list[Certification] = []


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "sku": "The farm's own number of it.",
    "external_id": "The id that another system has for it: 1 to 64 visible ASCII characters, unique in the farm; null for none.",
    "gtin": "The number under its bar code (GTIN), with its check digit.",
    "lot": "The lot that is on sale (Directive 2011/91/EU).",
    "allergens": "Substances in it that cause allergies or intolerances.",
    "ingredients": "Its ingredients, in descending order of weight.",
    "origin": "Where it comes from.",
    "storage": "How it is kept; null if that does not matter.",
    "durability": "Until when it keeps, or may be eaten; null if it has no such day.",
    "date": "The day.",
    "Durability.kind": "What the day says.",
    "DurabilityIn.kind": "What the day says.",
    **dict.fromkeys(
        (f"{shape}.certifications" for shape in ("NewProduct", "ChangeProduct", "Facts")),
        "Claims such as organic farming, each until its last day.",
    ),
    **claim_shapes.WORDS,
    "unit_code": "The code of UN/ECE Recommendation 20.",
    "metadata": "Notes of another system: kept, returned, never read.",
}  # fmt: skip
