"""Products: validation of a farm's offer, and of its changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import attrs

from harvestd.kernel import translations
from harvestd.kernel.claims import Certification
from harvestd.kernel.errors import FieldError
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.names import Rule, accept
from harvestd.kernel.quantities import ONE, positive, shown
from harvestd.kernel.seasons import Season
from harvestd.kernel.units import Amount, default_step, unfit
from harvestd.market.catalogue import fact_rules, group_rules, markdown_rules, measure_rules
from harvestd.market.catalogue.fact_rules import Durability
from harvestd.market.catalogue.group_rules import GroupPrice
from harvestd.market.catalogue.markdown_rules import Markdown
from harvestd.market.catalogue.measure_rules import Measures
from harvestd.market.catalogue.price_rules import alone_faults
from harvestd.market.catalogue.stock_level_rules import level
from harvestd.market.catalogue.tag_rules import tags

Status = Literal["draft", "published", "archived"]

MAX_TITLE, MAX_DESCRIPTION = 200, 10_000
NOTHING = Decimal(0)
TEXTS = {"title": Rule(MAX_TITLE), "description": Rule(MAX_DESCRIPTION, lines=True)}


@attrs.frozen(kw_only=True)
class Offer:
    """The fields of a product that its farm may change. ``price`` is for ``price_per`` of the unit or, with ``priced_by``, of that of the
    estimated weight; while a ``markdown`` reduces it, it is the regular one. Groups are named by id."""

    title: str
    unit: str
    price: int
    quantity_step: Decimal
    min_quantity: Decimal
    price_per: Decimal = ONE
    priced_by: str | None = None
    estimated_weight: Amount | None = None
    description: str = ""
    category_id: str | None = None
    season: Season | None = None
    harvested_on: date | None = None
    tags: tuple[str, ...] = ()
    status: str = "published"
    sku: str = ""
    external_id: str | None = None
    gtin: str = ""
    lot: str = ""
    allergens: tuple[str, ...] = ()
    ingredients: str = ""
    origin: str = ""
    storage: str | None = None
    durability: Durability | None = None
    certifications: tuple[Certification, ...] = ()
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    translations: translations.Texts = attrs.field(factory=dict)
    visible_to: tuple[str, ...] = ()
    prices: tuple[GroupPrice, ...] = ()
    markdown: Markdown | None = None

    @property
    def measures(self) -> Measures:
        """What the price is for."""
        return Measures(price_per=self.price_per, priced_by=self.priced_by, estimated_weight=self.estimated_weight)


#: The names of the offer's fields.
OFFERED = tuple(attrs.fields_dict(Offer))


def begun(given: Mapping[str, Any]) -> Offer:
    """The offer of a new product, from the fields of its body, converted; raises :class:`Invalid`. The default step is any amount for
    weighed goods and one for counted ones; the default minimum is one step."""
    unit = given["unit"]
    step = default_step(unit) if given["quantity_step"] is None else given["quantity_step"]
    least = step if given["min_quantity"] is None else given["min_quantity"]
    measures, wrong = measure_rules.decided(unit, given)
    anew = {"quantity_step": step, "min_quantity": least, **attrs.asdict(measures, recurse=False)}
    anew |= {translations.FIELD: translations.merged({}, given.get(translations.FIELD, {}), tuple(TEXTS))}
    return checked(Offer(**({name: given[name] for name in OFFERED if name in given} | anew)), wrong)


def checked(offer: Offer, also: Iterable[FieldError] = (), *, priced: bool = True) -> Offer:
    """The offer in its normal form; raises :class:`Invalid` with every field that is wrong, and what was wrong ``also``. ``priced`` is whether its
    groups' prices are new."""
    texts = _texts({name: getattr(offer, name) for name in TEXTS})
    kept_tags = tags(offer.tags)
    amounts = unfit(offer.unit, offer.quantity_step, offer.min_quantity)
    price = measure_rules.price_faults(offer.price, offer.measures, offer.unit)
    facts, wrong = fact_rules.checked(attrs.asdict(offer, recurse=False))
    wrong += translations.lacking(offer.translations, "title")
    wrong += group_rules.offer_faults(offer, said=priced)
    accept(*also, *texts.values(), *kept_tags, *price, *amounts, *wrong, message="the product cannot be accepted")
    kept = accept(*texts.values(), *kept_tags)
    named: dict[str, Any] = dict(zip(texts, kept, strict=False))
    facts |= group_rules.normal({"visible_to": offer.visible_to, "prices": offer.prices})
    return attrs.evolve(offer, **named, **facts, tags=tuple(dict.fromkeys(kept[len(named) :])))


