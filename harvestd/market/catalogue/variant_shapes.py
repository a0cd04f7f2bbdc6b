"""The pack sizes of a product: as they are shown, and as its farm reads and writes them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from harvestd.kernel.units import Unit
from harvestd.market.catalogue.fact_shapes import Sku, UnitCodeOut
from harvestd.market.catalogue.price_shapes import UnitPrice
from harvestd.market.catalogue.variant_rules import MAX_TITLE, MAX_VARIANTS
from harvestd.web.shapes import ExternalId, Id, In, MinorUnits, Money, Out, Quantity, UnitOut


class Variant(Out, kw_only=True, frozen=True):
    """A pack size of a product, at its own price. It ``takes`` so much of the product's unit out of the one stock, and ``available`` is how many packs
    are left in that."""

    id: str
    title: str
    unit: UnitOut
    unit_code: UnitCodeOut
    price: Money
    unit_price: UnitPrice
    takes: str
    available: str
    sku: str
    external_id: str | None


class VariantIn(In, kw_only=True, frozen=True):
    """A pack size: what the pack is called, the unit that packs are counted in, the price of a pack, and how much of the product's unit it takes. Without
    ``id`` it is the present one with its ``external_id`` or its title, else a new one."""

    title: Annotated[str, Meta(max_length=MAX_TITLE)]
    price: Money | MinorUnits
    takes: Quantity
    unit: Unit = "each"
    id: Id | None = None
    sku: Sku = ""
    external_id: ExternalId | None = None


class PutVariants(In, kw_only=True, frozen=True):
    """All pack sizes of a product, in order. One that is not among them is not offered any more; orders that name it stay as they are."""

    items: Annotated[list[VariantIn], Meta(max_length=MAX_VARIANTS)]


class Variants(Out, kw_only=True, frozen=True):
    """All pack sizes of a product, in order. ``version`` is the product's."""

    items: list[Variant]
    version: int


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "PutVariants.items": "The pack sizes, in order.",
    "Variants.items": "The pack sizes, in order.",
    "Variants.version": "The product's version, for `If-Match`.",
    "VariantIn.id": "The pack size that it is; null or omitted for a new one.",
    "VariantIn.title": "What the pack is called, such as `5 kg sack`.",
    "VariantIn.unit": "What packs are counted in.",
    "VariantIn.price": "The price of a pack.",
    "VariantIn.sku": "The farm's own number of the pack.",
    "VariantIn.external_id": "The id that another system has for it, unique in the product; null for none.",
}  # fmt: skip
