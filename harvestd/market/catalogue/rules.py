"""Products: validation of a farm's offer, and of its changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import attrs

from harvestd.kernel import families
from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.errors import faults as faults_of
from harvestd.kernel.events import Event
from harvestd.kernel.formatting import quantity as said
from harvestd.kernel.names import Rule, accept, clean_name, clean_text
from harvestd.kernel.quantities import MAX, MAX_PRICE, ONE, exact, not_negative, positive, shown, usable
from harvestd.kernel.seasons import Season
from harvestd.kernel.units import Amount, default_step, in_pieces, measured, unfit

Status = Literal["draft", "published", "archived"]

MAX_TAGS, MAX_TAG_LENGTH = 20, 40
MAX_TITLE, MAX_DESCRIPTION, MAX_REASON = 200, 10_000, 500
NOTHING = Decimal(0)
_TEXTS = {"title": Rule(MAX_TITLE), "description": Rule(MAX_DESCRIPTION, lines=True)}


@attrs.frozen(kw_only=True)
class Offer:
    """The fields of a product that its farm may change. ``price`` is for ``price_per`` of the unit."""

    title: str
    unit: str
    price: int
    quantity_step: Decimal
    min_quantity: Decimal
    price_per: Decimal = ONE
    description: str = ""
    category_id: str | None = None
    season: Season | None = None
    harvested_on: date | None = None
    tags: tuple[str, ...] = ()
    status: str = "published"


#: The names of the offer's fields.
OFFERED = tuple(attrs.fields_dict(Offer))


def begun(given: Mapping[str, Any]) -> Offer:
    """The offer of a new product, from all fields of its body, converted; raises :class:`Invalid`. The default step is any amount for
    weighed goods and one for counted ones; the default minimum is one step."""
    unit = given["unit"]
    step = default_step(unit) if given["quantity_step"] is None else given["quantity_step"]
    least = step if given["min_quantity"] is None else given["min_quantity"]
    (per,) = accept(price_per(given["price_per"], unit))
    anew = {"quantity_step": step, "min_quantity": least, "price_per": per}
    return checked(Offer(**({name: given[name] for name in OFFERED} | anew)))


def checked(offer: Offer, also: Iterable[FieldError] = ()) -> Offer:
    """The offer in its normal form; raises :class:`Invalid` with every field that is wrong, and what was wrong ``also``."""
    texts = _texts({name: getattr(offer, name) for name in _TEXTS})
    tags = _tags(offer.tags)
    amounts = unfit(offer.unit, offer.quantity_step, offer.min_quantity)
    accept(*also, *texts.values(), *tags, *_price(offer), *amounts, message="the product cannot be accepted")
    kept = accept(*texts.values(), *tags)
    named: dict[str, Any] = dict(zip(texts, kept, strict=False))
    return attrs.evolve(offer, **named, tags=tuple(dict.fromkeys(kept[len(named) :])))


def faults(given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a product (including its price in minor units and its opening stock), independent of
    the others."""
    found: list[Any] = [*_texts(given).values(), *_tags(given.get("tags", ()))]
    if "price" in given:
        found += _price_alone(given["price"])
    steps = {name: given[name] for name in ("quantity_step", "min_quantity") if given.get(name) is not None}
    unit = given.get("unit")
    if unit is not None:
        step = steps.get("quantity_step", default_step(unit))
        found += unfit(unit, step, steps.get("min_quantity", step)) if steps else ()
    else:
        found += [positive(name, value) for name, value in steps.items()]
    if "stock" in given:
        found.append(_stock(given["stock"], unit))
    per: Amount | None = given.get("price_per")
    if per is not None:
        found += [price_per(per, unit or per.unit), *per_faults({"quantity": per.quantity})]
    return list(dict.fromkeys(fault for fault in found if isinstance(fault, FieldError)))