def faults(given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a product (including its price in minor units and its opening stock), independent of
    the others."""
    found: list[Any] = [*_texts(given).values(), *tags(given.get("tags", ())), *fact_rules.checked(given)[1]]
    found += group_rules.faults(given)
    if "price" in given:
        found += alone_faults(given["price"])
    steps = {name: given[name] for name in ("quantity_step", "min_quantity") if given.get(name) is not None}
    unit = given.get("unit")
    if unit is not None:
        step = steps.get("quantity_step", default_step(unit))
        found += unfit(unit, step, steps.get("min_quantity", step)) if steps else ()
    else:
        found += [positive(name, value) for name, value in steps.items()]
    if "stock" in given:
        found.append(level(given["stock"], unit))
    found += measure_rules.faults(given)
    return list(dict.fromkeys(fault for fault in found if isinstance(fault, FieldError)))


def _texts(given: Mapping[str, Any]) -> dict[str, str | FieldError]:
    return {name: rule.apply(name, given[name]) for name, rule in TEXTS.items() if name in given}


def amended(
    offer: Offer, changes: Mapping[str, Any], also: Iterable[FieldError] = (), *, stock: Decimal = NOTHING, held: Decimal = NOTHING,
    variants: int = 0,
) -> Offer:  # fmt: skip
    """The offer with ``changes``, in its normal form; raises :class:`Invalid` as :func:`checked` does. ``stock`` is its current stock,
    ``held`` the quantity that orders may still return, ``variants`` how many pack sizes it is offered in.

    A step, a minimum quantity, the quantity of a price and the weight of a piece are amounts of the unit. Under another unit they would mean
    something else, so they become that unit's defaults unless the farm gives new ones. What becomes of a markdown and of groups' prices is decided by
    :func:`markdown_rules.follows`."""
    anew: dict[str, Any] = {}
    unit = changes.get("unit", offer.unit)
    if unit != offer.unit:
        step = changes.get("quantity_step", default_step(unit))
        anew = {"quantity_step": step, "min_quantity": step}
        also = (*also, *_unit_stays(offer.unit, stock, held, variants))
    measures, wrong = measure_rules.decided(unit, changes, offer.measures if unit == offer.unit else None)
    measured = attrs.asdict(measures, recurse=False)
    anew |= {name: value for name, value in changes.items() if name in OFFERED and name not in measured}
    anew |= {name: value for name, value in measured.items() if value != getattr(offer, name)}
    if translations.FIELD in changes:
        anew[translations.FIELD] = translations.merged(offer.translations, changes[translations.FIELD], tuple(TEXTS))
    after = attrs.evolve(offer, **markdown_rules.follows(offer, anew))
    return checked(after, (*also, *wrong), priced=set(after.prices) != set(offer.prices))


def _unit_stays(unit: str, stock: Decimal, held: Decimal, variants: int) -> Iterator[FieldError]:
    """Why the unit cannot be changed now: kilograms do not convert into pieces, neither in stock nor in orders that may be returned."""
    if held:
        message = (
            f"stays {unit} while open orders hold {said(held, unit)}; archive it, and offer it anew in the other unit"
        )
        yield FieldError(
            "unit", message, code="below-reserved",
            params={"reserved": shown(held), "unit": unit, "reason": "unit-stays"},
        )  # fmt: skip
    elif stock:
        message = f"stays {unit} while {said(stock, unit)} are in stock; set the stock to 0 first, and anew afterwards"
        yield FieldError(
            "unit", message, code="not-accepted",
            params={"available": shown(stock), "unit": unit, "reason": "unit-stays"},
        )  # fmt: skip
    if variants:
        message = (
            f"stays {unit} while it is offered in pack sizes; PUT /api/products/{{id}}/variants without items first"
        )
        yield FieldError("unit", message, code="not-accepted", params={"reason": "has-variants"})
