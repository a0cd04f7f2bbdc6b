"""What becomes of a product of which a row of many, or a whole product under its farm's own id, says something. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid, faults
from harvestd.kernel.translations import FIELD, anew
from harvestd.market.catalogue import rules
from harvestd.market.catalogue.rules import OFFERED, Offer
from harvestd.market.catalogue.stock_level_rules import new_level, opening_stock
from harvestd.market.catalogue.variant_rules import Variant, arranged

#: The field of pack sizes.
PACKS = "variants"
#: Fields that a new product needs.
NEEDED = ("title", "unit", "price", "stock")
#: Why a row of a key without this scope is refused where it would change the stock.
_NO_SCOPE = "this API key may not change the stock; leave it out, or use a key that may"
_BARE: dict[str, Any] = {"price_per": None, "quantity_step": None, "min_quantity": None}


@attrs.frozen(kw_only=True)
class Row:
    """One row. It names its product by ``id``, else by ``external_id``, else by ``sku``; without any of these it is a new one. ``given`` has the
    fields that it says something of, converted; with ``whole`` the others return to their defaults. ``packs`` are all pack sizes that the product is to
    have; None: those that it has. ``wrong`` is what was found wrong
    in the row already, and then nothing is done."""

    index: int
    given: Mapping[str, Any] = attrs.field(factory=dict)
    id: str | None = None
    external_id: str | None = None
    sku: str | None = None
    stock: Decimal | None = None
    packs: tuple[Variant, ...] | None = None
    whole: bool = False
    wrong: tuple[FieldError, ...] = ()


@attrs.frozen(kw_only=True)
class Present:
    """A product as it is: its offer, stock, what is reserved of that, what orders ``held`` that may still come back, the number of its
    pack sizes, and these (of rows that say something of them): those that are offered in order, then the others."""

    offer: Offer
    stock: Decimal
    reserved: Decimal
    held: Decimal = rules.NOTHING
    variants: int = 0
    packs: tuple[Variant, ...] = ()


@attrs.frozen
class Decision:
    """The offer and the stock that a product is to have, and its pack sizes (None: those that it has)."""

    offer: Offer
    stock: Decimal
    packs: tuple[Variant, ...] | None = None


def decided(row: Row, present: Present | None, *, may_restock: bool = True) -> Decision:
    """What a product becomes (None: a new one) by a row; raises :class:`Invalid` with all that is wrong with it. A reason to refuse the
    stock is about the field ``stock``."""
    if row.wrong:
        raise Invalid("the product cannot be accepted", row.wrong)
    if present is None:
        return _new(row)
    return _changed(row, present, may_restock)


def _new(row: Row) -> Decision:
    given = {**_BARE, **row.given}
    lacking = [n for n in NEEDED if n not in given and not (n == "stock" and row.stock is not None)]
    if lacking:
        raise Invalid("the product cannot be accepted", tuple(_required(name) for name in lacking))
    assert row.stock is not None
    stock, found, packs = row.stock, list[Offer](), list[Variant]()
    offers = faults(lambda: found.append(rules.begun(given)))
    sizes = faults(lambda: packs.extend(arranged(row.packs or (), (), given["unit"], PACKS)))
    wrong = [*offers, *faults(lambda: opening_stock(stock, given["unit"])), *sizes]
    if wrong:
        raise Invalid("the product cannot be accepted", tuple(wrong))
    return Decision(found[0], stock, tuple(packs) or None)


def _required(name: str) -> FieldError:
    return FieldError(name, "is missing; a new product needs it", code="required", params={"reason": "new-product"})


def _changed(row: Row, present: Present, may_restock: bool) -> Decision:
    changes = row.given
    if row.whole:
        changes = _all_of(row.given)
        changes |= {FIELD: anew(present.offer.translations, changes[FIELD])}
    wrong: list[FieldError] = []
    offer, level, packs = present.offer, present.stock, list[Variant]()
    stay = present.variants if row.packs is None else 0
    try:
        offer = rules.amended(present.offer, changes, stock=present.stock, held=present.held, variants=stay)
    except Invalid as refused:
        wrong += refused.errors
    unit = changes.get("unit", present.offer.unit)
    wrong += faults(lambda: packs.extend(arranged(row.packs or (), present.packs, unit, PACKS)))
    if row.stock is not None and row.stock != present.stock:
        try:
            level = new_level(offer.unit, present.stock, present.reserved, set_to=row.stock, change=None)
        except Invalid as refused:
            wrong += renamed(refused.errors, {"set": "stock"})
        if not may_restock:
            wrong.append(FieldError("stock", _NO_SCOPE, code="not-accepted", params={"reason": "scope"}))
    if wrong:
        raise Invalid("the product cannot be accepted", tuple(wrong))
    return Decision(offer, level, None if row.packs is None else tuple(packs))


def _all_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a whole product: those that are not given have the values of a new one."""
    anew = rules.begun({**_BARE, **given})
    found = {name: getattr(anew, name) for name in OFFERED if name not in ("price_per", "markdown")}
    return {**found, "price_per": given.get("price_per")}


def renamed(errors: Iterable[FieldError], names: Mapping[str, str]) -> list[FieldError]:
    """The errors, about fields by other names."""
    return [attrs.evolve(e, field=names.get(e.field, e.field)) for e in errors]


def placed(errors: Iterable[FieldError], index: int) -> list[FieldError]:
    """The errors of a row as errors of the request that has it: ``rows[17].price``."""
    return [attrs.evolve(e, field=f"rows[{index}].{e.field}" if e.field else f"rows[{index}]") for e in errors]


def changes_of(before: Present, decision: Decision) -> list[str]:
    """The names of the fields that a decision changes, ``stock`` and ``variants`` among them."""
    altered = [name for name in OFFERED if getattr(decision.offer, name) != getattr(before.offer, name)]
    packed = decision.packs is not None and decision.packs != before.packs[: before.variants]
    return [*altered, *[PACKS] * packed, *["stock"] * (decision.stock != before.stock)]