def per_faults(given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the quantity that a price is for, whatever the unit."""
    found = [positive("price_per.quantity", given["quantity"])] if "quantity" in given else []
    return [fault for fault in found if isinstance(fault, FieldError)]


def _texts(given: Mapping[str, Any]) -> dict[str, str | FieldError]:
    return {name: rule.apply(name, given[name]) for name, rule in _TEXTS.items() if name in given}


def tag_faults(given: Mapping[int, str]) -> list[FieldError]:
    """Faults in the given tags, by their positions in the list."""
    found = (tag(f"tags[{i}]", text) for i, text in given.items())
    return [fault for fault in found if isinstance(fault, FieldError)]


def _tags(given: Sequence[str]) -> list[str | FieldError]:
    found = [tag(f"tags[{i}]", text) for i, text in enumerate(given[: MAX_TAGS + 1])]
    if len(given) > MAX_TAGS:
        most = str(MAX_TAGS)
        found.append(
            FieldError(
                "tags",
                f"must have at most {most} tags",
                code="too-long",
                params={"maximum": most, "reason": "elements"},
            )
        )
    return found


def price_per(amount: Amount | None, unit: str) -> Decimal | FieldError:
    """The quantity of ``unit`` that a price is for, one if not given; or its fault."""
    return ONE if amount is None else measured("price_per", amount, unit)


def _price(offer: Offer) -> Iterator[FieldError]:
    """Faults of a price: the limit is that of one unit, and scales down for less than one, but not up for more."""
    most = int(MAX_PRICE * offer.price_per)
    if most < offer.price <= MAX_PRICE:
        message = f"must be at most {most} for {said(offer.price_per, offer.unit)}, in minor units of the currency"
        yield FieldError("price", message, code="above-maximum", params={"maximum": str(most)})
    yield from _price_alone(offer.price)


def _price_alone(price: int) -> Iterator[FieldError]:
    if price < 0:
        yield FieldError("price", "must be 0 or more", code="below-minimum", params={"minimum": "0"})
    if price > MAX_PRICE:
        message = f"must be at most {MAX_PRICE}, in minor units of the currency (1250 is 12.50)"
        yield FieldError("price", message, code="above-maximum", params={"maximum": str(MAX_PRICE)})


def _stock(stock: Decimal, unit: str | None) -> Decimal | FieldError:
    """The stock, which must be whole if its unit (None: not known) is counted."""
    value = not_negative("stock", stock)
    if isinstance(value, FieldError) or unit is None:
        return value
    return in_pieces("stock", unit, value) or value


def tag(field: str, text: str) -> str | FieldError:
    """A tag in its stored form, case-folded, which filters use too; or its fault."""
    found = clean_name(field, text, MAX_TAG_LENGTH)
    return found if isinstance(found, FieldError) else clean_name(field, found.casefold(), MAX_TAG_LENGTH)


def tag_asked(text: str) -> str:
    """The tag that a filter asks for, in its stored form; an invalid one is left unchanged, and matches nothing."""
    found = tag("tag", text)
    return text if isinstance(found, FieldError) else found


def amended(
    offer: Offer, changes: Mapping[str, Any], also: Iterable[FieldError] = (), *, stock: Decimal = NOTHING, held: Decimal = NOTHING
) -> Offer:  # fmt: skip
    """The offer with ``changes``, in its normal form; raises :class:`Invalid` as :func:`checked` does. ``stock`` is its current stock,
    ``held`` the quantity that orders may still return.

    A step, a minimum quantity and the quantity of a price are amounts of the unit. Under another unit they would mean something else,
    so they become that unit's defaults unless the farm gives new ones."""
    anew: dict[str, Any] = {}
    unit = changes.get("unit", offer.unit)
    if unit != offer.unit:
        step = changes.get("quantity_step", default_step(unit))
        anew = {"quantity_step": step, "min_quantity": step, "price_per": ONE}
        also = (*also, *_unit_stays(offer.unit, stock, held))
    anew |= changes
    if "price_per" in changes:
        anew["price_per"] = price_per(changes["price_per"], unit)
        if isinstance(anew["price_per"], FieldError):
            also = (*also, anew.pop("price_per"))
    return checked(attrs.evolve(offer, **anew), also)


def _unit_stays(unit: str, stock: Decimal, held: Decimal) -> Iterator[FieldError]:
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


def opening_stock(stock: Decimal, unit: str) -> Decimal:
    """The opening stock of a new product, which must be whole if its unit is counted; raises :class:`Invalid`."""
    return accept(_stock(stock, unit), message="the product cannot be accepted")[0]


def level_faults(set_to: Decimal | None, change: Decimal | None) -> list[FieldError]:
    """Faults in a farm's stock correction, whatever the current stock."""
    values = [
        None if set_to is None else not_negative("set", set_to), None if change is None else usable("change", change)
    ]  # fmt: skip
    found = [fault for fault in values if isinstance(fault, FieldError)]
    if set_to is not None and change is not None:
        message = "give either set (the new level) or change (what is added or taken), not both"
        found.append(FieldError("set", message, code="given-twice", params={"reason": "set-or-change"}))
    return found


def new_level(
    unit: str, stock: Decimal, reserved: Decimal, *, set_to: Decimal | None, change: Decimal | None
) -> Decimal:
    """The stock after a farm's correction; raises :class:`Invalid` if it would fall below the reserved quantity,
    or not be a whole number of counted goods."""
    if set_to is None and change is None:
        raise Invalid.of(
            "set", "give set (the new level) or change (what is added or taken)", "required", reason="set-or-change"
        )
    accept(*level_faults(set_to, change))
    field, value = ("set", set_to) if set_to is not None else ("change", change)
    assert value is not None
    level = exact(value if field == "set" else stock + value)
    if level is None:
        raise Invalid.of(
            field, f"would make the stock too large; it is {said(stock, unit)} now", "above-maximum",
            maximum=shown(MAX - stock), unit=unit,
        )  # fmt: skip
    if (part := in_pieces(field, unit, level)) is not None:
        raise Invalid("the stock cannot be changed so", (part,))
    if level < 0:
        message = f"would make the stock less than 0; it is {said(stock, unit)} now"
        params = {"minimum": shown(-stock), "reason": "stock", "available": shown(stock), "unit": unit}
        raise Invalid.of(field, message, "below-minimum", **params)
    if level < reserved:
        left, held = said(level, unit), said(reserved, unit)
        message = f"would leave {left}, less than the {held} reserved for orders; cancel those first"
        raise Invalid.of(field, message, "below-reserved", reserved=shown(reserved), unit=unit)
    return level


def restocked(
    unit: str, stock: Decimal, reserved: Decimal, *, set_to: Decimal | None, change: Decimal | None, reason: str
) -> tuple[str, Decimal]:
    """The reason in its stored form, and the :func:`new_level`; raises :class:`Invalid` with the faults of either."""
    kept = clean_text("reason", reason, MAX_REASON)
    levels: list[Decimal] = []
    wrong = faults_of(lambda: levels.append(new_level(unit, stock, reserved, set_to=set_to, change=change)))
    accept(kept, *wrong)
    assert isinstance(kept, str)
    return kept, levels[0]


@attrs.frozen
class Known:
    """The identifiers of a product in events and caches."""

    id: str
    slug: str
    farm_id: str
    farm_slug: str


def happened(kind: Literal["created", "updated", "deleted"], product: Known, version: int, changed: list[str]) -> Event:
    """The event of a catalogue change; ``version`` is the product's revision."""
    data: dict[str, Any] = {
        "product_id": product.id, "farm_id": product.farm_id, "changed": changed,
        "families": list(
            families.product(
                product.id, product.slug, product.farm_id, product.farm_slug, changed if kind == "updated" else None
            )
        ),
    }  # fmt: skip
    return Event(f"product.{kind}", f"product:{product.id}", version, data)
