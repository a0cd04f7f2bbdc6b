"""Pack sizes of a product: each at its own price, all out of the product's one stock. Pure.

A pack takes a fixed quantity of the product's unit. Packs are counted; what they take is what orders reserve, sell and give back, so nothing that keeps
the stock knows of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel import foreign
from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.names import Rule
from harvestd.kernel.quantities import PLACES, positive
from harvestd.kernel.units import UNITS, Amount, in_pieces
from harvestd.market.catalogue.fact_rules import MAX_SKU
from harvestd.market.catalogue.price_rules import alone_faults

#: Pack sizes of a product.
MAX_VARIANTS = 50
MAX_TITLE = 100
#: The units that packs are counted in.
COUNTED = tuple(unit for unit, kind in UNITS.items() if kind.pieces)
_TEXTS = {"title": Rule(MAX_TITLE), "sku": Rule(MAX_SKU, optional=True)}


@attrs.frozen
class Pack:
    """What one of a pack size takes: so much of ``unit``, the product's own."""

    variant_id: str
    takes: Decimal
    unit: str

    @property
    def content(self) -> Amount:
        """What is in it."""
        return Amount(self.takes, self.unit)


@attrs.frozen(kw_only=True)
class Variant:
    """A pack size; ``price`` is that of a pack, in minor units. ``id`` is None for one that is new, or may be one of the present ones."""

    title: str
    unit: str
    price: int
    takes: Decimal
    sku: str = ""
    external_id: str | None = None
    id: str | None = None


def key(product_id: str, variant_id: str | None) -> str:
    """What lines of a cart or an order are about: the product itself, or one of its pack sizes."""
    return product_id if variant_id is None else f"{product_id}/{variant_id}"


def alone(given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a pack size, independent of the others and of the product."""
    found: list[Any] = [rule.apply(name, given[name]) for name, rule in _TEXTS.items() if name in given]
    if "external_id" in given:
        found.append(foreign.external_id("external_id", given["external_id"]))
    if "takes" in given:
        found.append(positive("takes", given["takes"]))
    if "price" in given:
        found += alone_faults(given["price"])
    if given.get("unit", COUNTED[0]) not in COUNTED:
        message = f"must be one that packs are counted in: {', '.join(COUNTED)}"
        found.append(FieldError("unit", message, code="not-one-of", params={"allowed": ", ".join(COUNTED)}))
    return [fault for fault in found if isinstance(fault, FieldError)]


def _faults(given: Sequence[Variant], known: Collection[str | None], unit: str, name: str) -> Iterator[FieldError]:
    seen: set[tuple[str, str]] = set()
    for i, one in enumerate(given):
        faults = alone(attrs.asdict(one))
        if not any(fault.field == "takes" for fault in faults) and (fault := in_pieces("takes", unit, one.takes)):
            faults.append(fault)
        if one.id is not None and one.id not in known:
            unknown = "is not a pack size of this product; leave the id out for a new one"
            faults.append(FieldError("id", unknown, code="not-found", params={"reason": "variant"}))
        named = [(own, value) for own in _OWN if (value := _OWN[own](one)) is not None]
        faults += [
            FieldError(own, "is already given above", code="given-twice")
            for own, value in named
            if (own, value) in seen
        ]
        seen.update(named)
        yield from (attrs.evolve(fault, field=f"{name}[{i}].{fault.field}") for fault in faults)


def _title(one: Variant) -> str:
    """A title as it is compared: as it would be kept, whatever is invisible in it, and regardless of case."""
    kept = _TEXTS["title"].apply("title", one.title)
    return " ".join((one.title if isinstance(kept, FieldError) else str(kept)).split()).casefold()


#: What no two pack sizes of a product have in common: as it is compared.
_OWN: dict[str, Callable[[Variant], str | None]] = {
    "id": lambda one: one.id,
    "external_id": lambda one: one.external_id,
    "title": _title,
}


#: By which a pack size without an id is recognised, the first one first.
_ALIKE = ("external_id", "title")


def arranged(given: Sequence[Variant], present: Sequence[Variant], unit: str, name: str = "items") -> list[Variant]:
    """The pack sizes of a product sold in ``unit`` as they are to be kept, in their order: each with its id where it is one of the ``present`` ones
    (archived ones too): by id, else by the farm's own, else by title. Raises :class:`Invalid` with all faults, which are about elements of the list
    ``name``."""
    wrong = tuple(_faults(given, {one.id for one in present}, unit, name))
    if wrong:
        raise Invalid("the pack sizes cannot be accepted", wrong)
    kept = [_normal(one) for one in given]
    named = {new.id for new in kept}
    free: dict[tuple[str, str], list[Variant]] = defaultdict(list)
    for one in present:
        for own in _ALIKE:
            if one.id not in named and (value := _OWN[own](one)) is not None:
                free[own, value].append(one)
    taken: set[str | None] = set()
    return [one if one.id is not None else _recognised(one, free, taken) for one in kept]


def _normal(one: Variant) -> Variant:
    texts: dict[str, Any] = {name: rule.apply(name, getattr(one, name)) for name, rule in _TEXTS.items()}
    return attrs.evolve(one, takes=one.takes.quantize(PLACES), **texts)


def _recognised(one: Variant, free: Mapping[tuple[str, str], Sequence[Variant]], taken: set[str | None]) -> Variant:
    """The pack size with the id of a present one that it is by all appearances, which is ``taken`` then."""
    for own in _ALIKE:
        for present in free.get((own, _OWN[own](one) or ""), ()):
            if present.id not in taken:
                taken.add(present.id)
                return attrs.evolve(one, id=present.id)
    return one
