"""Bodies by which a product is created and changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from harvestd.kernel.tags import LANGUAGES
from harvestd.kernel.units import Unit
from harvestd.market.catalogue import fact_shapes as facts
from harvestd.market.catalogue import measure_shapes as measures
from harvestd.market.catalogue import price_shapes
from harvestd.market.catalogue.rules import MAX_DESCRIPTION, MAX_TITLE, Status
from harvestd.market.catalogue.tag_rules import MAX_TAG_LENGTH, MAX_TAGS
from harvestd.web.claim_shapes import Certifications
from harvestd.web.shapes import CategoryId, ExternalId, FarmId, In, Metadata, MinorUnits, Money, Quantity, SeasonIn

Title = Annotated[str, Meta(max_length=MAX_TITLE)]
Description = Annotated[str, Meta(max_length=MAX_DESCRIPTION)]
Tags = Annotated[list[Annotated[str, Meta(max_length=MAX_TAG_LENGTH)]], Meta(max_length=MAX_TAGS)]


class ProductTranslationIn(In, kw_only=True, frozen=True):
    """A product's texts in another of the market's languages."""

    title: Title
    description: Description = ""


class ChangeProductTranslation(In, kw_only=True, frozen=True):
    """The texts to change in another of the market's languages."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET


Translations = Annotated[dict[str, ProductTranslationIn], Meta(max_length=len(LANGUAGES))]
ChangedTranslations = Annotated[dict[str, ChangeProductTranslation | None], Meta(max_length=len(LANGUAGES))]


class PricePerIn(In, kw_only=True, frozen=True):
    """The quantity that a price is for, in the product's unit or in another that converts to it exactly (such as ``g`` and ``kg``).
    It is stored and shown in the product's own unit. For pieces that are priced by weight it is in a unit of weight."""

    quantity: Quantity
    unit: Unit


class NewProduct(In, kw_only=True, frozen=True):
    """A new product. ``farm_id`` is required of callers with more than one farm, and of staff, who may create products for any farm. Without
    ``quantity_step``, weighed goods are sold in any amount and counted goods by 1. Counted goods (each, bunch, dozen …) have whole steps and whole stock.
    ``price`` is for one unit unless ``price_per`` gives another quantity: 640 for 1000 g is 6.40 a kilogram of a product sold by the gram.
    What is sold by the piece may be priced by weight: with ``priced_by`` weight and an ``estimated_weight``, ``price`` is for one kilogram (or pound)
    unless ``price_per`` says otherwise."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {"slug": "from-title", "variants": "variants-route"}

    title: Title
    unit: Unit
    price: Money | MinorUnits
    stock: Quantity
    description: Description = ""
    category_id: CategoryId | None = None
    farm_id: FarmId | None = None
    price_per: PricePerIn | None = None
    sold_by: measures.MeasureIn | None = None
    priced_by: measures.MeasureIn | None = None
    estimated_weight: measures.WeightIn | None = None
    quantity_step: Quantity | None = None
    min_quantity: Quantity | None = None
    season: SeasonIn | None = None
    harvested_on: date | None = None
    tags: Tags = []
    status: Status = "published"
    sku: facts.Sku = ""
    external_id: ExternalId | None = None
    gtin: facts.Gtin = ""
    lot: facts.Lot = ""
    allergens: facts.Allergens = []
    ingredients: facts.Ingredients = ""
    origin: facts.Origin = ""
    storage: facts.StorageIn | None = None
    durability: facts.DurabilityIn | None = None
    certifications: Certifications = []
    metadata: Metadata = {}
    translations: Translations = {}
    visible_to: price_shapes.VisibleTo = []
    prices: price_shapes.GroupPrices = []


class ChangeProduct(In, kw_only=True, frozen=True):
    """The fields to change; stock has its own route. ``unit`` can be changed only while there is neither stock nor an open order; quantity
    step and minimum quantity then return to the new unit's defaults (1 for counted goods), and the price is for one unit, unless
    they are given, too. ``price_per`` null means one unit. While the price is reduced, ``price`` is the regular one: one that is no more than the reduced
    one, another unit or ``price_per`` ends the markdown, and the reduced price itself changes nothing. Groups' prices go with another unit or ``price_per``,
    unless they are given, too."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {
        "stock": "stock-route",
        "farm_id": "farm-stays",
        "slug": "slug-stays",
        "variants": "variants-route",
    }

    title: Title | UnsetType = UNSET
    unit: Unit | UnsetType = UNSET
    price: Money | MinorUnits | UnsetType = UNSET
    price_per: PricePerIn | UnsetType | None = UNSET
    sold_by: measures.MeasureIn | UnsetType | None = UNSET
    priced_by: measures.MeasureIn | UnsetType | None = UNSET
    estimated_weight: measures.WeightIn | UnsetType | None = UNSET
    description: Description | UnsetType = UNSET
    category_id: CategoryId | UnsetType | None = UNSET
    quantity_step: Quantity | UnsetType = UNSET
    min_quantity: Quantity | UnsetType = UNSET
    season: SeasonIn | UnsetType | None = UNSET
    harvested_on: date | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    sku: facts.Sku | UnsetType = UNSET
    external_id: ExternalId | UnsetType | None = UNSET
    gtin: facts.Gtin | UnsetType = UNSET
    lot: facts.Lot | UnsetType = UNSET
    allergens: facts.Allergens | UnsetType = UNSET
    ingredients: facts.Ingredients | UnsetType = UNSET
    origin: facts.Origin | UnsetType = UNSET
    storage: facts.StorageIn | UnsetType | None = UNSET
    durability: facts.DurabilityIn | UnsetType | None = UNSET
    certifications: Certifications | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    translations: ChangedTranslations | UnsetType | None = UNSET
    visible_to: price_shapes.VisibleTo | UnsetType | None = UNSET
    prices: price_shapes.GroupPrices | UnsetType | None = UNSET


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "category_id": "Id of the category; null for none.",
    "NewProduct.farm_id": "Id of the farm that sells it; required only of callers with more than one farm, and of staff.",
    "NewProduct.translations": "Its texts in the market's other languages, by their tags.",
    "ChangeProduct.translations": "Texts in the market's other languages, by their tags: languages and texts that are left out stay, null removes those of a language, or all.",
    "NewProduct.price_per": "The quantity that `price` is for; one unit if null or omitted.",
    "ChangeProduct.price_per": "The quantity that `price` is for; null means one unit.",
}  # fmt: skip
